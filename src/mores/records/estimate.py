"""A number with its uncertainty and its method, and what it may claim."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import field

from mores.records.base import Record

Verdict = Literal[
    "shown",
    "not shown",
    "worse",
    "non-inferior",
    "inconclusive",
    "exploratory",
    "descriptive",
    "not computable",
]
"""``exploratory``: tested and printed, but no hypothesis of the study: it claims nothing."""

Scope = Literal[
    "",
    "in this run",
    "in these runs",
    "by these raters",
    "in this run, by these raters",
    "in these runs, by these raters",
]
"""What a verdict speaks of: with one or two training runs of these weights, not the method; where
other raters would not be shown to see it, of those who rated (`docs/report.md`)."""


def claim(verdict: Verdict, scope: Scope) -> str:
    """Return a verdict as it is printed; only one that claims something speaks of something."""
    claims = verdict in ("shown", "worse", "non-inferior")
    return f"{verdict} {scope}" if scope and claims else verdict


SIZES = ("/probability of superiority", "/Cliff's delta", "/Cohen's d")
"""Ends of an `Estimate.measure` without a verdict; a slash alone may be a scorer's name's."""
CHECKS = ("/other raters", "/missing scored worst", "/extreme answers", "/near-training questions")
"""Ends of an `Estimate.measure` that stands beside a measure and bounds what its verdict says."""
BESIDE = SIZES + CHECKS


class Estimate(Record, frozen=True, kw_only=True):
    """A number with its uncertainty and its method: the only kind that a report prints."""

    measure: str = ""
    contrast: str = ""
    category: str = ""
    """A category id, or ``overall``."""
    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: int
    """Number of independent units (``unit``) behind the value."""
    unit: str
    method: str
    verdict: Verdict = "descriptive"
    scope: Scope = ""
    level: float = 0.95
    p_adjusted: float | None = None
    reason: str = ""
    """Why it is not computable, or a caveat that must travel with the number."""
    details: dict[str, float | int | str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = (self.value, self.low, self.high, self.p, self.p_adjusted)
        if not all(x is None or math.isfinite(x) for x in numbers):
            raise ValueError(f"{self.measure}/{self.contrast}: not a finite number in an Estimate")
        if self.verdict == "not computable" and not self.reason:
            raise ValueError("'not computable' needs a reason")

    @property
    def claim(self) -> str:
        """The verdict as it is printed, with what it speaks of: ``shown in this run``."""
        return claim(self.verdict, self.scope)
