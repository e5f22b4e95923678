"""The mark of each verdict: shape and filling say it without colour.

python -c "from mores.report.figures.verdicts import mark; print(mark('shown', 0, 0))"
"""

from __future__ import annotations

from collections.abc import Iterable

from mores.records import Estimate, Verdict
from mores.report.figures.figure import Key
from mores.report.figures.palette import Role, Shape
from mores.report.figures.scene import Mark

STYLES: dict[Verdict, tuple[Shape, Role, bool]] = {
    "shown": ("diamond", "good", True),
    "not shown": ("circle", "ink", False),
    "worse": ("down", "bad", True),
    "non-inferior": ("square", "good", True),
    "inconclusive": ("up", "ink", False),
    "exploratory": ("circle", "muted", True),
    "descriptive": ("square", "muted", False),
    "not computable": ("cross", "muted", False),
}
"""Verdict → shape, colour role, filled."""


def mark(verdict: Verdict, x: float, y: float, size: float = 4.5) -> Mark:
    """Return the mark of a verdict at a place."""
    shape, role, filled = STYLES[verdict]
    return Mark(x, y, shape, role, size, filled)


def keys(estimates: Iterable[Estimate]) -> tuple[Key, ...]:
    """Return legend entries for the verdicts that occur, in the order of `STYLES`.

    Each says what it speaks of; one mark may have several entries.
    """
    there = {(e.verdict, e.claim) for e in estimates}
    return tuple(
        Key(claim, *style)
        for verdict, style in STYLES.items()
        for own, claim in sorted(there)
        if own == verdict
    )
