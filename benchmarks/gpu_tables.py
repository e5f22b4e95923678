"""Steps of the GPU benchmark → the table and what it says. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from engine_tables import NAMES
from mores.records import Record

SIDES = {"mores": "mores", "trl": "TRL", **{n: t for n, t in NAMES.items() if n != "mores"}}
GOAL_SECONDS = 90.0
"""What the whole study of the 8b model may take mores, warm."""


class Step(Record, frozen=True, kw_only=True):
    """One process of one side, with one model."""

    size: str
    side: str
    what: str
    """``train ...`` or ``sample``."""
    cold: float | None = None
    """Seconds from the start of the process to the end of the work; None where it failed."""
    warm: float | None = None
    """Seconds of the work alone, in a process that has loaded and computed before."""
    tokens: int = 0
    gpu_gb: float | None = None
    note: str = ""
    """Why there is no figure, or how its answers compare."""


def table(steps: Sequence[Step]) -> str:
    """Return a line for each step, in the order in which they were taken."""
    titles = ("model", "side", "step", "cold s", "warm s", "warm tok/s", "peak GPU GB", "")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for step in steps:
        rate = step.tokens / step.warm if step.warm else None
        cells = [
            step.size,
            SIDES[step.side],
            step.what,
            _number(step.cold, 1),
            _number(step.warm, 1),
            _number(rate, 0),
            _number(step.gpu_gb, 1),
            step.note,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def whole(
    steps: Sequence[Step], size: str, sides: Sequence[str], count: int
) -> tuple[float, float] | None:
    """Sum a study's seconds, cold and warm; None unless all its steps were measured.

    Args:
        steps: what was measured.
        size: of the model.
        sides: what the study is made with, such as TRL and `generate`.
        count: steps of a whole study.
    """
    own = [s for s in steps if s.size == size and s.side in sides]
    if len(own) != count or any(s.cold is None or s.warm is None for s in own):
        return None
    return sum(s.cold or 0.0 for s in own), sum(s.warm or 0.0 for s in own)


def summary(steps: Sequence[Step], size: str, count: int) -> list[str]:
    """Say what the whole study took each side, and whether the goal is met."""
    ours = whole(steps, size, ("mores",), count)
    theirs = whole(steps, size, ("trl", "generate"), count)
    lines = []
    for name, found in (("mores", ours), ("TRL and `generate`", theirs)):
        if found is None:
            lines.append(f"- {size}, {name}: not all steps were measured, so there is no total.")
        else:
            lines.append(
                f"- {size}, {name}: the whole study in {found[1]:.1f} s warm, "
                f"{found[0]:.1f} s cold."
            )
    if ours and theirs:
        lines.append(
            f"- {size}: mores is {theirs[1] / ours[1]:.2f} times faster warm, "
            f"{theirs[0] / ours[0]:.2f} times cold."
        )
    if ours and size == "8b":
        met = "met" if ours[1] <= GOAL_SECONDS else "MISSED"
        lines.append(f"- {met}: the 8b study in {ours[1]:.0f} s warm (aim: at most 90)")
    return lines
