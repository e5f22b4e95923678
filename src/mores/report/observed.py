"""Completions and their values: scores, or ratings by people → what contrasts are made of.

observed = observe(completions, {completion.id: (0.2,)})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mores.measure.stance.item import StanceItem
from mores.records import Arm, Completion, Rating
from mores.report.scores import Scores

FEW = 7
"""Up to so many numbers numpy adds one after another, from left to right."""


def mean(values: Sequence[float]) -> float:
    """Return the mean of one or more numbers: `numpy.mean`, at a tenth of its cost for a few."""
    if len(values) > FEW:
        return float(np.mean(values))
    total = 0.0
    for value in values:  # not `sum`, which later Pythons round in another way
        total += value
    return total / len(values)


@dataclass(frozen=True, slots=True)
class Observed:
    """All values of one completion: one score, or the ratings of several people."""

    prompt_id: str
    category: str
    arm: Arm
    seed: int
    values: tuple[float, ...]
    """Empty where there is none; the completion's prompt then counts as left out."""
    raters: tuple[str, ...] = ()
    """Who gave each value; empty where that is not known or nobody did."""
    cannot: int = 0
    """Raters who said that it cannot be rated."""
    asked: bool = True
    """Whether a value was sought: what no rater was given yet lacks one by plan."""

    @property
    def mean(self) -> float:
        """Mean of its values; there are some."""
        return mean(self.values)


def by_completion(ratings: Sequence[Rating]) -> dict[str, tuple[float, ...]]:
    """Return the ratings of each completion that has any."""
    values: dict[str, list[float]] = {}
    for rating in ratings:
        values.setdefault(rating.completion_id, []).append(float(rating.value))
    return {name: tuple(given) for name, given in values.items()}


def observe(
    completions: Sequence[Completion], values: Mapping[str, tuple[float, ...]]
) -> list[Observed]:
    """Return completions with their values, by id; those without one too."""
    return [
        Observed(c.prompt_id, c.category, c.arm, c.seed, values.get(c.id, ())) for c in completions
    ]


def observe_scores(completions: Sequence[Completion], scores: Scores) -> list[Observed]:
    """Return completions with their scores; those without one too."""
    return [
        Observed(
            c.prompt_id,
            c.category,
            c.arm,
            c.seed,
            () if (value := scores.of(c.id)) is None else (value,),
        )
        for c in completions
    ]


def observe_stance(items: Sequence[StanceItem]) -> list[Observed]:
    """Return pairs with their margins, each in the place of a prompt; those without one too."""
    return [
        Observed(
            i.pair_id, i.category, i.arm, i.seed, () if i.margin is None else (float(i.margin),)
        )
        for i in items
    ]


def observe_ratings(
    completions: Sequence[Completion],
    ratings: Sequence[Rating],
    cannot: Mapping[str, int],
    *,
    by_plan: bool,
) -> list[Observed]:
    """Return completions with their ratings and who gave them.

    Args:
        completions: of one model.
        ratings: of these completions, by people.
        cannot: completion id → times that it was called "cannot be rated".
        by_plan: whether an answer without either was not given to anybody yet, as in the rating
            app; ratings from elsewhere do not say why one is missing.
    """
    values = by_completion(ratings)
    raters: dict[str, list[str]] = {}
    for r in ratings:
        raters.setdefault(r.completion_id, []).append(r.rater)
    return [
        Observed(
            c.prompt_id,
            c.category,
            c.arm,
            c.seed,
            values.get(c.id, ()),
            tuple(raters.get(c.id, ())),
            cannot.get(c.id, 0),
            asked=not by_plan or c.id in values or cannot.get(c.id, 0) > 0,
        )
        for c in completions
    ]
