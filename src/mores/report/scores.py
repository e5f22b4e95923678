"""A scorer's values by completion: eight bytes each, for there may be a million.

scores = Scores.read({"c-1": 0}, [score])
scores.of("c-1")     # 0.2, or None where it could not be scored
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mores.records import Score

MOST_DOTS = 2001
"""Scores of an arm that a figure shows one by one."""


def spread_of(values: Sequence[float]) -> tuple[float, ...]:
    """Return the values; of too many for a figure, evenly spaced ones of the sorted values."""
    if len(values) <= MOST_DOTS:
        return tuple(values)
    ordered = np.sort(np.array(values))
    return tuple(ordered[np.linspace(0, len(values) - 1, MOST_DOTS).round().astype(int)].tolist())


@dataclass(frozen=True, eq=False)
class Scores:
    """The values of one scorer on the completions of one model."""

    places: Mapping[str, int]
    """Completion id → its place; the same for all scorers of a model."""
    values: NDArray[np.float64]
    """Shape (completions,), NaN where there is none."""

    @classmethod
    def read(cls, places: Mapping[str, int], scores: Iterable[Score]) -> Scores:
        """Take scores as they come; one of a completion that is not there any more is left out."""
        values = np.full(len(places), math.nan)
        for score in scores:
            place = places.get(score.completion_id)
            if place is not None and score.value is not None:
                values[place] = score.value
        return cls(places, values)

    def of(self, completion_id: str) -> float | None:
        """Return a completion's score, or None where it has none."""
        place = self.places.get(completion_id)
        if place is None or math.isnan(value := float(self.values[place])):
            return None
        return value
