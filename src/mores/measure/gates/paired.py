"""Harm of each unit in each arm → paired differences between two arms.

Takes outcomes (one a prompt, item or choice, arm and training seed; more is worse), gives the
differences arm minus reference, unit by unit and training run by training run.

    pairs = pair(outcomes, "values_targeted", "base")
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from mores.records import TUNED_ARMS, Arm

MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Outcome:
    """What one arm did with one unit."""

    unit: str
    arm: Arm
    seed: int
    harm: float | None
    """None where it could not be scored."""
    id: str
    """What a reader can look up: a completion, an item, a choice."""

    @property
    def known(self) -> float | None:
        """The harm, where it is a number."""
        return None if self.harm is None or not math.isfinite(self.harm) else float(self.harm)


@dataclass(frozen=True)
class Pairs:
    """Units that both arms have a value for."""

    table: NDArray[np.float64]
    """Arm minus reference, shape (units, training runs of the arm); NaN where one has no value."""
    arm_level: float | None
    reference_level: float | None
    """Mean harm of each arm over these units."""
    unscorable_arm: float
    unscorable_reference: float
    """Share of the units (of either arm, in every training seed) without a value in each arm."""
    examples: tuple[str, ...]
    """Ids of the units that got worse, the worst first."""
    worst: NDArray[np.float64] | None = None
    """The differences of all units, the arm's missing ones scored worst and the reference's best;
    None where nothing is missing or harm has no worst value."""
    missing: str = ""
    """How many values each arm lacks, in words; empty where neither lacks any."""

    @property
    def runs(self) -> int:
        """Training runs of the arm."""
        return int(self.table.shape[1])


def pair(
    outcomes: Sequence[Outcome],
    arm: Arm,
    reference: Arm,
    difference: Callable[[float, float], float] = operator.sub,
    *,
    scale: tuple[float, float] | None = (0.0, 1.0),
    unmeasurable: Collection[str] = (),
) -> Pairs:
    """Pair two arms; a tuned reference with the same training seed, base with every seed.

    Args:
        outcomes: of all arms.
        arm: the arm in question.
        reference: what it is compared with.
        difference: of two harms, where it is not the plain one.
        scale: the least and the greatest harm there is; None where harm has no end.
        unmeasurable: units that no arm can have a value for (an item longer than the model reads),
            so that they are not among those that could be worst.
    """
    tested = {(o.unit, o.seed): o for o in outcomes if o.arm == arm}
    compared = {(o.unit, o.seed): o for o in outcomes if o.arm == reference}
    same_seed = reference in TUNED_ARMS
    seeds = sorted({seed for _, seed in tested})
    changes: dict[str, dict[int, float]] = {}
    worse: list[tuple[float, str]] = []
    levels: list[tuple[float, float]] = []
    for (unit, seed), outcome in tested.items():
        partner = compared.get((unit, seed if same_seed else 0))
        if partner is None or outcome.known is None or partner.known is None:
            continue
        change = difference(outcome.known, partner.known)
        changes.setdefault(unit, {})[seed] = change
        worse += [(change, outcome.id)] if change > 0 else []
        levels.append((outcome.known, partner.known))
    units = dict.fromkeys(unit for unit, _ in (*tested, *compared))
    beyond = set(unmeasurable)
    sought = [unit for unit in units if unit not in beyond]
    means = np.array(levels).mean(axis=0) if levels else None
    rows = [[by.get(seed, math.nan) for seed in seeds] for by in changes.values()]
    return Pairs(
        table=np.array(rows, dtype=np.float64).reshape(len(rows), len(seeds)),
        arm_level=None if means is None else float(means[0]),
        reference_level=None if means is None else float(means[1]),
        unscorable_arm=_absent(tested, units),
        unscorable_reference=_absent(compared, units),
        examples=tuple(name for _, name in sorted(worse, reverse=True)[:MOST_EXAMPLES]),
        **_what_is_missing(tested, compared, sought, scale, (arm, reference)),
    )


class _Missing(TypedDict):
    worst: NDArray[np.float64] | None
    missing: str


def _what_is_missing(
    tested: Mapping[tuple[str, int], Outcome],
    compared: Mapping[tuple[str, int], Outcome],
    units: Sequence[str],
    scale: tuple[float, float] | None,
    arms: tuple[Arm, Arm],
) -> _Missing:
    """Say what each arm lacks, and what the differences would be at worst."""
    own, other = _values(tested, units), _values(compared, units)
    if not np.isnan(own).any() and not np.isnan(other).any():
        return {"worst": None, "missing": ""}
    counts = (
        f"{np.isnan(values).sum()} of {values.size} {name.replace('_', '-')}"
        for name, values in zip(arms, (own, other), strict=True)
    )
    worst = None
    if scale is not None and own.size and other.size:
        # One run of base, or as many of a tuned reference: a run that it lacks is scored best.
        base = other if other.shape[1] in (1, own.shape[1]) else np.full(own.shape, scale[0])
        worst = np.nan_to_num(own, nan=scale[1]) - np.nan_to_num(base, nan=scale[0])
    return {"worst": worst, "missing": f"no value: {', '.join(counts)}"}


def _values(
    outcomes: Mapping[tuple[str, int], Outcome], units: Sequence[str]
) -> NDArray[np.float64]:
    """Harm of each unit under each training run, NaN where there is none."""
    seeds = sorted({seed for _, seed in outcomes})
    return np.array([[_known(outcomes.get((unit, seed))) for seed in seeds] for unit in units])


def _known(outcome: Outcome | None) -> float:
    return math.nan if outcome is None or outcome.known is None else outcome.known


def _absent(outcomes: Mapping[tuple[str, int], Outcome], units: Collection[str]) -> float:
    """Share without a value; a unit that only the other arm has is one of them."""
    expected = len(units) * len({seed for _, seed in outcomes})
    if not expected:
        return 1.0 if units else 0.0
    return 1 - sum(o.known is not None for o in outcomes.values()) / expected
