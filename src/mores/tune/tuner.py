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
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from mores import store
from mores.errors import TuneError, did_you_mean
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
    if name in BUILT_IN:
        module, _, made = BUILT_IN[name].partition(":")
        return cast("Tuner", getattr(import_module(module), made))
    points: dict[str, EntryPoint] = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        known = [*BUILT_IN, *sorted(points)]
        raise TuneError(
            f"there is no tuner {name!r}{did_you_mean(name, known)}",
            where="models.tuner",
            fix=f"tuners: {', '.join(known)}",
        )
    try:
        return cast("Tuner", points[name].load())
    # Someone else's code: whatever it raises, the user needs to know whose it is.
    except Exception as error:
        raise TuneError(
            f"the entry point {points[name].value!r} failed: {type(error).__name__}: {error}",
            where=f"tuner {name!r}",
            fix="update or remove the package that adds it",
        ) from error


def served_name(folder: Path) -> str | None:
    """Return what a host calls the arm in a folder; None where its weights lie there.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / SERVED
    if not path.exists():
        return None
    return store.as_record(store.read_json(path), Served, path=path).model
