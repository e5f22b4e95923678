"""Rows of the tables of section "Effect by model size": a summary → tuples of text.

mean_rows(summary, summary.measures[0])
"""

from __future__ import annotations

from mores.report.sizes import SizeMeasure, SizeSummary
from mores.report.words import (
    arm_label,
    contrast_label,
    count,
    decimals,
    fmt,
    interval,
    p_value,
    signed,
)

Cells = tuple[str, ...]

TESTS = {
    "trend": "Trend: mean rank correlation of the effect with size (above 0: grows)",
    "slope": "Slope: change of the difference for ten times the parameters",
}


def size_label(parameters: int) -> str:
    """Return ``135M``, ``1.7B`` or ``unknown size``."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if parameters >= unit * 0.9995:
            return f"{parameters / unit:.3g}{name}"
    return str(parameters) if parameters > 0 else "unknown size"


def model_rows(summary: SizeSummary) -> list[Cells]:
    """Model, parameters, family."""
    return [
        (m.name, count(m.parameters) if m.parameters else "not known", m.family)
        for m in summary.models
    ]


def mean_rows(measure: SizeMeasure) -> list[Cells]:
    """Model, parameters, arm, mean, interval, prompts, reason."""
    places = decimals(measure.means)
    return [
        (
            str(e.details["model"]),
            size_label(int(e.details["parameters"] or 0)),
            arm_label(str(e.details["arm"])),
            fmt(e.value, places) if e.value is not None else "not computable",
            interval(e, places),
            count(e.n),
            e.reason,
        )
        for e in measure.means
    ]


def trend_rows(measure: SizeMeasure) -> list[Cells]:
    """Test, contrast, value, interval, p, prompts, verdict, reason."""
    return [
        (
            TESTS[t.test],
            contrast_label(t.estimate.contrast),
            signed(t.estimate.value) if t.estimate.value is not None else "not computable",
            interval(t.estimate, 3),
            p_value(t.estimate.p) + (" (one-sided)" if t.test == "trend" and t.estimate.p else ""),
            count(t.estimate.n),
            t.estimate.claim,
            t.estimate.reason,
        )
        for t in measure.tests
    ]
