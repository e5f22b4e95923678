"""How many samples are needed: nested subsets, and each category left out of training.

found = dose(study, sizes=(10, 20, 40, 80))
found.points[0].estimate("stance", "values_targeted - control")

A smaller subset is part of every larger one, categories take turns in it, and the control arm has
as many, so that the points differ in the number of samples alone. All points have the same epochs:
fewer samples are also fewer steps, as they are for whoever has fewer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from mores import store
from mores.errors import StudyError
from mores.progress import Progress
from mores.records import Dataset, Estimate, Record
from mores.study import Study
from mores.tune.base import models_here
from mores.vary.picture import picture
from mores.vary.point import Point, in_words, measure

SIZES = (10, 20, 40, 80)
FOLDER = "vary"
FILE = "dose.json"


class LeftOut(Record, frozen=True, kw_only=True):
    """One category left out of training: its own stance then, and with all samples."""

    category: str
    model: str
    without: Estimate | None
    """Values-targeted minus control in this category, tuned on the others."""
    whole: Estimate | None
    """The same, tuned on all."""


class Dose(Record, frozen=True, kw_only=True):
    """Stance by number of samples, and what other categories' samples do for one."""

    study: str
    split: str
    seeds: tuple[int, ...]
    points: tuple[Point, ...]
    left_out: tuple[LeftOut, ...]
    says: tuple[str, ...]
    """What the curve says of how many samples are needed; described, not tested."""
    figure: str


def dose(
    study: Study,
    *,
    sizes: tuple[int, ...] = SIZES,
    split: Literal["validation", "test"] = "validation",
    leave_out: bool = True,
    progress: Progress | None = None,
) -> Dose:
    """Tune on ever more samples, and on all but one category; measure the stance each time.

    Args:
        study: its recipe, training seeds and capability tasks hold for all points.
        sizes: numbers of samples; those above the set's size are left out, the whole set is added.
        split: which stance pairs are scored; test pairs only where nothing will be chosen by it.
        leave_out: also leave each category out of training, once.
        progress: where to show how far it is.

    Raises:
        StudyError: there are no stance pairs of that split, or no size is left.
        MoresError: what tuning raises.
    """
    from mores.measure.capability.tasks import load_tasks

    progress = progress or Progress(quiet=True)
    if not study.pairs(split):
        raise StudyError(
            f"there are no stance pairs with the split {split!r}",
            path=study.folder / "stance.jsonl",
            fix="write some (docs/stance.md)",
        )
    variants = list(_variants(study, sizes, leave_out=leave_out))
    tasks = load_tasks(study, progress.say)
    whole = progress.task("dose", len(variants) * len(study.config.models), "points", plain=False)
    found: dict[tuple[str, str], Point] = {}
    with store.lock(study.run_folder):
        for spec in models_here(study, "dose", progress.say):
            for name, kept in variants:
                variant = study.variant(f"{FOLDER}/{_place(kept)}", study.config, kept)
                point = measure(
                    name, study, variant, spec, split=split, tasks=tasks, progress=progress
                )
                found[spec.name, name] = point
                progress.say(in_words(point))
                whole.advance(1, name)
    whole.finish()
    return _written(study, split, variants, found)


def nested(dataset: Dataset, categories: Sequence[str], seed: int) -> list[str]:
    """Return the ids of a set in the order in which subsets grow: categories take turns.

    Args:
        dataset: the samples.
        categories: in charter order.
        seed: decides the order within a category.
    """
    rng = np.random.default_rng([seed, 1 << 21])
    own = {c: [e.id for e in dataset.examples if e.category == c] for c in categories}
    mixed = {c: [ids[i] for i in rng.permutation(len(ids))] for c, ids in own.items()}
    longest = max(map(len, mixed.values()), default=0)
    return [ids[i] for i in range(longest) for ids in mixed.values() if i < len(ids)]


def _variants(
    study: Study, sizes: Sequence[int], *, leave_out: bool
) -> Iterator[tuple[str, frozenset[str]]]:
    """Name → ids of both sets."""
    categories = study.charter.categories
    values, control = (
        nested(d, categories, study.config.seed) for d in (study.values, study.control)
    )
    most = min(len(values), len(control))
    wanted = sorted({n for n in sizes if 0 < n < most} | {most})
    for n in wanted:
        yield f"{n} samples", frozenset(values[:n]) | frozenset(control[:n])
    for category in categories if leave_out else ():
        kept = [
            e.id
            for d in (study.values, study.control)
            for e in d.examples
            if e.category != category
        ]
        yield f"without {category}", frozenset(kept)


def _place(kept: frozenset[str]) -> str:
    return store.digest(sorted(kept)).removeprefix("sha256:")[:12]


def _written(
    study: Study,
    split: str,
    variants: Sequence[tuple[str, frozenset[str]]],
    found: dict[tuple[str, str], Point],
) -> Dose:
    models = [spec.name for spec in study.config.models]
    sizes = [name for name, _ in variants if name.endswith(" samples")]
    left = [
        LeftOut(
            category=category,
            model=model,
            without=_of(found[model, f"without {category}"], category),
            whole=_of(found[model, sizes[-1]], category),
        )
        for model in models
        for category in study.charter.categories
        if (model, f"without {category}") in found
    ]
    points = tuple(found[model, name] for model in models for name in sizes)
    folder = study.run_folder / FOLDER
    figure = picture("dose", "Stance by number of samples", points, split)
    figure.write(folder)
    result = Dose(
        study=study.config.name,
        split=split,
        seeds=study.config.train_seeds,
        points=points,
        left_out=tuple(left),
        says=tuple(_says([p for p in points if p.model == model]) for model in models),
        figure=(folder / f"{figure.name}.png").relative_to(study.folder).as_posix(),
    )
    store.write_json(folder / FILE, result)
    return result


def _of(point: Point, category: str) -> Estimate | None:
    contrast = "values_targeted - control"
    own = (e for e in point.estimates if (e.measure, e.contrast) == ("stance", contrast))
    return next((e for e in own if e.category == category), None)


def _says(points: Sequence[Point]) -> str:
    """What share of the whole set's effect each subset reaches; nothing where there is none."""
    effects = {p.name: p.estimate("stance", "values_targeted - control") for p in points}
    whole = effects[points[-1].name]
    if whole is None or whole.value is None or whole.verdict != "shown":
        return f"{points[-1].model}: no effect of the whole set is shown, so no share of it is said"
    parts = [
        f"{name}: {100 * e.value / whole.value:.0f} % ({e.claim})"
        for name, e in effects.items()
        if e is not None and e.value is not None
    ]
    return f"{points[-1].model}, share of the whole set's effect on stance: {', '.join(parts)}"
