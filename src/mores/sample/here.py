"""The engines of this process: one model in memory serves every arm, batch by batch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from mores.errors import ModelError
from mores.sample.decoder import Decoder
from mores.sample.engine import OWN, Job, Unit
from mores.sample.plan import memory_budget, plan_units, rows_side_by_side
from mores.sample.requests import Request
from mores.sample.row import Drawn
from mores.sample.weights import mixes, weights_in_place
from mores.tune.adapters import FULL_WEIGHTS
from mores.weights.load import load
from mores.weights.loaded import LoadedModel
from mores.weights.machine import set_threads
from mores.weights.reader import Reader


class Here:
    """Decodes in the way that suits the model; batches are units, for a batch decides rounding."""

    name = "torch"
    plain = ""
    """Why our attention is not used."""

    def __init__(self, job: Job) -> None:
        set_threads()
        self.job = job
        self._said = False
        self._fits = sys.maxsize
        """Most rows side by side that have not run out of a GPU's memory."""
        dtype = job.study.config.recipe.dtype
        self.loaded: LoadedModel = load(
            job.resolved, dtype=dtype, say=job.progress.say, plain=self.plain
        )
        self._memory = memory_budget(job.study, self.loaded, keep=True)

    @property
    def reader(self) -> Reader:
        """The model as something that reads prompts."""
        return self.loaded.reader

    @property
    def facts(self) -> dict[str, Any]:
        """Its name, and that the random numbers are ours."""
        return {"name": self.name, "random_numbers": OWN}

    def units(self, requests: Sequence[Request]) -> list[Unit]:
        """Rows that are kept together, within groups of rows that can share a batch."""
        limit = self.job.decoding.max_new_tokens
        return [
            unit
            for group in self._groups(requests)
            for unit in plan_units(self.loaded, group, limit, **self._sizes)
        ]

    @property
    def _sizes(self) -> dict[str, Any]:
        rows = self.job.study.config.sample.batch_rows
        return {"batch_rows": rows, "memory_gb": self._memory}

    def draw(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, list[Drawn]]]:
        """Decode batch by batch; neighbours that need the same weights share their loading."""
        decoder = Decoder(self.loaded, on_tokens=self.job.on_tokens)
        left = list(units)
        while left:
            names = self._needs(left[0])
            with weights_in_place(self.loaded, self.job.tuned, names):
                while left and self._needs(left[0]) == names:
                    unit = left.pop(0)
                    yield unit, self._decode(decoder, unit)

    def _decode(self, decoder: Decoder, unit: Unit) -> list[Drawn]:
        """Decode a unit; where a GPU's memory is full, with half as many rows side by side."""
        import torch

        limit = self.job.decoding.max_new_tokens
        width = min(self._fits, rows_side_by_side(self.loaded, unit, limit, **self._sizes))
        while True:
            try:
                return decoder.draw(unit, self.job.decoding, self.job.seed, width)
            except torch.OutOfMemoryError as error:
                if width == 1:
                    raise ModelError(
                        f"out of GPU memory with one answer at a time: {error}".splitlines()[0],
                        where=f"prompt {unit[0].prompt_id!r}",
                        fix="lower max_new_tokens, shorten the prompt, or choose a smaller model",
                    ) from None
            # Outside the handler: the error's traceback held what was computed.
            torch.cuda.empty_cache()
            if not self._said:
                self._said = True
                self.job.progress.say(
                    f"GPU memory is full: {width} answers side by side become {width // 2}, "
                    "and fewer if need be (sample.batch_rows sets their number)"
                )
            self._fits = width = width // 2

    def _needs(self, unit: Unit) -> set[str]:
        """The weights of a batch; adapters that mix are all put in place, whatever it needs."""
        names = {r.key.weights for r in unit}
        together = set(self.job.tuned) - self._alone
        return names if names & self._alone else together | {"base"}

    @cached_property
    def _alone(self) -> set[str]:
        """Arms whose rows cannot share a batch with others.

        What lies in the folders decides, not the recipe: it may have changed since.
        """
        tuned = self.job.tuned
        adapters = {n: f for n, f in tuned.items() if not (f / FULL_WEIGHTS).exists()}
        return set(tuned) - (set(adapters) if mixes(self.loaded, adapters) else set())

    def _groups(self, requests: Sequence[Request]) -> Iterator[list[Request]]:
        """Base and adapters together where they mix, others alone."""
        together = [r for r in requests if r.key.weights not in self._alone]
        if together:
            yield together
        for name in self.job.tuned:
            rows = [r for r in requests if r.key.weights == name and name in self._alone]
            if rows:
                yield rows

    def close(self) -> None:
        """Let the model go."""
        del self.loaded


class Plain(Here):
    """Decodes as transformers does, with the architecture's own cache and our random numbers."""

    name = "plain"
    plain = "its engine is plain"
