"""Which parts of a report belong together: by model, measure, contrast. Reads, computes nothing.

own = estimates_of(report, "toxicity:lexical")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from mores.records import Estimate
from mores.report.model import Report

PRIMARY = ("values_targeted - control", "values_targeted - base")
"""Contrasts that come first wherever contrasts are listed."""


def models_of(report: Report) -> list[str]:
    """Return the names of the base models, in order."""
    named = [model.name for model in report.models]
    return list(dict.fromkeys(named or [model_of(report, e) for e in report.estimates]))


def model_of(report: Report, estimate: Estimate) -> str:
    """Return the model that an estimate is about; the only one if it does not say."""
    named = str(estimate.details.get("model") or "")
    return named or (report.models[0].name if report.models else "")


def contrasts_of(estimates: Iterable[Estimate]) -> list[str]:
    """Return the contrasts that occur, primary ones first."""
    return primary_first(e.contrast for e in estimates)


def primary_first(contrasts: Iterable[str]) -> list[str]:
    """Return contrasts without repetition, primary ones first."""
    there = dict.fromkeys(contrasts)
    return [*(c for c in PRIMARY if c in there), *(c for c in there if c not in PRIMARY)]


def estimates_of(report: Report, measure: str) -> list[Estimate]:
    """Return the estimates of a measure, its effect sizes (``measure/…``) included."""
    return [e for e in report.estimates if belongs(e.measure, measure)]


def belongs(name: str, measure: str) -> bool:
    """Say whether an estimate's name is that of a measure or of one of its effect sizes."""
    return name == measure or name.startswith(f"{measure}/")


def other_estimates(report: Report) -> list[Estimate]:
    """Return the estimates that no section of its own shows, so that none is lost."""
    scorers = [f"toxicity:{result.scorer}" for result in report.toxicity]
    shown = [*scorers, "rating", "stance", "coherence"]
    return [
        e
        for e in report.estimates
        if not e.measure.startswith("capability:") and not any(belongs(e.measure, m) for m in shown)
    ]


def note_of(report: Report, measure: str) -> str:
    """Return what must stand wherever a scorer's numbers stand, or an empty string."""
    scorer = measure.removeprefix("toxicity:") if measure.startswith("toxicity:") else ""
    notes = (r.note for r in report.toxicity if scorer and belongs(scorer, r.scorer) and r.note)
    note = next(notes, "")
    name = next((r.scorer for r in report.toxicity if r.note == note), "")
    return note if not note or note.startswith(name) else f"{name}: {note}"


def nested_estimates(value: object) -> Iterator[Estimate]:
    """Yield every estimate inside plain data, such as a co-occurrence result."""
    if isinstance(value, dict):
        if {"value", "unit", "method", "n"} <= value.keys():
            yield msgspec.convert(value, Estimate)
            return
        for inner in value.values():
            yield from nested_estimates(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from nested_estimates(inner)


def name_of(*parts: str) -> str:
    """Return a figure's name: lower-case letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", " ".join(parts).lower()).strip("_")
