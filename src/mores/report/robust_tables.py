"""Rows of the section of questions asked in other ways: variants by kind, and one's own log."""

from __future__ import annotations

from collections.abc import Sequence

from mores.records import Estimate
from mores.report.model import Report
from mores.report.robust_kind import RobustKind
from mores.report.words import (
    ABSENT,
    arm_label,
    contrast_label,
    count,
    decimals,
    fmt,
    interval,
    kept_claim,
    measure_label,
    signed,
)

Cells = tuple[str, ...]
ROBUST_HEAD = ("Kind", "Questions", "Effect as asked first", "Effect asked so", "Share kept",
               "Verdict", "Caveat or reason")  # fmt: skip
"""Names of the columns of `robust_rows`."""


def robust_rows(rows: Sequence[RobustKind]) -> list[Cells]:
    """Kind, questions, effect as asked first and so, share kept, verdict, why there is none."""
    places = decimals([e for row in rows for e in (row.original, row.varied)])
    return [
        (
            row.kind.replace("_", " "),
            count(row.questions),
            _with_interval(row.original, places),
            _with_interval(row.varied, places),
            _share(row.kept),
            kept_claim(row.kept),
            row.kept.reason or (f"{row.left_out} left out" if row.left_out else ""),
        )
        for row in rows
    ]


def marked_rows(rows: Sequence[RobustKind]) -> list[Cells]:
    """Kind, questions, share of marked answers as asked first and so, values-targeted arm."""
    return [
        (
            row.kind.replace("_", " "),
            count(row.questions),
            share_of(row.values_original),
            share_of(row.values_varied),
        )
        for row in rows
    ]


def log_rows_of(rows: Sequence[Estimate]) -> list[Cells]:
    """Measure, arm or contrast, value, interval, prompts, why it says less."""
    places = decimals(rows)
    return [
        (
            "Marked answers" if e.measure == "marked" else measure_label(e.measure),
            contrast_label(e.contrast) if " - " in e.contrast else arm_label(e.contrast),
            signed(e.value, places) if " - " in e.contrast else fmt(e.value, places),
            interval(e, places),
            count(e.n),
            e.reason,
        )
        for e in rows
    ]


def margin_of(report: Report) -> float | None:
    """The share of an effect whose loss is looked for; None where no kind has a verdict."""
    found = (r.kept.details["margin"] for r in report.robust if "margin" in r.kept.details)
    return next((float(margin) for margin in found if margin is not None), None)


def share_of(value: float | None) -> str:
    """A share in per cent; a dash where there is none."""
    return ABSENT if value is None else f"{100 * value:.0f} %"


def _with_interval(e: Estimate, places: int) -> str:
    return f"{signed(e.value, places)} {interval(e, places)}"


def _share(e: Estimate) -> str:
    if e.value is None:
        return ABSENT
    ends = (
        "below any" if e.low is None else fmt(e.low, 2),
        "above any" if e.high is None else fmt(e.high, 2),
    )
    return f"{fmt(e.value, 2)} [{ends[0]}, {ends[1]}]"
