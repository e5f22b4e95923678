import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, ttest_1samp

from mores.errors import MeasureError
from mores.stats import alternative_annotator_test
from mores.stats.distributions import t_tail

HUMANS = [[1, 1, 2, 2], [1, 2, 2, 3], [1, 1, 3, 3]]
JUDGE = [1, 1, 2, 3]


def test_by_hand():
    # Without the first rater the others say 1 1 | 2 1 | 2 3 | 3 3. Squared misfit of the
    # rater 0 1 1 2, of the judge 0 1 1 0: W_h − W_f = 0 0 0 −1, W_f = 1 throughout.
    # Second rater: 0 2 1 1 against 0 0 1 1; third: 0 1 2 1 against 0 1 0 1: once −1 each.
    # All four ten times: the mean is −.25, Σ² = 10 · .75² + 30 · .25² = 7.5, s² = 7.5 / 39,
    # t = (−.25 − .2) / √(s² / 40) = −6.490, 39 df; BY: three equal p times 11/6.
    p = t_tail(0.45 / math.sqrt(7.5 / 39 / 40), 39) * 11 / 6
    humans, judge = np.tile(HUMANS, 10), np.tile(JUDGE, 10)
    found = alternative_annotator_test(humans, judge, 0.2)
    assert found.details["p 0"] == found.details["p 2"] == pytest.approx(p)
    assert found.p == pytest.approx(p)
    assert (found.value, found.verdict) == (1.0, "shown")
    assert found.details["advantage_probability"] == 1.0
    worse = alternative_annotator_test(humans, np.tile([9, 9, 9, 9], 10), 0.2)
    assert (worse.value, worse.verdict, worse.p) == (0.0, "not shown", 1.0)


def by_the_paper(humans, judge, epsilon):
    """ω and ρ item by item, from the definitions in sections 3.1 and 3.2 of the paper."""

    def fit(rating, others):
        return -math.sqrt(np.mean([(rating - o) ** 2 for o in others]))

    p_values, advantages = [], []
    for j in range(len(humans)):
        won, lost = [], []
        for i in range(len(judge)):
            others = [h[i] for k, h in enumerate(humans) if k != j and not math.isnan(h[i])]
            if math.isnan(humans[j][i]) or math.isnan(judge[i]) or not others:
                continue
            human, machine = fit(humans[j][i], others), fit(judge[i], others)
            won.append(machine >= human - 1e-12)
            lost.append(human >= machine - 1e-12)
        differences = np.array(lost, float) - np.array(won, float)
        p_values.append(ttest_1samp(differences, epsilon, alternative="less").pvalue)
        advantages.append(np.mean(won))
    adjusted = false_discovery_control(p_values, method="by")
    return np.mean(adjusted <= 0.05), np.mean(advantages), adjusted


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.2])
def test_agrees_with_the_definitions(epsilon):
    rng = np.random.default_rng(13)
    for noise in (0.4, 0.8, 1.5):
        truth = rng.integers(1, 6, 60)
        humans = np.clip(np.rint(truth + rng.normal(0, 0.8, (4, 60))), 1, 5)
        humans[rng.random((4, 60)) < 0.2] = math.nan
        judge = np.clip(np.rint(truth + rng.normal(0, noise, 60)), 1, 5)
        judge[:3] = math.nan
        omega, rho, adjusted = by_the_paper(humans, judge, epsilon)
        found = alternative_annotator_test(humans, judge, epsilon)
        assert found.value == pytest.approx(omega)
        assert found.details["advantage_probability"] == pytest.approx(rho)
        assert [found.details[f"p {j}"] for j in range(4)] == pytest.approx(list(adjusted))
        assert (found.verdict == "shown") == (omega >= 0.5)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_invariants(seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(3, 1, 40)
    humans = np.rint(truth + rng.normal(0, 0.7, (3, 40)))
    judge = np.rint(truth + rng.normal(0, 0.7, 40))
    found = alternative_annotator_test(humans, judge, 0.1)
    raters, items = rng.permutation(3), rng.permutation(40)
    moved = alternative_annotator_test(
        10 - 2 * humans[raters][:, items], 10 - 2 * judge[items], 0.1, raters=[*map(str, raters)]
    )
    assert moved.value == found.value
    assert moved.details == pytest.approx(found.details)
    wider = alternative_annotator_test(humans, judge, 0.2)
    assert wider.value >= found.value


def test_raters_with_few_items_are_left_out_and_counted():
    humans = np.tile([1.0, 2, 3, 4], (3, 10))
    humans[2, 5:] = math.nan
    found = alternative_annotator_test(humans, humans[0], 0.1, raters=["ann", "ben", "cy"])
    assert (found.n, found.details["raters_left_out"]) == (2, 1)
    assert "p cy" not in found.details
    assert "fewer than three raters" in found.reason


def test_the_same_outcome_on_every_item_has_an_exact_p():
    # The judge agrees as well as each rater on all 40 items: (1 − .1)^40, BY times 1.5.
    humans = np.tile([1.0, 2, 3, 4], (2, 10))
    found = alternative_annotator_test(humans, humans[0], 0.1)
    assert found.p == pytest.approx(0.9**40 * 1.5)
    assert found.verdict == "shown"
    # With ε = 0 to be as good is not enough, and a judge who is always worse has p = 1.
    assert alternative_annotator_test(humans, humans[0], 0).p == 1.0
    worse = alternative_annotator_test(humans, humans[0] + 9, 0.5)
    assert (worse.p, worse.value, worse.verdict) == (1.0, 0.0, "not shown")


@pytest.mark.parametrize(
    ("humans", "judge", "reason"),
    [
        ([[1.0] * 40], [1.0] * 40, "no rater shares 30 items with others (at most 0)"),
        (np.ones((3, 10)), np.ones(10), "at most 10"),
        (np.ones((3, 40)), np.full(40, math.nan), "at most 0"),
        (np.empty((0, 5)), np.ones(5), "at most 0"),
    ],
)
def test_degenerate(humans, judge, reason):
    found = alternative_annotator_test(humans, judge, 0.2)
    assert (found.verdict, found.value, found.p) == ("not computable", None, None)
    assert reason in found.reason


@pytest.mark.parametrize(
    "call",
    [
        lambda: alternative_annotator_test(HUMANS, [1, 2], 0.2),
        lambda: alternative_annotator_test(HUMANS, JUDGE, 1.0),
        lambda: alternative_annotator_test(HUMANS, JUDGE, -0.1),
        lambda: alternative_annotator_test(HUMANS, JUDGE, math.nan),
        lambda: alternative_annotator_test(HUMANS, JUDGE, 0.2, raters=["a", "a", "b"]),
        lambda: alternative_annotator_test([[1, math.inf]], [1, 2], 0.2),
    ],
)
def test_refused(call):
    with pytest.raises(MeasureError):
        call()


def test_a_judge_at_the_edge_rarely_passes():
    # The first rater fits the other better by exactly ε in the mean: W_h − W_f is 1 with
    # probability .3 and −1 with .1, so that a win over this rater is false.
    rng = np.random.default_rng(21)
    runs, wins = 600, 0
    for _ in range(runs):
        kind = rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1], size=80)
        other = np.zeros(80)
        human = np.where(kind == 2, 2.0, 0.0)
        judge = np.where(kind == 1, 1.0, 0.0)
        found = alternative_annotator_test([human, other], judge, 0.2)
        wins += found.details["p 0"] <= 0.05
    assert wins / runs < 0.05
