import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as oracle

from mores.errors import MeasureError
from mores.stats import non_inferiority
from mores.stats.inputs import completed
from mores.stats.paired_score import score_bound, score_statistic


def items(gains, losses, n):
    return [1] * gains + [-1] * losses + [0] * (n - gains - losses)


def test_t_bound_by_hand():
    # 1 2 3 4 in tenths: mean .25, SE = .0645497; t(.95, 3) = 2.353363: bound .0980912.
    found = non_inferiority([0.1, 0.2, 0.3, 0.4], 0.05)
    assert found.low == pytest.approx(0.25 - 2.3533634348 * 0.06454972244)
    assert found.high is None
    assert found.details["two_sided_low"] == pytest.approx(0.04457397432)
    assert found.details["two_sided_high"] == pytest.approx(0.4554260257)
    assert found.verdict == "non-inferior"
    assert found.details["margin"] == 0.05
    assert found.details["n_needed"] is None


def test_p_and_bound_agree_with_scipy():
    values = np.random.default_rng(2).normal(-0.01, 0.1, 60)
    found = non_inferiority(values, 0.03)
    test = oracle.ttest_1samp(values, -0.03, alternative="greater")
    assert found.p == pytest.approx(test.pvalue)
    assert found.low == pytest.approx(test.confidence_interval(0.95).low)
    assert (found.verdict == "non-inferior") == (found.p < 0.05)


def test_three_verdicts():
    same = non_inferiority(items(30, 30, 3092), 0.02)
    assert same.verdict == "non-inferior"
    bad = non_inferiority(items(5, 60, 1000), 0.02)
    assert bad.verdict == "worse"
    assert bad.reason == "the loss exceeds the margin"
    unclear = non_inferiority(items(25, 25, 1000), 0.01)
    assert unclear.verdict == "inconclusive"
    # Discordance .05, margin .01: 3,092 items (statistics.md).
    assert unclear.details["n_needed"] == 3092
    assert "about 3092 items are needed for power 0.8" in unclear.reason


def test_a_small_but_certain_loss_is_non_inferior_and_said():
    found = non_inferiority(items(10, 40, 10_000), 0.01)
    assert found.verdict == "non-inferior"
    assert found.details["two_sided_high"] < 0
    assert found.reason == "a loss within the margin is shown"


def test_worse_without_certainty_beyond_the_margin():
    found = non_inferiority(items(10, 40, 1000), 0.03)
    assert found.verdict == "worse"
    assert -0.03 < found.details["two_sided_high"] < 0
    assert found.reason == ""


def test_enough_items_but_a_loss_near_the_margin():
    # 1000 items, 40 differ, loss .01 of a margin of .02: 619 items would do without a change.
    found = non_inferiority(items(14, 26, 1000), 0.02)
    assert (found.verdict, found.details["n_needed"]) == ("inconclusive", 619)
    assert found.reason.startswith("619 items would do had nothing changed")


def test_zero_one_items_use_the_score_bound():
    found = non_inferiority(items(3, 5, 400), 0.05)
    assert found.method == "non-inferiority, Tango's score bound"
    assert found.low == score_bound(3, 5, 400, oracle.norm.ppf(0.95))
    assert found.p == pytest.approx(oracle.norm.sf(score_statistic(3, 5, 400, -0.05)))
    assert (found.details["gains"], found.details["losses"]) == (3, 5)
    # The t bound would have promised more.
    assert found.low < non_inferiority(np.array(items(3, 5, 400)) * 0.999, 0.05).low


def test_no_difference_is_not_certainty():
    # 0 of 100: 1 − .05^(1/100) = .029513, the rule of three; p = (1 − .02)^100 = .132620.
    found = non_inferiority([0] * 100, 0.02)
    assert found.low == pytest.approx(-(1 - 0.05**0.01))
    assert found.p == pytest.approx(0.98**100)
    assert found.verdict == "inconclusive"
    # .98^148 = .050278, .98^149 = .049272.
    assert found.details["n_needed"] == 149
    assert "no item differs" in found.reason
    assert non_inferiority([0] * 148, 0.02).verdict == "inconclusive"
    assert non_inferiority([0] * 149, 0.02).verdict == "non-inferior"


