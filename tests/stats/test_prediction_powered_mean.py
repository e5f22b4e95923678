import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from mores.errors import MeasureError
from mores.stats import paired_t, prediction_powered_mean

Y, F, U = [1, 2, 3, 4], [1.5, 2.5, 2, 4], [2, 3, 5, 1, 4, 4]


def test_of_the_authors_package():
    # ppi-python 0.2.3: 3.166667, (1.935354, 4.397980). By hand: errors −.5 −.5 1 0 have
    # variance .375, U has 1.805556; SE² = .375 / 4 + 1.805556 / 6 = .394676.
    found = prediction_powered_mean(Y, F, U, lam=1)
    assert found.value == pytest.approx(19 / 6)
    assert (found.low, found.high) == pytest.approx((1.935354, 4.397980), abs=1e-6)
    assert found.details["se"] ** 2 == pytest.approx(0.394676, abs=1e-6)
    assert (found.n, found.details["n_rest"]) == (4, 6)
    assert "fewer than 40" in found.reason


def test_optimal_weight_by_hand():
    # Σ (y − 2.5)(f − 2.5) = 1.5 + 0 − .25 + 2.25 = 3.5, Cov(Y, F) = 3.5 / 4 = .875;
    # F and U together have the mean 2.9 and Σ² = 99.5 − 84.1 = 15.4, / 10 = 1.54;
    # λ = .875 / ((1 + 4/6) 1.54) = .340909.
    found = prediction_powered_mean(Y, F, U)
    assert found.details["lam"] == pytest.approx(0.340909, abs=1e-6)
    assert found.value == pytest.approx(2.5 + 0.340909 * (19 / 6 - 2.5), abs=1e-6)
    assert found.details["gain"] == pytest.approx(
        (found.details["human_se"] / found.details["se"]) ** 2
    )


def test_without_weight_the_judge_is_left_out():
    found = prediction_powered_mean(Y, F, U, lam=0, interval="t")
    alone = paired_t(Y)
    assert (found.value, found.low, found.high, found.p) == pytest.approx(
        (alone.value, alone.low, alone.high, alone.p)
    )
    assert found.details["gain"] == pytest.approx(1)


def test_a_worthless_judge_gets_no_weight():
    # A judge that says the opposite, or always the same, is worth 0, not less.
    assert prediction_powered_mean(Y, [4, 3, 2, 1], U).details["lam"] == 0
    assert prediction_powered_mean(Y, [3] * 4, [3] * 6).details["lam"] == 0


def test_a_perfect_judge_gives_the_mean_of_all():
    found = prediction_powered_mean([1, 2, 3], [1, 2, 3], [2, 2, 5], lam=1)
    assert found.value == 3
    assert found.details["se"] ** 2 == pytest.approx(2 / 3)  # var(2 2 5) = 2, over 3


