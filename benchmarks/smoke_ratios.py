"""Ratios of the quick benchmark: are the results equal, has a ratio fallen, what is recorded."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

FALLEN = 2 / 3
"""A ratio below this part of the recorded one is warned of: it fell by more than a third."""
LOSS_TOLERANCE = 0.002
"""Largest difference of a step's loss, in nats, that rounding explains in float32."""
TIE = 0.01
"""Logits closer than this are a tie, which rounding may settle either way."""


class Recorded(TypedDict):
    """What was measured once on one machine."""

    date: str
    ratios: dict[str, float]


def ratio(ours: Sequence[float], plain: Sequence[float]) -> float:
    """How many times faster: the plain side's median seconds over ours."""
    return statistics.median(plain) / statistics.median(ours)


def unequal_losses(ours: Sequence[float], plain: Sequence[float]) -> list[str]:
    """Say at which steps the losses differ."""
    return [
        f"the loss of step {step} is {a:.5f} with mores and {b:.5f} with a plain step; allowed is "
        f"a difference of {LOSS_TOLERANCE:g}"
        for step, (a, b) in enumerate(zip(ours, plain, strict=True), 1)
        if not abs(a - b) <= LOSS_TOLERANCE  # also where one is no number
    ]


def first_difference(ours: Sequence[int], plain: Sequence[int]) -> int | None:
    """Return the place of the first other token, or None.

    Raises:
        ValueError: the answers have different numbers of tokens.
    """
    pairs = enumerate(zip(ours, plain, strict=True))
    return next((i for i, (a, b) in pairs if a != b), None)


def read_record(path: Path) -> dict[str, Recorded]:
    """Machine → what was recorded on it; empty where nothing was."""
    found: dict[str, Recorded] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def write_record(path: Path, machine: str, date: str, ratios: Mapping[str, float]) -> None:
    """Record this machine's ratios; those of others stay."""
    rounded = {name: round(value, 2) for name, value in ratios.items()}
    record = {**read_record(path), machine: Recorded(date=date, ratios=rounded)}
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")


def compared(
    ratios: Mapping[str, float], record: Mapping[str, Recorded], machine: str
) -> tuple[list[str], list[str]]:
    """Compare ratios with the recorded ones.

    A machine without a record is compared with the least that any other has recorded.

    Returns:
        A line for each ratio, and a warning for each that fell by more than a third.
    """
    lines, warnings = [], []
    for name, value in ratios.items():
        known, where = _recorded(name, record, machine)
        if known is None:
            lines.append(f"{name:<10} {value:5.2f} times as fast; nothing is recorded")
            continue
        lines.append(f"{name:<10} {value:5.2f} times as fast; recorded {known:.2f} ({where})")
        if value < FALLEN * known:
            warnings.append(
                f"{name} is {value:.2f} times as fast as plain transformers; recorded was "
                f"{known:.2f} ({where}): it fell by {1 - value / known:.0%}"
            )
    return lines, warnings


def _recorded(name: str, record: Mapping[str, Recorded], machine: str) -> tuple[float | None, str]:
    own = record.get(machine)
    if own and name in own["ratios"]:
        return own["ratios"][name], f"this machine, {own['date']}"
    others = [
        (r["ratios"][name], f"another machine: {other}, {r['date']}")
        for other, r in record.items()
        if name in r["ratios"]
    ]
    return min(others, default=(None, ""))


def framed(title: str, lines: Sequence[str]) -> str:
    """Put lines into a frame that nobody overlooks."""
    width = max(len(line) for line in (title, *lines))
    edge = "#" * (width + 8)
    body = [f"##  {line:<{width}}  ##" for line in (title, "", *lines)]
    return "\n".join(["", edge, edge, *body, edge, edge, ""])
