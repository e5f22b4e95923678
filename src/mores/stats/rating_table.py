"""Ratings one by one → the raters × items table that statistics of agreement read.

Takes (rater, item, value), gives rows and columns in the order of their ids.

    python -c "from mores.stats import rating_table; print(rating_table([('ann', 'i1', 1)]).values)"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mores.stats.inputs import Vector


@dataclass(frozen=True, eq=False)
class RatingTable:
    """Who rated what, and how."""

    raters: tuple[str, ...]
    items: tuple[str, ...]
    values: Vector
    """Shape (raters, items); NaN where a rater gave none."""


def rating_table(ratings: Iterable[tuple[str, str, float]]) -> RatingTable:
    """Return a table from (rater, item, value), of which the last of a pair counts.

    Raters and items stand in the order of their ids, so that the order of the ratings
    changes nothing, resamples of a seeded bootstrap included.
    """
    given = {(rater, item): value for rater, item, value in ratings}
    raters = {rater: i for i, rater in enumerate(sorted({rater for rater, _ in given}))}
    items = {item: i for i, item in enumerate(sorted({item for _, item in given}))}
    values = np.full((len(raters), len(items)), np.nan)
    for (rater, item), value in given.items():
        values[raters[rater], items[item]] = value
    return RatingTable(tuple(raters), tuple(items), values)