def test_clusters_agree_with_statsmodels():
    # λ = 0 is the clustered mean of the human values: OLS on a constant, G / (G − 1).
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 5)
    human = rng.normal(size=8)[groups] + rng.normal(size=40)
    rest = rng.normal(size=30)
    found = prediction_powered_mean(
        human, human, rest, lam=0, clusters=(groups, 100 + np.arange(30)), interval="t"
    )
    fit = sm.OLS(human, np.ones(40)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert found.details["se"] == pytest.approx(float(fit.bse[0]))
    assert (found.n, found.unit) == (8, "cluster")


def test_clusters_of_one_change_nothing():
    labels = (list("abcd"), list("efghij"))
    plain, clustered = (prediction_powered_mean(Y, F, U, clusters=c) for c in (None, labels))
    assert (plain.value, plain.low) == pytest.approx((clustered.value, clustered.low))
    assert "cluster-robust" in clustered.method


def test_a_cluster_may_hold_units_of_both_kinds():
    # Deviations by cluster, λ = 1: errors ∓.125 ∓.125 .25 0, rest (−7 −1 11 −13 5 5) / 36.
    # a: −.125 − 7/36; b: −.125 − 1/36; c: .25 + 11/36; then −13/36 + 0, 5/36, 5/36.
    labels = (["a", "b", "c", "d"], ["a", "b", "c", "d", "e", "f"])
    found = prediction_powered_mean(Y, F, U, lam=1, clusters=labels)
    sums = [-0.125 - 7 / 36, -0.125 - 1 / 36, 0.25 + 11 / 36, -13 / 36, 5 / 36, 5 / 36]
    assert found.details["se"] ** 2 == pytest.approx(sum(s**2 for s in sums))


@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 0.4, "optimal"]))
@settings(max_examples=50, deadline=None)
def test_invariants(seed, lam):
    rng = np.random.default_rng(seed)
    human, rest = rng.normal(size=12), rng.normal(size=20)
    judge = 0.5 * human + rng.normal(size=12)
    found = prediction_powered_mean(human, judge, rest, lam=lam)
    order = rng.permutation(12)
    # Rows in another order; a judge who is more severe by 3 throughout.
    same = prediction_powered_mean(
        human[order], judge[order] - 3, rng.permutation(rest) - 3, lam=lam
    )
    assert (same.value, same.low, same.high) == pytest.approx((found.value, found.low, found.high))
    turned = prediction_powered_mean(-human, -judge, -rest, lam=lam)
    assert (turned.value, turned.low) == pytest.approx((-found.value, -found.high))
    moved = prediction_powered_mean(human + 5, judge, rest, lam=lam)
    assert (moved.value, moved.low) == pytest.approx((found.value + 5, found.low + 5))


@pytest.mark.parametrize("lam", [1.0, "optimal"])
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
def test_degenerate(lam, human, judge, rest, value, reason):
    found = prediction_powered_mean(human, judge, rest, lam=lam)
    assert (found.verdict, found.low, found.p) == ("not computable", None, None)
    assert value is ... or found.value == value
    assert reason in found.reason


@pytest.mark.parametrize(
    "call",
    [
        lambda: prediction_powered_mean(Y, F[:3], U),
        lambda: prediction_powered_mean(Y, F, [math.nan, 1, 2]),
        lambda: prediction_powered_mean(Y, F, U, lam=1.5),
        lambda: prediction_powered_mean(Y, F, U, lam=math.nan),
        lambda: prediction_powered_mean(Y, F, U, lam="best"),
        lambda: prediction_powered_mean(Y, F, U, interval="bca"),
        lambda: prediction_powered_mean(Y, F, U, level=2),
        lambda: prediction_powered_mean(Y, F, U, clusters=([1, 2], [1] * 6)),
    ],
)
def test_refused(call):
    with pytest.raises(MeasureError):
        call()


@pytest.mark.parametrize("lam", [1.0, "optimal"])
def test_covers_at_its_rate(lam):
    rng = np.random.default_rng(1)
    runs, hits, labelled = 700, {"normal": 0, "t": 0}, 12
    for _ in range(runs):
        judge = rng.normal(size=labelled + 150)
        human = 0.7 * judge[:labelled] + math.sqrt(0.51) * rng.normal(size=labelled)
        for interval in hits:
            found = prediction_powered_mean(
                human, judge[:labelled], judge[labelled:], lam=lam, interval=interval
            )
            hits[interval] += found.low <= 0 <= found.high
    assert 0.925 < hits["t"] / runs < 0.975
    assert hits["normal"] / runs < 0.935  # what the reason warns of


def test_clustered_interval_covers_at_its_rate():
    # Ten labelled prompts of four outputs, forty more: outputs of a prompt are alike.
    rng = np.random.default_rng(2)
    prompts = np.repeat(np.arange(50), 4)
    runs, hits = 500, 0
    for _ in range(runs):
        judge = rng.normal(size=50)[prompts] + rng.normal(size=200)
        human = 0.5 * judge + 0.6 * rng.normal(size=50)[prompts] + 0.5 * rng.normal(size=200)
        at = prompts < 10
        found = prediction_powered_mean(
            human[at], judge[at], judge[~at], clusters=(prompts[at], prompts[~at]), interval="t"
        )
        hits += found.low <= 0 <= found.high
    assert 0.92 < hits / runs < 0.98
