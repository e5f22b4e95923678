"""Recipes side by side, on validation pairs only: what each gains in stance, what it costs.

found = sweep(study, points=("learning_rate=2e-4", "learning_rate=4e-4 anchor=1"))
found.points[0].estimate("stance", "values_targeted - control")

The answers to test prompts, and test pairs, are never looked at: a recipe that was chosen on them
would make the study's own verdicts look better than they are. Every point is kept as it is done, so
a sweep that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from mores import store
from mores.errors import StudyError, did_you_mean
from mores.progress import Progress
from mores.records import Recipe, Record, to_plain
from mores.study import Study
from mores.study.layers import parse_override
from mores.tune.base import models_here
from mores.vary.picture import picture
from mores.vary.point import Point, in_words, measure

FOLDER = "vary"
FILE = "sweep.json"
RATES = (0.5, 1.0, 2.0)
"""Times the study's own learning rate: what is tried where no points are given."""


class Sweep(Record, frozen=True, kw_only=True):
    """What the recipes came to, in their order."""

    study: str
    split: str
    seeds: tuple[int, ...]
    """Training seeds of each point."""
    points: tuple[Point, ...]
    figure: str
    """The picture, relative to the study's folder."""


def sweep(study: Study, *, points: Sequence[str] = (), progress: Progress | None = None) -> Sweep:
    """Tune and measure the study with several recipes.

    Args:
        study: its recipe is what the points differ from; its tasks and training seeds hold for all.
        points: each some settings of the recipe, ``learning_rate=2e-4 epochs=3``; by default half,
            once and twice the study's own rate.
        progress: where to show how far it is.

    Raises:
        StudyError: a point is no setting of a recipe, two are the same, or there are no validation
            pairs.
        MoresError: what tuning raises.
    """
    from mores.measure.capability.tasks import load_tasks

    progress = progress or Progress(quiet=True)
    recipes = _recipes(study, points)
    if not study.pairs("validation"):
        raise StudyError(
            "a sweep compares recipes on validation pairs, and there are none",
            path=study.folder / "stance.jsonl",
            fix='write some with "split": "validation" (docs/stance.md)',
        )
    tasks = load_tasks(study, progress.say)
    found: list[Point] = []
    whole = progress.task("sweep", len(recipes) * len(study.config.models), "points", plain=False)
    with store.lock(study.run_folder):
        for spec in models_here(study, "sweep", progress.say):
            for name, recipe in recipes.items():
                place = f"{FOLDER}/{store.digest(recipe).removeprefix('sha256:')[:12]}"
                config = msgspec.structs.replace(study.config, recipe=recipe)
                variant = study.variant(place, config)
                point = measure(
                    name, study, variant, spec, split="validation", tasks=tasks, progress=progress
                )
                found.append(point)
                progress.say(in_words(point))
                whole.advance(1, name)
    whole.finish()
    folder = study.run_folder / FOLDER
    figure = picture("sweep", "Recipes side by side", found, "validation")
    figure.write(folder)
    result = Sweep(
        study=study.config.name,
        split="validation",
        seeds=study.config.train_seeds,
        points=tuple(found),
        figure=(folder / f"{figure.name}.png").relative_to(study.folder).as_posix(),
    )
    store.write_json(folder / FILE, result)
    return result


def _recipes(study: Study, points: Sequence[str]) -> dict[str, Recipe]:
    """Name → recipe, each different."""
    own = study.config.recipe
    if not points:
        points = [f"learning_rate={own.learning_rate * times:g}" for times in RATES]
    recipes: dict[str, Recipe] = {}
    for text in points:
        name = " ".join(text.split())
        recipes[name] = _recipe(own, name)
        if list(recipes.values()).count(recipes[name]) > 1:
            raise StudyError(f"the point {name!r} is the same recipe as another", where="--point")
    return recipes


def _recipe(own: Recipe, point: str) -> Recipe:
    settings: dict[str, Any] = to_plain(own)
    for part in point.split():
        key, value = parse_override(part)
        key = key.removeprefix("recipe.")
        if key not in settings:
            raise StudyError(
                f"a recipe has no setting {key!r}{did_you_mean(key, list(settings))}",
                where=f"--point {point!r}",
                fix=f"settings: {', '.join(settings)}",
            )
        settings[key] = value
    try:
        return msgspec.convert(settings, Recipe)
    except (msgspec.ValidationError, ValueError) as error:
        raise StudyError(store.readable(str(error), settings), where=f"--point {point!r}") from None
