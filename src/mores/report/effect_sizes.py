"""How large a difference between two arms is, beside whether there is one.

Takes the values of each prompt under each training run in both arms, gives probability of
superiority, Cliff's delta and Cohen's d.

    effect_sizes([(array([4, 5]),)], [(array([3, 3]),)], np.random.default_rng(1))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import Estimate
from mores.stats.probability_of_superiority import METHOD as WITHIN_PROMPT
from mores.stats.probability_of_superiority import shares_of_pairs
from mores.stats.probability_of_superiority import superiority as within_prompt

SUPERIORITY = "mean of P(A > B) + ½ P(A = B) by prompt and training run"

Values = Sequence[tuple[np.ndarray, ...]]
"""For each prompt the values under each training run."""


def effect_sizes(
    own: Values,
    other: Values,
    rng: np.random.Generator,
    categories: Sequence[str] | None = None,
    alike: float = 0.0,
) -> list[Estimate]:
    """Estimate the sizes; none without prompts.

    Every category weighs the same, as in the difference itself (Cohen's d, of the pooled values,
    aside); every prompt where none are given. Values no further apart than ``alike`` are tied.

    One training run: intervals by bootstrap over prompts. Several: prompts and runs are crossed
    (`mores.stats.crossed_effect`), so that intervals cover other runs, too. A bootstrap over
    prompts alone would hold the truth in about 73 % of studies of three runs (docs/calibration.md).
    """
    if not own:
        return []
    labels = list(categories) if categories is not None else [""] * len(own)
    sizes = Counter(labels)
    weights = np.array([1.0 / (len(sizes) * sizes[name]) for name in labels])
    mine, theirs = _joined(own), _joined(other)
    d = stats.cohens_d(np.concatenate(mine), np.concatenate(theirs))
    if len(own[0]) < 2:
        superiority = stats.probability_of_superiority(
            mine, theirs, weights=weights, alike=alike, rng=rng
        )
        again = stats.probability_of_superiority(
            mine, theirs, weights=weights, alike=alike, rng=rng
        )
        method = again.method.replace(WITHIN_PROMPT, "Cliff's δ, mean within prompt")
        delta = _delta(again, method)
    else:
        superiority = _over_runs(own, other, labels, alike)
        delta = _delta(superiority, f"2 × ({superiority.method}) − 1")
    counts = {**superiority.details, **_of_pairs(own, other, weights, alike)}
    return [
        replace(superiority, measure="probability of superiority", details=counts),
        delta,
        replace(d, measure="Cohen's d"),
    ]


def _of_pairs(own: Values, other: Values, weights: np.ndarray, alike: float) -> dict[str, float]:
    """Shares of pairs of values to the same prompt: the first higher, the two tied."""
    table = np.array(
        [
            [shares_of_pairs(a, b, alike) for a, b in zip(mine, theirs, strict=True)]
            for mine, theirs in zip(own, other, strict=True)
        ]
    )
    above, tied = weights @ table.mean(axis=1)
    return {"share_above": float(above), "share_tied": float(tied)}


def _over_runs(own: Values, other: Values, categories: Sequence[str], alike: float) -> Estimate:
    """Superiority of each prompt under each run, averaged over both as random."""
    table = np.array(
        [
            [within_prompt(a, b, alike) for a, b in zip(mine, theirs, strict=True)]
            for mine, theirs in zip(own, other, strict=True)
        ]
    )
    found = stats.crossed_effect(table, strata=categories)
    return replace(
        found,
        p=None,
        low=None if found.low is None else max(found.low, 0.0),
        high=None if found.high is None else min(found.high, 1.0),
        method=f"{SUPERIORITY}; {found.method}",
        details={"seeds": table.shape[1]},
    )


def _delta(superiority: Estimate, method: str) -> Estimate:
    """Cliff's (1993) δ = P(A > B) − P(A < B), so that 0 means no difference."""
    value, low, high = (
        None if share is None else 2 * share - 1
        for share in (superiority.value, superiority.low, superiority.high)
    )
    return replace(
        superiority, measure="Cliff's delta", value=value, low=low, high=high, method=method
    )


def _joined(values: Values) -> list[np.ndarray]:
    return [np.concatenate(runs) for runs in values]