@pytest.mark.parametrize("n", [8, 100])
def test_a_planted_collapse_is_worse(n):
    found = non_inferiority([-1] * n, 0.02)
    assert (found.value, found.low, found.verdict) == (-1.0, -1.0, "worse")
    assert non_inferiority([1] * n, 0.02).verdict == "non-inferior"


def test_few_differing_items_without_zero_one_form_are_named():
    found = non_inferiority([0.0] * 50 + [-0.5, 0.5, 0.25], 0.2)
    assert "only 3 items differ" in found.reason


@pytest.mark.parametrize(
    ("values", "value", "reason"),
    [
        ([], None, "no differences"),
        ([1], 1.0, "one item"),
        ([0.3, 0.3, 0.3], pytest.approx(0.3), "every difference is 0.3: no variance"),
    ],
)
def test_degenerate(values, value, reason):
    found = non_inferiority(values, 0.1)
    assert (found.verdict, found.value, found.low, found.p) == ("not computable", value, None, None)
    assert reason in found.reason


@pytest.mark.parametrize("margin", [0.0, -0.01, math.nan, math.inf])
def test_margin_must_be_above_zero(margin):
    with pytest.raises(MeasureError, match="margin"):
        non_inferiority([0, 1], margin)


def test_a_loss_of_the_margin_passes_in_about_5_of_100_cases():
    # Exact over all outcomes; share lost .06, gained .02, margin .04: H0 at its edge.
    n, gained, lost, margin = 200, 0.02, 0.06, 0.04
    wrong = 0.0
    for b in range(16):
        for c in range(32):
            passes = score_bound(b, c, n, 1.6448536) > -margin if b + c else 0.05 ** (1 / n) > 0.96
            if passes:
                rest = oracle.binom.pmf(b, n, gained)
                wrong += rest * oracle.binom.pmf(c, n - b, lost / (1 - gained))
    assert 0.03 < wrong < 0.06


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([-1, 0, 0, 0, 1]), min_size=2, max_size=80),
    st.floats(0.005, 0.5),
)
def test_bound_verdict_and_p_go_together(values, margin):
    found = non_inferiority(values, margin)
    assert -1 <= found.low <= found.value
    assert (found.verdict == "non-inferior") == (found.low > -margin)
    if abs(found.p - 0.05) > 1e-6:
        assert (found.verdict == "non-inferior") == (found.p < 0.05)
    assert (found.verdict == "inconclusive") == (found.details["n_needed"] is not None)
    better = non_inferiority([*values[:-1], 1], margin)
    assert better.low >= found.low - 1e-9 or values[-1] == 1 or found.details["gains"] == 0


def test_needed_items_are_never_fewer_than_no_difference_at_all_would_need():
    # 1 loss of 200: 6.182557 · .005 / .02² = 78 items for the normal bound, but 149 by the
    # rule of three.
    found = non_inferiority(items(0, 1, 200), 0.02)
    assert (found.verdict, found.details["n_needed"]) == ("inconclusive", 149)


# Several training runs ---------------------------------------------------------------------


def test_items_are_crossed_with_runs_by_hand():
    # Rows 0, .3; .1, .4; .2, .5; .3, .6: means .15 .25 .35 .45, columns .15 and .45, no residual.
    # V_item = (.15² + .05²) 2 / 3 / 4 = .05 / 12, V_run = .3² / 2 / 2 = .0225, V = .0266667.
    table = np.array([[0, 0.3], [0.1, 0.4], [0.2, 0.5], [0.3, 0.6]])
    found = non_inferiority(table, 0.5)
    assert found.value == pytest.approx(0.3)
    assert found.details["se"] ** 2 == pytest.approx(0.05 / 12 + 0.0225)
    assert found.details["sd_seed"] == pytest.approx(0.3 / 2**0.5)
    df = found.details["df"]
    assert 1 <= df <= 3
    assert found.low == pytest.approx(0.3 - oracle.t.ppf(0.95, df) * (0.05 / 12 + 0.0225) ** 0.5)
    assert (found.n, found.details["runs"], found.scope) == (4, 2, "in these runs")
    assert found.low < non_inferiority(table.mean(axis=1), 0.5).low - 0.5


