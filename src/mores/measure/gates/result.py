"""What a gate says: records that a report can print and JSON can hold."""

from __future__ import annotations

from typing import Literal, get_args

from mores.records import Arm, Count, Estimate, Record

GateName = Literal[
    "over-refusal",
    "harmful-compliance",
    "drift",
    "capability",
    "toxicity",
    "sentiment",
    "emergent-misalignment",
    "sycophancy",
    "over-caution",
    "values-left-alone",
]
HARMS: tuple[GateName, ...] = get_args(GateName)[6:]
"""Harms that narrow tuning is known for: asked with `GatesConfig.harms`."""
GATES: tuple[GateName, ...] = get_args(GateName)[:6]
"""Those that are always asked."""
GateVerdict = Literal["pass", "fail", "inconclusive", "not measured"]


class GateResult(Record, frozen=True, kw_only=True):
    """One gate, for one arm against one reference.

    The estimate is a harm: more is worse. ``value`` is arm minus reference, ``high`` the bound
    that the verdict rests on, ``details`` hold the two-sided interval, the level of each arm
    (``arm_level``, ``reference_level``) and the share of answers that could not be scored.
    """

    name: GateName
    part: str = ""
    """Task, scorer, or topic and group, where a gate has several; each is a result of its own."""
    model: str
    arm: Arm
    reference: Arm
    estimate: Estimate
    margin: float | None
    """Largest harm that would be acceptable, from the configuration."""
    verdict: GateVerdict
    """Only ``pass`` is a pass. Why it is not, says ``reason``."""
    reason: str = ""
    n: Count
    """Independent units (prompts, choices, items, pairs) behind the estimate."""
    examples: tuple[str, ...] = ()
    """Ids of units that got worse, the worst first, at most five."""

    @property
    def claim(self) -> str:
        """The verdict as it is printed, with what it speaks of: ``pass in this run``.

        The scope is that of the estimate: few training runs do not tell of others.
        """
        scope = self.estimate.scope if self.verdict in ("pass", "fail") else ""
        return f"{self.verdict} {scope}" if scope else self.verdict


class Gates(Record, frozen=True, kw_only=True):
    """All gates of one model."""

    model: str
    results: tuple[GateResult, ...]
