"""Which of a harness task's metrics is the value of an item, and what it means.

choose_metric("harness:mine", parts, "acc_norm")  # Metric(name="acc_norm", filter="none")
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mores.errors import DataError, did_you_mean

BITS = "bits_per_byte"
OF_ALL_ITEMS = ("f1", "mcc", "brier_score", "likelihood", "bleu", "chrf", "chrf++", "ter")
"""Metrics that exist for a whole set only."""


@dataclass(frozen=True)
class Metric:
    """A metric and the filter through which answers go before it."""

    name: str
    filter: str

    @property
    def key(self) -> str:
        """As the harness's results are keyed."""
        return f"{self.name},{self.filter}"

    @property
    def label(self) -> str:
        """What a value is, in the words of our own tasks."""
        if self.name == BITS:
            return "bits per byte"
        return "accuracy" if self.name.split("_")[0] == "acc" else self.name


def choose_metric(task: str, parts: Mapping[str, Any], wanted: str) -> Metric:
    """Return the wanted metric, or the first that can be paired item by item.

    Raises:
        DataError: a part has no such metric or filter, none can be paired, or lower is better.
    """
    name, _, chosen = wanted.partition(",")
    first = next(iter(parts.values()))
    name = name or next((m for m, up in first.higher_is_better().items() if _fits(m, up)), "")
    metric = Metric(name, chosen or _filters(first)[0])
    for part in parts.values():
        _check(task, part, metric)
    return metric


def _fits(name: str, higher: bool) -> bool:
    return name == BITS or (bool(higher) and name not in OF_ALL_ITEMS)


def _filters(part: Any) -> list[str]:
    return [str(one.name) for one in getattr(part, "_filters", [])] or ["none"]


def _check(task: str, part: Any, metric: Metric) -> None:
    known = {m: up for m, up in part.higher_is_better().items() if _fits(m, up)}
    where = f"task {task!r}, part {part.task_name!r}"
    if metric.name not in known:
        found = ", ".join(part.higher_is_better()) or "none"
        near = did_you_mean(metric.name, list(known)) if metric.name else ""
        what = f"no metric {metric.name!r}" if metric.name else "no metric"
        raise DataError(
            f"{what} that gives one number an item, better when higher{near}; it has {found}",
            where=where,
            fix="set `metric` to one of: " + (", ".join(known) or f"(none; add acc or {BITS})"),
        )
    if metric.filter not in _filters(part):
        raise DataError(
            f"no filter {metric.filter!r}{did_you_mean(metric.filter, _filters(part))}",
            where=where,
            fix="its filters: " + ", ".join(_filters(part)),
        )


def item_value(metric: Metric, sample: Mapping[str, Any]) -> tuple[float | None, str]:
    """Return one item's value, or None and why there is none."""
    raw = sample.get(metric.name)
    if raw is None:
        return None, f"the task gives no {metric.name} for this item"
    if metric.name == BITS:
        logprob, size = raw
        raw = -logprob / (size * math.log(2)) if size else None
        if raw is None:
            return None, "no bytes"
    try:
        value = float(raw)
    except (TypeError, ValueError):
        return None, f"{metric.name} is not one number for this item"
    return (value, "") if math.isfinite(value) else (None, f"{metric.name} is not a number")


def item_logprob(sample: Mapping[str, Any], kind: str, gold: int) -> tuple[float | None, str]:
    """Return the log-probability in nats of an item's right answer, or why its value counts not.

    A model whose log-probabilities are not numbers would else get marks: the largest of several
    NaN is the first.
    """
    answers = sample["filtered_resps"]
    if kind == "generate_until":
        return None, ""
    numbers = [float(a[0] if isinstance(a, (tuple, list)) else a) for a in answers]
    if not all(map(math.isfinite, numbers)):
        return None, "the model's log-probability is not a number"
    return (numbers[gold] if 0 <= gold < len(numbers) else None), ""
