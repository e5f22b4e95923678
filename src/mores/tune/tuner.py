"""The seam of tuning: whatever makes one tuned arm from a study, here or at a host.

A tuner takes a `TuneJob` and leaves in its folder either weights (an adapter or a model, as
`mores.tune.adapters` writes them) or ``served.json``, the name under which a host answers for it.
Killed at any moment and called again with an equal job, it goes on: nothing is trained or paid
twice.

    made = tuner_of(spec.tuner)(job)

A third party adds one through an entry point of the group `mores.tuners`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mores import store
from mores.errors import TuneError
from mores.plugins import plugin
from mores.progress import Progress
from mores.records import Recipe, Record
from mores.step import Made
from mores.study import ArmKey, ModelSpec, Study
from mores.weights.resolve import ResolvedModel

GROUP = "mores.tuners"
BUILT_IN = {
    "torch": "mores.tune.here:train",
    "fsdp": "mores.tune.sharded.launch:tune",
    "none": "mores.tune.elsewhere.none:take",
    "openai": "mores.tune.elsewhere.openai:tune",
    "together": "mores.tune.elsewhere.together:tune",
    "tinker": "mores.tune.elsewhere.tinker:tune",
}
SERVED = "served.json"
LOG = "log.jsonl"


@dataclass(frozen=True)
class TuneJob:
    """One arm to be tuned."""

    study: Study
    spec: ModelSpec
    resolved: ResolvedModel
    key: ArmKey
    folder: Path
    progress: Progress

    @property
    def recipe(self) -> Recipe:
        """How this arm is tuned."""
        return self.study.config.recipe_of(self.spec, self.key.arm)


class Served(Record, frozen=True, kw_only=True):
    """What a host calls a tuned arm."""

    model: str
    job: str = ""
    """The host's id of the training job."""


Tuner = Callable[[TuneJob], Made]


def tuner_of(name: str) -> Tuner:
    """Return the tuner of that name.

    Raises:
        TuneError: there is none, or what an installed package gives cannot be loaded.
    """
    return cast("Tuner", plugin("tuner", name, BUILT_IN, GROUP, TuneError, where="models.tuner"))


def served_name(folder: Path) -> str | None:
    """Return what a host calls the arm in a folder; None where its weights lie there.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / SERVED
    if not path.exists():
        return None
    return store.as_record(store.read_json(path), Served, path=path).model
