"""Sizes of an effect: within prompts, and over training runs where there are several."""

from __future__ import annotations

import numpy as np
import pytest

from mores import stats
from mores.report.effect_sizes import effect_sizes

SIZES = ("probability of superiority", "Cliff's delta", "Cohen's d")


def values(*rows):
    return [tuple(np.array(run, dtype=float) for run in row) for row in rows]


def test_one_run_is_the_bootstrap_over_prompts() -> None:
    own, other = values([[4, 5]], [[3]], [[2, 2]]), values([[3, 3]], [[3]], [[4, 1]])
    found = effect_sizes(own, other, np.random.default_rng(1))
    assert tuple(e.measure for e in found) == SIZES
    assert found[0].value == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert found[1].value == pytest.approx(2 * found[0].value - 1)
    plain = stats.probability_of_superiority(
        [r[0] for r in own], [r[0] for r in other], rng=np.random.default_rng(1)
    )
    assert (found[0].low, found[0].high) == (plain.low, plain.high)


def test_several_runs_are_crossed_with_prompts() -> None:
    # Shares 1, ½ / ½, 0: row means ¾ and ¼, so V_prompt = V_seed = (1/8) / 2, nothing left over.
    # SE = √(1/8), two degrees of freedom: ½ ± 4.30 · .354, cut off at what a share can be.
    own = values([[5], [4]], [[3], [2]])
    other = values([[3], [4]], [[3], [4]])
    share, delta, d = effect_sizes(own, other, np.random.default_rng(1))
    assert (share.value, share.low, share.high) == (0.5, 0.0, 1.0)
    assert (delta.value, delta.low, delta.high) == (0.0, -1.0, 1.0)
    assert share.details["seeds"] == 2
    assert share.p is None
    assert d.low is None


def test_the_interval_is_that_of_the_table_of_shares() -> None:
    rng = np.random.default_rng(5)
    own = [tuple(rng.integers(1, 6, 4).astype(float) for _ in range(3)) for _ in range(12)]
    other = [tuple(rng.integers(1, 6, 4).astype(float) for _ in range(3)) for _ in range(12)]
    table = [
        [np.mean((a[:, None] > b) + 0.5 * (a[:, None] == b)) for a, b in zip(x, y, strict=True)]
        for x, y in zip(own, other, strict=True)
    ]
    crossed = stats.crossed_effect(table)
    share, delta, _ = effect_sizes(own, other, rng)
    assert (share.low, share.high) == pytest.approx((crossed.low, crossed.high))
    assert delta.low == pytest.approx(2 * crossed.low - 1)
    assert "Satterthwaite" in share.method


def test_ties_in_every_run_are_not_computable() -> None:
    same = values([[3], [3]], [[3], [3]])
    share, delta, _ = effect_sizes(same, same, np.random.default_rng(1))
    assert (share.verdict, delta.verdict) == ("not computable",) * 2
    assert share.value == 0.5
    assert delta.value == 0.0


def test_no_prompts_no_sizes() -> None:
    assert effect_sizes([], [], np.random.default_rng(1)) == []


def test_every_category_weighs_the_same() -> None:
    # care: 5 above 3 on four prompts; beauty: 2 below 3 on two. Over prompts ⅔, by category ½.
    names = ["care"] * 4 + ["beauty"] * 2
    for runs in (1, 2):
        own, other = values(*[[[5]] * runs] * 4, *[[[2]] * runs] * 2), values(*[[[3]] * runs] * 6)
        if runs == 2:  # and one of care's eight pairs is tied: 15/16 there
            own[0] = (np.array([5.0]), np.array([3.0]))
        share, delta, _ = effect_sizes(own, other, np.random.default_rng(1), names)
        assert share.value == pytest.approx(0.5 if runs == 1 else 15 / 32)
        assert share.details["share_above"] == pytest.approx(0.5 if runs == 1 else 7 / 16)
        assert share.details["share_tied"] == pytest.approx(0.0 if runs == 1 else 1 / 16)
        assert delta.value == pytest.approx(2 * share.value - 1)


def test_values_that_are_no_further_apart_than_said_are_tied() -> None:
    own, other = values([[3.4]], [[4.0]], [[1.0]]), values([[3.0]], [[3.0]], [[3.0]])
    share, _, _ = effect_sizes(own, other, np.random.default_rng(1), alike=0.5)
    assert share.value == pytest.approx((0.5 + 1 + 0) / 3)
    assert share.details["share_tied"] == pytest.approx(1 / 3)
