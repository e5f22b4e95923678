import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import page_trend_test, spearmanr

from mores.errors import MeasureError
from mores.stats import crossed_effect, page_trend

AMES = np.array(
    [[101, 117, 111], [91, 90, 107], [103, 133, 121], [136, 140, 144], [190, 161, 201],
     [146, 120, 116]]
).T  # fmt: skip


def test_ames_assay():
    # scipy's test_Ames_assay reads the transpose: L = 257, exact p .0023, asymptotic .0035.
    ranked = page_trend_test(AMES, method="exact")
    found = page_trend(AMES)
    assert (found.details["L"], found.details["sizes"], found.n) == (257, 6, 3)
    assert found.p == pytest.approx(0.0023, abs=5e-5)
    assert found.p == pytest.approx(float(ranked.pvalue))
    # 12 · 257 / (3 · 6 · 35) − 3 · 7 / 5
    assert found.value == pytest.approx(12 * 257 / 630 - 4.2)
    assert found.value == pytest.approx(
        np.mean([spearmanr(range(6), row).statistic for row in AMES])
    )


def test_asymptotic_p(monkeypatch):
    monkeypatch.setattr(sys.modules["mores.stats.page_trend"], "MOST_SIZES", 2)
    found = page_trend(AMES)
    assert found.p == pytest.approx(0.0035, abs=5e-5)
    assert found.p == pytest.approx(float(page_trend_test(AMES, method="asymptotic").pvalue))
    assert "asymptotic" in found.method


def test_ties_by_enumeration():
    # Three prompts with ties: all 6³ orders of their mid-ranks, counted one by one.
    table = [[1, 1, 2], [3, 1, 3], [1, 2, 3]]
    ranks = [(1.5, 1.5, 3), (2.5, 1, 2.5), (1, 2, 3)]
    observed = sum(j * r for row in ranks for j, r in zip((1, 2, 3), row, strict=True))
    orders = [list(itertools.permutations(row)) for row in ranks]
    sums = [
        sum(j * r for row in chosen for j, r in zip((1, 2, 3), row, strict=True))
        for chosen in itertools.product(*orders)
    ]
    found = page_trend(table)
    assert found.details["L"] == observed == 39.5  # 13.5 + 12 + 14
    assert found.p == pytest.approx(sum(s >= observed for s in sums) / 216)
    below = sum(s <= observed for s in sums) / 216
    assert found.details["p_two_sided"] == pytest.approx(min(1, 2 * min(found.p, below)))


@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(3, 5))
@settings(max_examples=40, deadline=None)
def test_invariants(seed, prompts, sizes):
    rng = np.random.default_rng(seed)
    table = rng.integers(1, 6, (prompts, sizes)).astype(float)
    found = page_trend(table)
    same = page_trend(np.exp(table[rng.permutation(prompts)]) + rng.normal(0, 1, (prompts, 1)))
    assert (found.value, found.p) == pytest.approx((same.value, same.p), nan_ok=False)
    turned = page_trend(table[:, ::-1])
    if found.p is None:
        assert turned.p is None
        return
    assert turned.value == pytest.approx(-found.value)
    assert turned.details["p_two_sided"] == pytest.approx(found.details["p_two_sided"])
    assert 0 < found.p <= 1


@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(3, 5))
@settings(max_examples=30, deadline=None)
def test_agrees_with_scipy_where_nothing_ties(seed, prompts, sizes):
    table = np.random.default_rng(seed).normal(size=(prompts, sizes))
    oracle = page_trend_test(table, method="exact")
    found = page_trend(table)
    assert (found.details["L"], found.p) == pytest.approx((oracle.statistic, float(oracle.pvalue)))


def test_the_same_trend_in_every_prompt_has_a_p_and_no_interval():
    found = page_trend([[1, 2, 3], [2, 4, 8]])
    assert (found.value, found.low, found.verdict) == (1.0, None, "descriptive")
    assert found.p == pytest.approx(1 / 36)  # one of 6 orders in either prompt
    assert "no interval" in found.reason


@pytest.mark.parametrize(
    ("table", "value", "reason"),
    [
        ([[1, 2], [2, 3]], None, "2 sizes"),
        ([[1, 2, 3]], 1.0, "one prompt"),
        ([[1, 1, 1], [2, 2, 2]], None, "same score at all sizes"),
        ([[], []], None, "no scores"),
    ],
)
def test_degenerate(table, value, reason):
    found = page_trend(table)
    assert (found.verdict, found.value, found.p) == ("not computable", value, None)
    assert reason in found.reason


def test_refused():
    with pytest.raises(MeasureError, match="nan"):
        page_trend([[1, 2, math.nan], [1, 2, 3]])


def test_false_positives_and_coverage():
    # Coarse ratings with many ties; the true mean correlation is 0.
    rng = np.random.default_rng(8)
    runs, shown, hits = 400, 0, 0
    for _ in range(runs):
        found = page_trend(rng.integers(1, 4, (15, 4)))
        shown += found.p <= 0.05
        hits += found.low <= 0 <= found.high
    assert 0.025 < shown / runs <= 0.07
    assert 0.92 < hits / runs < 0.98


def test_runs_are_crossed_with_prompts():
    """ρ of each ladder by hand: order 1 2 3 is 1, order 2 1 3 is .5, order 3 2 1 is −1."""
    up, almost, down = [1, 2, 3], [2, 1, 3], [3, 2, 1]
    table = np.array([[up, up], [up, almost], [almost, down]]).transpose(0, 2, 1)
    found = page_trend(table)
    oracle = crossed_effect([[1, 1], [1, 0.5], [0.5, -1]])
    assert found.value == pytest.approx(oracle.value)
    assert found.value == pytest.approx(0.5)
    assert found.details["p_two_sided"] == oracle.p
    assert found.p == pytest.approx(oracle.p / 2)
    assert (found.low, found.high) == (max(-1, oracle.low), min(1, oracle.high))
    turned = page_trend(table[:, ::-1])
    assert (turned.value, turned.p) == pytest.approx((-0.5, 1 - oracle.p / 2))
