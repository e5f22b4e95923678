"""One base model for several studies: loaded once, and never asked the same thing twice.

The studies of `test_gates_catch_bad_tunes.py` put the same prompts to the same base model. Its
answers depend on nothing else (not on the other arms of a batch), so that they can be kept:

    base = OneBase()
    with base.kept():
        gates(study)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest


class OneBase:
    """Keeps the loaded model and what it answered. Not for tuning, which changes the weights."""

    def __init__(self) -> None:
        self.found: dict[str, object] = {}
        self.models: dict[tuple[object, ...], object] = {}
        self.drawn: dict[tuple[object, ...], object] = {}
        self.choices: dict[str, object] = {}

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Put the kept model and answers in place for the time of a block."""
        from mores.measure.gates import choose
        from mores.sample.decoder import Decoder
        from mores.weights import load, resolve

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(resolve, "resolve", self._resolve(resolve.resolve))
            patch.setattr(load, "load", self._load(load.load))
            patch.setattr(Decoder, "draw", self._draw(Decoder.draw))
            patch.setattr(choose, "_score", self._score(choose._score))
            yield

    def _resolve(self, true):
        def resolve(name, **options):
            if name not in self.found:
                self.found[name] = true(name, **options)
            return self.found[name]

        return resolve

    def _load(self, true):
        def load(resolved, **options):
            at = (resolved.digest, *sorted(options.items()))
            if at not in self.models:
                self.models[at] = true(resolved, **options)
            return self.models[at]

        return load

    def _draw(self, true):
        def draw(engine, batch, decoding, seed, width=0):
            def name(row):
                return (row.prompt_id, row.draw, row.ids, msgspec.json.encode(decoding), seed)

            new = [r for r in batch if r.key.arm != "base" or name(r) not in self.drawn]
            fresh = iter(true(engine, new, decoding, seed, width) if new else [])
            found = []
            for row in batch:
                if row.key.arm != "base":
                    found.append(next(fresh))
                    continue
                if name(row) not in self.drawn:
                    self.drawn[name(row)] = next(fresh)
                found.append(self.drawn[name(row)])
            return found

        return draw

    def _score(self, true):
        from mores import store

        def score(context, loaded, key, tuned, asked):
            if key.arm != "base":
                return true(context, loaded, key, tuned, asked)
            at = store.digest(asked)
            if at not in self.choices:
                self.choices[at] = true(context, loaded, key, tuned, asked)
            return self.choices[at]

        return score