@pytest.mark.parametrize(("runs", "claim"), [(1, "non-inferior in this run"),
                                             (2, "non-inferior in these runs"),
                                             (3, "non-inferior")])  # fmt: skip
def test_what_a_verdict_speaks_of(runs, claim):
    table = np.repeat(np.array(items(3, 5, 400))[:, None], runs, axis=1)
    found = non_inferiority(table, 0.05)
    assert found.claim == claim
    # Runs that agree item by item are no more evidence than one.
    assert found.low == non_inferiority(items(3, 5, 400), 0.05).low


def test_one_lost_item_more_is_never_better_than_none():
    """Averages took a t bound: one item lost in one of three runs passed where none did not."""
    none, one = np.zeros((60, 3)), np.zeros((60, 3))
    one[0, 0] = -1.0
    without, with_one = non_inferiority(none, 0.04), non_inferiority(one, 0.04)
    assert without.verdict == with_one.verdict == "inconclusive"
    assert with_one.low <= without.low
    averages = non_inferiority(one.mean(axis=1), 0.04)
    assert averages.low > without.low  # the bound as it was


def test_runs_too_far_apart_are_not_mended_by_items():
    rng = np.random.default_rng(4)
    table = rng.choice([-1.0, 0.0, 0.0, 1.0], (900, 3)) * (rng.random((900, 3)) < 0.2)
    table[:300, 0] = -1.0
    found = non_inferiority(table, 0.02)
    assert (found.verdict, found.details["n_needed"]) == ("inconclusive", None)
    assert "more runs are needed" in found.reason


def test_a_missing_cell_is_what_its_item_and_run_say():
    rng = np.random.default_rng(2)
    table = rng.normal(0, 1, (30, 3)) + np.array([0.0, 0.5, 1.0])
    table[rng.random(table.shape) < 0.15] = np.nan
    table = table[~np.isnan(table).all(axis=1)]
    at, run = np.nonzero(~np.isnan(table))
    # The additive model by least squares, solved at once.
    design = np.zeros((len(at), len(table) + 2))
    design[np.arange(len(at)), at] = 1
    for column in (1, 2):
        design[run == column, len(table) + column - 1] = 1
    beta = np.linalg.lstsq(design, table[at, run], rcond=None)[0]
    fitted = beta[: len(table), None] + np.concatenate([[0.0], beta[-2:]])
    expected = np.where(np.isnan(table), fitted, table)
    assert completed(table) == pytest.approx(expected, abs=1e-9)
    assert non_inferiority(table, 0.5).value == pytest.approx(expected.mean())
    with pytest.raises(MeasureError, match="item 1 has no value under any run"):
        non_inferiority([[0.0, 1.0], [np.nan, np.nan]], 0.1)


def test_at_the_margin_it_is_claimed_as_seldom_as_it_says():
    """Loss 4 points = margin, runs differ by 2: averages over runs claim in more than 12 %."""
    rng = np.random.default_rng(8)
    studies, crossed, averaged = 500, 0, 0
    for _ in range(studies):
        lost = 0.10 + rng.normal(0.0, 0.02, 3)
        drawn = rng.random((500, 3))
        table = np.where(drawn < lost, -1.0, np.where(drawn < lost + 0.06, 1.0, 0.0))
        crossed += non_inferiority(table, 0.04).verdict == "non-inferior"
        averaged += non_inferiority(table.mean(axis=1), 0.04).verdict == "non-inferior"
    # A rate of 6 % gives more than this once in a thousand times.
    assert crossed <= oracle.binom.ppf(0.999, studies, 0.06)
    assert averaged > 0.12 * studies
