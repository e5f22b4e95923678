"""How far scorers agree: in order, and in verdicts at their thresholds.

Takes the values of two or more scorers for the same completions (None where one has
none) and the prompts, gives estimates with intervals from a bootstrap over prompts.
Only what all of them scored can be compared.

    spearman([.1, .4, .9], [.2, .3, .8], ["a", "b", "c"], rng=1).value    # 1.0
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.cluster_bootstrap import cluster_bootstrap
from mores.stats.inputs import Rng, not_computable
from mores.stats.krippendorff_alpha import krippendorff_alpha

Values = Sequence[float | None]
Table = NDArray[np.float64]
"""Shape (completions, scorers)."""
UNIT = "prompt"
DRAWS = 1000


def spearman(first: Values, second: Values, prompts: Sequence[str], *, rng: Rng | None) -> Estimate:
    """Return Spearman's rank correlation, ties at their mean rank (Spearman 1904).

    Args:
        first: one value a completion; None where it was not scored.
        second: the other scorer's.
        prompts: the prompt of each completion.
        rng: generator or seed of the bootstrap over prompts.

    Returns:
        value in [-1, 1], low, high; n prompts; details: pairs. Not computable with fewer
        than two completions that both scored, or where one gives all the same value.

    Raises:
        MeasureError: sequences of different lengths, or no rng.
    """
    clusters = _by_prompt([first, second], prompts)
    return _agreement(clusters, _rank_correlation, "Spearman's ρ", rng, "one gives equal values")


def verdict_kappa(
    first: Values,
    second: Values,
    prompts: Sequence[str],
    *,
    thresholds: tuple[float, float],
    rng: Rng | None,
) -> Estimate:
    """Return Cohen's κ of "at or above the threshold" (Cohen 1960).

    κ = (p_o − p_e) / (1 − p_e), p_o the share of equal verdicts and p_e what the two
    shares of marked texts would give by chance.

    Args:
        first: one value a completion; None where it was not scored.
        second: the other scorer's.
        prompts: the prompt of each completion.
        rng: generator or seed of the bootstrap over prompts.
        thresholds: of the first and of the second.

    Returns:
        value ≤ 1, low, high; details: pairs, both, only_first, only_second, neither,
        observed (p_o). Not computable where both mark all or both mark none: agreement
        then says nothing.
    """
    clusters = [_marked(part, thresholds) for part in _by_prompt([first, second], prompts)]
    estimate = _agreement(clusters, _kappa, "Cohen's κ", rng, "no disagreement is possible")
    if not clusters:
        return estimate
    marks = np.concatenate(clusters).astype(bool)
    a, b = marks[:, 0], marks[:, 1]
    counts: dict[str, float | int | str | None] = {
        "both": int((a & b).sum()),
        "only_first": int((a & ~b).sum()),
        "only_second": int((~a & b).sum()),
        "neither": int((~a & ~b).sum()),
        "observed": float((a == b).mean()),
    }
    return replace(estimate, details={**estimate.details, **counts})


def verdict_alpha(
    scorers: Sequence[Values],
    prompts: Sequence[str],
    *,
    thresholds: Sequence[float],
    rng: Rng | None,
) -> Estimate:
    """Return Krippendorff's α of the verdicts of all scorers; absent values are allowed.

    Args:
        scorers: the values of each.
        prompts: the prompt of each completion.
        thresholds: one a scorer.
        rng: generator or seed of the bootstrap over prompts.

    Returns:
        value ≤ 1, low, high. Not computable where no completion has two verdicts or all
        verdicts are equal.
    """
    clusters = [_marked(part, thresholds) for part in _by_prompt(scorers, prompts, least=1)]

    def alpha(chosen: Sequence[Table]) -> float:
        found = krippendorff_alpha(np.concatenate(chosen).T, "nominal", interval=False).value
        return math.nan if found is None else found

    why = "all verdicts are equal, or no completion has two"
    return _agreement(clusters, alpha, "Krippendorff's α, nominal", rng, why)


def _by_prompt(scorers: Sequence[Values], prompts: Sequence[str], least: int = 0) -> list[Table]:
    """Tables of the completions of each prompt; only whole rows unless ``least`` values do."""
    for values in scorers:
        if len(values) != len(prompts):
            raise MeasureError(
                f"expected one prompt a value, found {len(prompts)} for {len(values)}",
                where="prompts",
            )
    rows: dict[str, list[list[float]]] = {}
    for prompt, *row in zip(prompts, *scorers, strict=True):
        there = sum(value is not None for value in row)
        if there >= (least or len(row)):
            rows.setdefault(prompt, []).append([math.nan if v is None else v for v in row])
    return [np.array(own, dtype=np.float64) for own in rows.values()]


def _marked(part: Table, thresholds: Sequence[float]) -> Table:
    marks = (part >= np.asarray(thresholds)).astype(np.float64)
    marks[np.isnan(part)] = np.nan
    return marks


def _agreement(
    clusters: list[Table],
    statistic: Callable[[Sequence[Table]], float],
    method: str,
    rng: Rng | None,
    undefined: str,
) -> Estimate:
    pairs = sum(map(len, clusters))
    if pairs < 2:
        why = f"{pairs} completions that both scored: at least two are needed"
        return not_computable(why, n=len(clusters), unit=UNIT, method=method)
    if not math.isfinite(statistic(clusters)):
        return not_computable(undefined, n=len(clusters), unit=UNIT, method=method)
    found = cluster_bootstrap(clusters, statistic, draws=DRAWS, rng=rng, unit=UNIT)
    details: dict[str, Any] = {**found.details, "pairs": pairs}
    return replace(found, method=f"{method}; {found.method}", details=details)


def _rank_correlation(chosen: Sequence[Table]) -> float:
    from scipy.stats import rankdata

    table = np.concatenate(chosen)
    ranks = rankdata(table, axis=0)
    centred = ranks - ranks.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    if not spread.all():
        return math.nan
    # Rounding may carry a perfect correlation a little beyond 1.
    return float(np.clip(centred[:, 0] @ centred[:, 1] / spread.prod(), -1.0, 1.0))


def _kappa(chosen: Sequence[Table]) -> float:
    marks = np.concatenate(chosen)
    observed = float((marks[:, 0] == marks[:, 1]).mean())
    p, q = (float(share) for share in marks.mean(axis=0))
    expected = p * q + (1 - p) * (1 - q)
    return (observed - expected) / (1 - expected) if expected < 1 else math.nan
