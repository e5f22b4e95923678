"""Two orders → one rating, or none: the rule, fixed before anybody judges.

The same digit twice is the rating. Digits next to each other: that of one order, drawn by a coin
that follows from the study's seed, the judge and the item. Over items this is the mean of both
orders (stochastic rounding: no half is pushed up or down), so no arm gains by it; always taking the
lower one would take half a point from each item between two digits, and arms differ in how many
those are. Digits further apart say that the order decides, not the text: no rating.

    combine(3, 4, coin)     # (3, "") or (4, "")
    combine(2, 5, coin)     # (None, "the two orders disagree by more than one point")
"""

from __future__ import annotations

from dataclasses import dataclass

from mores import store
from mores.rate.judge.answer import JudgeAnswer

VERSION = "two-orders/1.0.0"
FURTHER = "the two orders disagree by more than one point"
CANNOT = "the judge says that it cannot be rated"
CANNOT_ONCE = "the judge says in one order that it cannot be rated"


def coin(seed: int, judge: str, item: str) -> bool:
    """Return what decides between two orders for one item."""
    return int(store.digest([seed, judge, item])[-1], 16) % 2 == 1


def combine(first: int | None, second: int | None, heads: bool) -> tuple[int | None, str]:
    """Return one rating of two, or why there is none; an absent one has its own reason.

    Args:
        first: 0 to 5 in the order from 1 to 5.
        second: the same in the order from 5 to 1.
        heads: whether the first counts where they differ by one.
    """
    if first is None or second is None:
        return None, ""
    if first == 0 or second == 0:
        return None, CANNOT if first == second else CANNOT_ONCE
    if abs(first - second) > 1:
        return None, FURTHER
    return first if heads else second, ""


@dataclass(frozen=True)
class Pair:
    """What a judge said of one item in both orders."""

    ascending: JudgeAnswer
    descending: JudgeAnswer

    def rated(self, seed: int, judge: str) -> tuple[int | None, str]:
        """Return the rating, or why there is none."""
        one, other = self.ascending, self.descending
        value, reason = combine(one.value, other.value, coin(seed, judge, one.item))
        return value, reason or one.reason or other.reason

    @property
    def readable(self) -> bool:
        """Whether there is a digit in both orders."""
        return self.ascending.value is not None and self.descending.value is not None

    @property
    def apart(self) -> int | None:
        """Points between the orders; None where a digit is missing or says "cannot be rated"."""
        one, other = self.ascending.value, self.descending.value
        return None if not one or not other else abs(one - other)

    @property
    def alike(self) -> bool:
        """Whether both orders say the same within one point, or both that it cannot be rated."""
        zero = self.ascending.value == self.descending.value == 0
        return zero or (self.apart is not None and self.apart <= 1)
