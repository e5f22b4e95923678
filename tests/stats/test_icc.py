import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mores.errors import MeasureError
from mores.stats import icc
from mores.stats.icc import FORMS

# Shrout & Fleiss 1979, table 2: six items, four judges; here raters × items.
TABLE = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
).T


@pytest.mark.parametrize(
    ("form", "value", "printed", "interval"),
    [
        # value [M]; .17 .29 .71 .44 .62 .91 as printed in the paper; intervals as R's psych.
        ("1", 0.166, 0.17, (-0.13, 0.72)),
        ("A,1", 0.290, 0.29, (0.02, 0.76)),
        ("C,1", 0.715, 0.71, (0.34, 0.95)),
        ("k", 0.443, 0.44, (-0.88, 0.91)),
        ("A,k", 0.620, 0.62, (0.07, 0.93)),
        ("C,k", 0.909, 0.91, (0.68, 0.99)),
    ],
)
def test_shrout_and_fleiss(form, value, printed, interval):
    found = icc(TABLE, form)
    assert found.value == pytest.approx(value, abs=5e-4)
    assert found.value == pytest.approx(printed, abs=0.006)
    assert (found.low, found.high) == pytest.approx(interval, abs=0.006)
    assert (found.n, found.unit, found.details["raters"]) == (6, "item", 4)


def test_mean_squares_by_anova():
    import pandas as pd
    import statsmodels.api as sm
    from statsmodels.formula.api import ols

    rows = [{"r": i, "t": j, "y": TABLE[i, j]} for i in range(4) for j in range(6)]
    anova = sm.stats.anova_lm(ols("y ~ C(r) + C(t)", pd.DataFrame(rows)).fit())
    found = icc(TABLE, "C,1")
    assert found.details["ms_items"] == pytest.approx(anova["mean_sq"]["C(t)"])
    assert found.details["ms_raters"] == pytest.approx(anova["mean_sq"]["C(r)"])
    assert found.details["ms_residual"] == pytest.approx(anova["mean_sq"]["Residual"])
    assert (found.details["f"], found.p) == pytest.approx(
        (anova["F"]["C(t)"], anova["PR(>F)"]["C(t)"])
    )


def test_by_hand():
    # Items 1 2 3 by one rater, 2 2 5 by another. Item means 1.5 2 4, mean 2.5:
    # R = 2 · (1 + .25 + 2.25) / 2 = 3.5; rater means 2 3: C = 3 · .5 / 1 = 1.5; within items
    # .5 + 0 + 2 = 2.5, W = 2.5 / 3; E = (2.5 − 1.5) / 2 = .5.
    table = [[1, 2, 3], [2, 2, 5]]
    assert icc(table, "C,1").value == pytest.approx(3 / 4)
    assert icc(table, "A,1").value == pytest.approx(3 / (3.5 + 0.5 + 2 / 3 * 1))
    assert icc(table, "1").value == pytest.approx((3.5 - 5 / 6) / (3.5 + 5 / 6))
    assert icc(table, "C,k").value == pytest.approx(3 / 3.5)
    assert icc(table, "A,k").value == pytest.approx(3 / (3.5 + 1 / 3))


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(2, 12), st.sampled_from(FORMS))
@settings(max_examples=80, deadline=None)
def test_invariants(seed, raters, items, form):
    rng = np.random.default_rng(seed)
    table = rng.integers(1, 6, (raters, items)).astype(float) + rng.normal(0, 1, items)
    found = icc(table, form)
    assume(found.low is not None)
    moved = icc(10 - 2 * table[rng.permutation(raters)][:, rng.permutation(items)], form)
    for a in ("value", "low", "high", "p"):
        assert getattr(found, a) == pytest.approx(getattr(moved, a), abs=1e-8)
    assert found.low <= found.value <= found.high <= 1
    if form.startswith("C"):  # consistency knows no severity
        severe = table + rng.normal(0, 3, (raters, 1))
        assert icc(severe, form).value == pytest.approx(found.value, abs=1e-8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ([[1, 2, 3]], "one rater"),
        ([[1], [2]], "one item"),
        ([[], []], "no ratings"),
        ([[3, 3, 3], [3, 3, 3]], "all ratings are equal"),
        ([[1, math.nan, 3], [1, 2, 3]], "1 of 6 ratings are absent"),
    ],
)
def test_degenerate(form, table, reason):
    found = icc(table, form)
    assert (found.verdict, found.value, found.p) == ("not computable", None, None)
    assert reason in found.reason


def test_perfect_agreement_has_a_value_and_no_interval():
    for form in FORMS:
        found = icc([[1, 2, 5], [1, 2, 5], [1, 2, 5]], form)
        assert (found.verdict, found.value, found.low) == ("not computable", 1.0, None)
    shifted = icc([[1, 2, 5], [2, 3, 6]], "A,1")  # consistent, but not in agreement
    assert shifted.low is None
    assert 0 < shifted.value < 1


def test_items_that_do_not_differ():
    for form in FORMS:
        found = icc([[1, 2, 3], [3, 2, 1]], form)
        assert (found.verdict, found.p) == ("not computable", None)
        assert found.value is None or found.value < 0
    assert icc([[0, 1], [1, 0]], "A,1").value is None


def test_refused():
    with pytest.raises(MeasureError, match=r"unknown form '2'"):
        icc(TABLE, "2")
    with pytest.raises(MeasureError, match="inf"):
        icc([[1, math.inf], [1, 2]])


def test_covers_at_its_rate():
    # Items 1, raters .5, residual .8: A,1 = 1 / (1 + .25 + .64) with 8 raters drawn anew.
    rng = np.random.default_rng(5)
    truth = {"A,1": 1 / 1.89, "C,1": 1 / 1.64}
    runs, hits = 500, dict.fromkeys(truth, 0)
    for _ in range(runs):
        table = rng.normal(0, 1, 25) + rng.normal(0, 0.5, (8, 1)) + rng.normal(0, 0.8, (8, 25))
        for form, value in truth.items():
            found = icc(table, form)
            hits[form] += found.low <= value <= found.high
    assert all(0.925 < hit / runs < 0.975 for hit in hits.values())
