import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from scipy.stats import t as student

from mores.errors import MeasureError
from mores.stats import paired_t, prediction_powered_mean

Y, F, U = [1, 2, 3, 4], [1.5, 2.5, 2, 4], [2, 3, 5, 1, 4, 4]


def test_by_hand():
    # Σ (y − 2.5)(f − 2.5) = 1.5 + 0 − .25 + 2.25 = 3.5, Cov(Y, F) = 3.5 / 4 = .875;
    # F and U together have the mean 2.9 and Σ² = 99.5 − 84.1 = 15.4, / 10 = 1.54;
    # λ = .875 / ((1 + 4/6) 1.54) = .340909.
    found = prediction_powered_mean(Y, F, U)
    lam = found.details["lam"]
    assert lam == pytest.approx(0.340909, abs=1e-6)
    assert found.value == pytest.approx(2.5 + 0.340909 * (19 / 6 - 2.5), abs=1e-6)
    # Σ² of y − 2.5 is 5, of f − 2.5 is 3.5; of u − 19/6 it is 10 5/6.
    se2 = (5 - 2 * lam * 3.5 + lam**2 * 3.5) / 3 / 4 + lam**2 * (65 / 6) / 5 / 6
    assert found.details["se"] ** 2 == pytest.approx(se2)
    assert found.high - found.value == pytest.approx(student.ppf(0.975, 2) * se2**0.5)
    assert found.p == pytest.approx(2 * student.sf(found.value / se2**0.5, 2))
    assert found.details["gain"] == pytest.approx(5 / 12 / se2)
    assert (found.n, found.details["n_rest"]) == (4, 6)


def test_a_worthless_judge_gets_no_weight():
    # A judge that says the opposite, or always the same, is worth 0, not less.
    alone = paired_t(Y)
    for judge, rest in (([4, 3, 2, 1], U), ([3] * 4, [3] * 6)):
        found = prediction_powered_mean(Y, judge, rest)
        assert found.details["lam"] == 0
        assert found.value == alone.value
        assert found.details["se"] == pytest.approx(alone.details["se"])
        assert found.details["gain"] == pytest.approx(1)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_invariants(seed):
    rng = np.random.default_rng(seed)
    human, rest = rng.normal(size=12), rng.normal(size=20)
    judge = 0.5 * human + rng.normal(size=12)
    found = prediction_powered_mean(human, judge, rest)
    order = rng.permutation(12)
    # Rows in another order; a judge who is more severe by 3 throughout.
    same = prediction_powered_mean(human[order], judge[order] - 3, rng.permutation(rest) - 3)
    assert (same.value, same.low, same.high) == pytest.approx((found.value, found.low, found.high))
    turned = prediction_powered_mean(-human, -judge, -rest)
    assert (turned.value, turned.low) == pytest.approx((-found.value, -found.high))
    moved = prediction_powered_mean(human + 5, judge, rest)
    assert (moved.value, moved.low) == pytest.approx((found.value + 5, found.low + 5))


@pytest.mark.parametrize(
    ("human", "judge", "rest", "value", "reason"),
    [
        ([], [], U, None, "no human values"),
        (Y, F, [], None, "no judgements"),
        ([1, 2], [1, 2], U, ..., "2 labelled"),
        (Y, F, [1, 2], ..., "2 other"),
        ([3, 3, 3], [2, 2, 2], [2, 2, 2], 3.0, "no variance"),
    ],
)
def test_degenerate(human, judge, rest, value, reason):
    found = prediction_powered_mean(human, judge, rest)
    assert (found.verdict, found.low, found.p) == ("not computable", None, None)
    assert value is ... or found.value == value
    assert reason in found.reason


@pytest.mark.parametrize(("judge", "rest"), [(F[:3], U), (F, [math.nan, 1, 2])])
def test_refused(judge, rest):
    with pytest.raises(MeasureError):
        prediction_powered_mean(Y, judge, rest)


def test_covers_at_its_rate():
    rng = np.random.default_rng(1)
    runs, hits, labelled = 700, 0, 12
    for _ in range(runs):
        judge = rng.normal(size=labelled + 150)
        human = 0.7 * judge[:labelled] + math.sqrt(0.51) * rng.normal(size=labelled)
        found = prediction_powered_mean(human, judge[:labelled], judge[labelled:])
        hits += found.low <= 0 <= found.high
    assert 0.925 < hits / runs < 0.975


# Several training runs ---------------------------------------------------------------------


def test_runs_are_crossed_by_hand():
    # Each run adds a constant to Y and F alike: 0 and 1. λ, from means over runs, is as above.
    people, judge, rest = (np.array(x, float)[:, None] + [[0.0, 1.0]] for x in (Y, F, U))
    found, alone = prediction_powered_mean(people, judge, rest), prediction_powered_mean(Y, F, U)
    assert found.details["lam"] == pytest.approx(alone.details["lam"])
    assert found.value == pytest.approx(alone.value + 0.5)
    # Each run alone gives θ and θ + 1: variance .5 over two runs. No prompt by run is left.
    assert found.details["se"] ** 2 == pytest.approx(alone.details["se"] ** 2 + 0.25)
    assert found.details["gain"] == pytest.approx(alone.details["gain"])
    assert (alone.scope, found.scope) == ("in this run", "in these runs")
    half = student.ppf(0.975, found.details["df"]) * found.details["se"]
    assert found.high - found.value == pytest.approx(half)
    assert 1 <= found.details["df"] < 2


def test_a_run_that_a_prompt_lacks_is_filled_and_one_that_all_lack_refused():
    people = np.array(Y, float)[:, None] + [[0.0, 1.0, 2.0]]
    judge, rest = np.repeat(np.array(F)[:, None], 3, 1), np.repeat(np.array(U)[:, None], 3, 1)
    whole = prediction_powered_mean(people, judge, rest)
    people[1, 2] = np.nan  # additive, so that the fit says what stood there
    assert prediction_powered_mean(people, judge, rest).value == pytest.approx(whole.value)
    people[1] = np.nan
    with pytest.raises(MeasureError, match="no value under any run"):
        prediction_powered_mean(people, judge, rest)
    with pytest.raises(MeasureError, match="3 runs"):
        prediction_powered_mean(people[:1], judge[:1], rest[:, :2])


def test_no_difference_is_found_where_only_runs_differ():
    rng = np.random.default_rng(2)
    studies, crossed, averaged = 600, 0, 0
    for _ in range(studies):
        run = rng.normal(0, 0.3, 3)  # judge and people see the same answers
        truth = rng.normal(0, 0.7, (120, 1)) + run + rng.normal(0, 0.5, (120, 3))
        people = truth[:40] + rng.normal(0, 0.4, (40, 3))
        judge = 0.8 * truth + rng.normal(0, 0.4, (120, 3))
        crossed += prediction_powered_mean(people, judge[:40], judge[40:]).p < 0.05
        means = [x.mean(axis=1) for x in (people, judge[:40], judge[40:])]
        averaged += prediction_powered_mean(*means).p < 0.05
    assert crossed <= binom.ppf(0.999, studies, 0.06)
    assert averaged > 0.3 * studies
