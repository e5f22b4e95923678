"""How far scorers agree: in order, and in verdicts at their thresholds.

Takes the values of two or more scorers for the same completions (None where one has
none) and the prompts, gives estimates with intervals from a bootstrap over prompts.
Only what all of them scored can be compared.

    spearman([.1, .4, .9], [.2, .3, .8], ["a", "b", "c"], rng=1).value    # 1.0
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.cluster_bootstrap import Resample, bootstrap
from mores.stats.inputs import Rng, Vector, not_computable
from mores.stats.krippendorff_alpha import coincidences, disagreement

Values = Sequence[float | None]
Table = NDArray[np.float64]
"""Shape (completions, scorers)."""
Positions = NDArray[np.int64]
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
    resample = _Correlated.of(clusters) if clusters else _never
    return _agreement(clusters, resample, "Spearman's ρ", rng, "one gives equal values")


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
    resample = _Verdicts.of(clusters) if clusters else _never
    estimate = _agreement(clusters, resample, "Cohen's κ", rng, "no disagreement is possible")
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

    resample = _Alpha.of(clusters) if clusters else _never
    why = "all verdicts are equal, or no completion has two"
    return _agreement(clusters, resample, "Krippendorff's α, nominal", rng, why)


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
    clusters: list[Table], resample: Resample, method: str, rng: Rng | None, undefined: str
) -> Estimate:
    pairs = sum(map(len, clusters))
    if pairs < 2:
        why = f"{pairs} completions that both scored: at least two are needed"
        return not_computable(why, n=len(clusters), unit=UNIT, method=method)
    value = float(resample(np.arange(len(clusters))[None])[0])
    if not math.isfinite(value):
        return not_computable(undefined, n=len(clusters), unit=UNIT, method=method)
    found = bootstrap(len(clusters), value, resample, draws=DRAWS, rng=rng, unit=UNIT)
    details: dict[str, Any] = {**found.details, "pairs": pairs}
    return replace(found, method=f"{method}; {found.method}", details=details)


# Statistics of resamples: from how often each prompt was drawn, without copies of its values -----


def _never(chosen: Positions) -> Vector:
    raise AssertionError(f"{len(chosen)} resamples of nothing")


@dataclass(frozen=True)
class _Correlated:
    """Spearman's ρ. All sums are of halves of whole numbers, so exact in any order."""

    cluster_of: Positions
    """Shape (completions,)."""
    codes: tuple[Positions, Positions]
    """Of each completion the place of its value among the different ones, by either scorer."""
    clusters: int

    @classmethod
    def of(cls, clusters: Sequence[Table]) -> _Correlated:
        table = np.concatenate(clusters)
        first, second = (np.unique(column, return_inverse=True)[1] for column in table.T)
        sizes = list(map(len, clusters))
        return cls(np.repeat(np.arange(len(sizes)), sizes), (first, second), len(sizes))

    def __call__(self, chosen: Positions) -> Vector:
        return np.array([self._one(row) for row in chosen])

    def _one(self, row: Positions) -> float:
        times = np.bincount(row, minlength=self.clusters).astype(np.float64)[self.cluster_of]
        first, second = (self._ranks(code, times) for code in self.codes)
        spread = np.sqrt([times @ first**2, times @ second**2])
        if not spread.all():
            return math.nan
        # Rounding may carry a perfect correlation a little beyond 1.
        return float(np.clip((times * first) @ second / spread.prod(), -1.0, 1.0))

    def _ranks(self, code: Positions, times: Vector) -> Vector:
        """Rank of each completion less the mean rank, ties at theirs, in a resample."""
        many = np.bincount(code, times)
        # Ranks from `last − many + 1` to `last`; the mean of all is (n + 1) / 2.
        last = many.cumsum()
        return np.asarray((last - (many + last[-1]) / 2)[code])


@dataclass(frozen=True)
class _Verdicts:
    """Cohen's κ, from the counts of each prompt."""

    counts: Vector
    """Shape (4, prompts): completions, equal verdicts, marked by the first, by the second."""

    @classmethod
    def of(cls, clusters: Sequence[Table]) -> _Verdicts:
        rows = [(len(c), (c[:, 0] == c[:, 1]).sum(), *c.sum(axis=0)) for c in clusters]
        return cls(np.array(rows, dtype=np.float64).T)

    def __call__(self, chosen: Positions) -> Vector:
        n, equal, first, second = (column[chosen].sum(axis=1) for column in self.counts)
        observed, p, q = equal / n, first / n, second / n
        expected = p * q + (1 - p) * (1 - q)
        with np.errstate(invalid="ignore"):
            found = (observed - expected) / (1 - expected)
        return np.where(expected < 1, found, math.nan)


@dataclass(frozen=True)
class _Alpha:
    """Krippendorff's α, from the coincidences of each completion with two verdicts."""

    parts: Vector
    """Shape (completions, 2, 2)."""
    starts: Positions
    """Shape (prompts + 1,): the first completion of each prompt."""

    @classmethod
    def of(cls, clusters: Sequence[Table]) -> _Alpha:
        table = np.concatenate(clusters)
        counts = np.column_stack([(table == 0).sum(axis=1), (table == 1).sum(axis=1)])
        paired = counts.sum(axis=1) >= 2
        kept = np.concatenate([[0], paired.cumsum()])
        sizes = np.cumsum([0, *map(len, clusters)])
        return cls(coincidences(counts[paired].astype(np.float64)), kept[sizes])

    def __call__(self, chosen: Positions) -> Vector:
        return np.array([self._one(row) for row in chosen])

    def _one(self, row: Positions) -> float:
        start, size = self.starts[row], np.diff(self.starts)[row]
        before = size.cumsum() - size
        at = np.repeat(start - before, size) + np.arange(size.sum())
        if not len(at):
            return math.nan
        observed, expected = disagreement(self.parts[at].sum(axis=0), "nominal")
        return math.nan if expected == 0 else float(1 - observed / expected)
