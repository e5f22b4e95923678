"""mores as one of the sampling engines: `python engine_mores.py ASK.json TOLD.json`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import torch

import mores
from engine_ask import Ask, answer
from mores.records import Decoding
from mores.sample.requests import Request
from mores.sample.weights import adapted
from mores.study.arms import ArmKey
from mores.weights.load import load
from mores.weights.loaded import LoadedModel
from mores.weights.machine import set_threads
from mores.weights.resolve import resolve
from mores_side import drawn


class Endless(LoadedModel):
    """A model whose answers no token ends."""

    @property
    def ends(self) -> frozenset[int]:
        """No token."""
        return frozenset()


class Mores:
    """Base and adapters side by side in batches that mores plans."""

    version = mores.__version__
    how = "base and adapters in one batch, batches as mores plans them"

    def __init__(self, ask: Ask) -> None:
        set_threads()
        loaded = load(resolve(ask["model"]), dtype=ask["dtype"])
        self.loaded = Endless(**{f.name: getattr(loaded, f.name) for f in fields(loaded)})

    def draw(self, ask: Ask) -> dict[str, list[int]]:
        """Draw the rows' answers."""
        keys = {name: ArmKey(name, 1) for name in ask["adapters"]}
        requests = [
            Request(
                keys.get(row["adapter"], ArmKey("base", 0)), row["id"], "", 0, tuple(row["ids"])
            )
            for row in ask["rows"]
        ]
        decoding = Decoding(temperature=0.0, max_new_tokens=ask["new_tokens"])
        folders = {key.weights: Path(ask["adapters"][name]) for name, key in keys.items()}
        with adapted(self.loaded, folders):
            found = {
                request.prompt_id: list(result.ids)
                for request, result in drawn(self.loaded, requests, decoding, seed=1)
            }
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return found


if __name__ == "__main__":
    answer(Mores)
