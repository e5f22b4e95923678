"""Rows of the table of extreme answers: estimates of the tail → tuples of text.

extreme_rows(estimates, labels)
"""

from __future__ import annotations

from collections.abc import Iterable

from mores.records import Estimate
from mores.report.tables import Cells, Labels, out_of
from mores.report.words import ABSENT, arm_label, contrast_label, fmt, interval, signed


def extreme_rows(estimates: Iterable[Estimate], labels: Labels) -> list[Cells]:
    """Contrast, arm, extreme answers, the worst, 95 % up to, prompts with one, interval."""
    rows: list[Cells] = []
    for e in estimates:
        arm = e.category != "overall"
        places = 3
        rows.append(
            (
                contrast_label(e.contrast),
                labels.get(e.category, arm_label(e.category)) if arm else "difference",
                out_of(_count(e, "extreme"), _count(e, "answers")) if arm else ABSENT,
                fmt(_number(e, "worst"), 2) if arm else ABSENT,
                fmt(_number(e, "percentile_95"), 2) if arm else ABSENT,
                fmt(e.value, places) if arm else signed(e.value, places),
                interval(e, places),
            )
        )
    return rows


def _count(e: Estimate, name: str) -> int:
    value = e.details.get(name)
    return value if isinstance(value, int) else 0


def _number(e: Estimate, name: str) -> float | None:
    value = e.details.get(name)
    return float(value) if isinstance(value, int | float) else None
