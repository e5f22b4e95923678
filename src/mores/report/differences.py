"""Paired prompts → the overall difference, one for each category, and the sizes of the effect.

overall(pairs, rng), by_category(pairs, rng), sizes_of(pairs, rng)
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.records import Estimate
from mores.report.effect_sizes import effect_sizes
from mores.report.pairs import Pairs
from mores.report.verdicts import ALPHA, LEAST_RUNS, ONE_SEED, TWO_SEEDS, join
from mores.stats.inputs import not_computable

METHOD = "paired difference"
HALF_A_POINT = 0.5
"""Ratings without their raters' severity are no whole numbers: so close, they are alike."""


def overall(pairs: Pairs, rng: np.random.Generator) -> Estimate:
    """Return the mean over categories, from prompts alone or from prompts crossed with seeds.

    With one training run it is fixed: the interval is of prompts, and the reason says so. Two are
    crossed with prompts, yet too few to tell how far runs lie apart: the reason says that, and the
    verdict's scope stays "in these runs".
    """
    if not pairs.prompts:
        return not_computable(
            "no prompt has values in both arms", n=0, unit="prompt", method=METHOD
        )
    simple = stats.paired_difference(pairs.differences, strata=pairs.categories, rng=rng)
    if pairs.runs == 1:
        details = {**simple.details, "seeds": 1}
        return replace(simple, reason=join(simple.reason, ONE_SEED), details=details)
    few = TWO_SEEDS if pairs.runs < LEAST_RUNS else ""
    crossed = stats.crossed_effect(pairs.table, strata=pairs.categories)
    if crossed.verdict == "not computable":
        return replace(simple, reason=join(simple.reason, crossed.reason, few))
    details = {**crossed.details, "p_sign_flip_prompts_only": simple.p}
    return replace(crossed, reason=join(crossed.reason, few), details=details)


def by_category(pairs: Pairs, rng: np.random.Generator) -> list[Estimate]:
    """Return one estimate a category, with Holm's adjustment over them."""
    labels = np.array(pairs.categories)
    names = list(dict.fromkeys(pairs.categories))
    estimates = [_one_category(pairs, labels == name, rng) for name in names]
    adjusted = stats.holm([e.p for e in estimates])
    floors = stats.holm([_smallest_p(e) for e in estimates])
    return [
        _no_empty_p(
            replace(
                e, category=name, p_adjusted=p, details={**e.details, "smallest_p_adjusted": floor}
            )
        )
        for e, name, p, floor in zip(estimates, names, adjusted, floors, strict=True)
    ]


def _no_empty_p(e: Estimate) -> Estimate:
    """A p of 1 from a test that could never have rejected says nothing and is left out."""
    smallest = _smallest_p(e)
    if e.p is not None and e.p >= 1.0 and smallest is not None and smallest > ALPHA:
        return replace(e, p=None, p_adjusted=None)
    return e


def _one_category(pairs: Pairs, own: np.ndarray, rng: np.random.Generator) -> Estimate:
    """With several training runs these are in the interval; p keeps the exact test's floor."""
    simple = stats.paired_difference(pairs.differences[own], rng=rng)
    if pairs.runs == 1:
        return simple
    crossed = stats.crossed_effect(pairs.table[own])
    if crossed.verdict == "not computable":
        return simple
    kept = {k: v for k, v in simple.details.items() if k.startswith("smallest_p")}
    details = {**crossed.details, **kept, "p_sign_flip_prompts_only": simple.p}
    return replace(crossed, details=details)


def _smallest_p(estimate: Estimate) -> float | None:
    smallest = estimate.details.get("smallest_p")
    return smallest if isinstance(smallest, float) else None


def sizes_of(pairs: Pairs, rng: np.random.Generator) -> list[Estimate]:
    """Return the sizes of the effect; with one training run each says so."""
    sizes = effect_sizes(
        pairs.own,
        pairs.other,
        rng,
        pairs.categories,
        alike=HALF_A_POINT if pairs.severity_off else 0.0,
    )
    if pairs.runs > 1:
        return sizes
    return [replace(e, reason=join(e.reason, ONE_SEED)) for e in sizes]
