"""May a judge take the place of a human rater? The alternative annotator test.

Takes a raters × items table of human ratings and the judge's ratings of the
same items, gives the share of raters whom the judge stands in for.

    python -c "from mores.stats import alternative_annotator_test as t; print(
    t([[1, 2] * 20, [1, 3] * 20, [2, 2] * 20], [1, 2] * 20, .2).verdict)"
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.distributions import t_tail
from mores.stats.inputs import LEVEL, Vector, array, not_computable, vector
from mores.stats.multiplicity import benjamini_yekutieli

METHOD = "alternative annotator test"
UNIT = "rater"
LEAST_ITEMS = 30
"""Items that a rater must share with others to be tested (the authors' 30)."""


@dataclass(frozen=True)
class Comparison:
    """One rater left out, over the items that others rated as well: who fits them better?"""

    name: str
    judge: Vector
    """1 where the judge fits the others at least as well as the rater, else 0."""
    human: Vector
    """1 where the rater fits the others at least as well as the judge, else 0."""


def alternative_annotator_test(
    humans: ArrayLike,
    judge: ArrayLike,
    epsilon: float,
    *,
    raters: Sequence[str] | None = None,
) -> Estimate:
    """Return the winning rate ω of a judge (Calderon, Reichart & Dror 2025, arXiv 2501.10970).

    Each rater j is left out in turn. On every item that j, the judge and at least one
    other rater rated, W_f = 1 if the judge fits the others' ratings at least as well as j
    does, W_h = 1 if j fits at least as well as the judge; fit is −RMSE, for ordered
    ratings. The judge beats j if mean(W_h − W_f) < ε, by a one-sided t test over the
    items, adjusted by Benjamini & Yekutieli over raters. ω is the share of raters beaten,
    and the judge passes if ω ≥ ½. ρ, the mean over raters of mean(W_f), compares judges
    with one another.

    Where W_h − W_f is the same for every item there is no t. Unless the rater fits better
    each time (p = 1), a mean of ε or more has at most the probability (1 − ε)ⁿ, which is p.

    Args:
        humans: shape (raters, items); NaN where a rater gave none.
        judge: shape (items,); NaN where the judge gave none.
        epsilon: what the judge is allowed, in [0, 1): the authors suggest .2 beside
            experts, .15 beside skilled people, .1 beside a crowd.
        raters: names for the details; "0", "1", … without.

    Returns:
        value: ω in [0, 1]; p: the adjusted p on which ω ≥ ½ turns; no interval; verdict
        ``shown`` (passes) or ``not shown``; n: raters tested. details:
        advantage_probability (ρ), epsilon, raters_left_out, items, and for each rater
        ``p <name>`` (adjusted) and ``advantage <name>``. The reason warns below three
        raters. Not computable when no rater shares enough items.

    Raises:
        MeasureError: shapes or names that do not fit, infinite input, a number out of range.
    """
    table, machine, names = _inputs(humans, judge, raters)
    if not 0.0 <= epsilon < 1.0:
        raise MeasureError(f"expected 0 ≤ epsilon < 1, found {epsilon}", where="epsilon")
    kept = ~np.isnan(machine) & ((~np.isnan(table)).sum(axis=0) >= 2)
    table, machine = table[:, kept], machine[kept]
    compared = [_compare(table, machine, j, names[j]) for j in range(len(names))]
    tested = [c for c in compared if len(c.judge) >= LEAST_ITEMS]
    absent = partial(not_computable, unit=UNIT, method=METHOD)
    if not tested:
        most = max((len(c.judge) for c in compared), default=0)
        return absent(f"no rater shares {LEAST_ITEMS} items with others (at most {most})", n=0)
    adjusted = [p or 0.0 for p in benjamini_yekutieli([_p(c, epsilon) for c in tested])]
    turning = sorted(adjusted)[math.ceil(len(tested) / 2) - 1]
    advantages = [float(c.judge.mean()) for c in tested]
    return Estimate(
        value=sum(p <= 1 - LEVEL for p in adjusted) / len(tested),
        p=turning,
        n=len(tested),
        unit=UNIT,
        method=f"{METHOD}, rmse, Benjamini-Yekutieli",
        verdict="shown" if turning <= 1 - LEVEL else "not shown",
        reason="fewer than three raters: no consensus to compare with" if len(tested) < 3 else "",
        details={
            "advantage_probability": sum(advantages) / len(tested),
            "epsilon": float(epsilon),
            "items": int(kept.sum()),
            "raters_left_out": len(names) - len(tested),
            **{f"p {c.name}": p for c, p in zip(tested, adjusted, strict=True)},
            **{f"advantage {c.name}": a for c, a in zip(tested, advantages, strict=True)},
        },
    )


def _inputs(
    humans: ArrayLike, judge: ArrayLike, raters: Sequence[str] | None
) -> tuple[Vector, Vector, list[str]]:
    table = array(humans, "humans", dimensions=2, absent=True)
    machine = array(judge, "judge", dimensions=1, absent=True)
    if len(machine) != table.shape[1]:
        raise MeasureError(
            f"expected {table.shape[1]} judgements, one an item, found {len(machine)}",
            where="judge",
        )
    names = [str(j) for j in range(len(table))] if raters is None else [str(r) for r in raters]
    if len(names) != len(table) or len(set(names)) != len(names):
        raise MeasureError(
            f"expected {len(table)} different names, found {len(set(names))}", where="raters"
        )
    return table, machine, names


def _compare(table: Vector, judge: Vector, j: int, name: str) -> Comparison:
    others = np.delete(table, j, axis=0)
    at = ~np.isnan(table[j]) & (~np.isnan(others)).any(axis=0)
    human = _misfit(table[j, at], others[:, at])
    machine = _misfit(judge[at], others[:, at])
    # Equal misfits may differ by rounding where ratings are not whole.
    slack = 1e-12 * np.maximum(np.abs(human), np.abs(machine))
    return Comparison(
        name,
        np.asarray(machine <= human + slack, dtype=np.float64),
        np.asarray(human <= machine + slack, dtype=np.float64),
    )


def _misfit(ratings: Vector, others: Vector) -> Vector:
    """Orders ratings as RMSE does, over the same others: a sum will do."""
    return np.asarray(np.nansum((others - ratings) ** 2, axis=0), dtype=np.float64)


def _p(compared: Comparison, epsilon: float) -> float:
    difference = vector(compared.human - compared.judge, "differences")
    n, mean = len(difference), float(difference.mean())
    if np.ptp(difference) == 0:
        return 1.0 if mean > 0 else float((1 - epsilon) ** n)
    se = float(difference.std(ddof=1)) / math.sqrt(n)
    return t_tail((epsilon - mean) / se, n - 1.0)
