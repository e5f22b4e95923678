"""Planned power: against the tests themselves, one run and several, small categories."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from mores.errors import MeasureError
from mores.stats import Spread, bounded_mean_p, crossed_effect, power, stratified_t, study_power


def simulated(prompts, runs, spread, difference, studies, seed=5):
    """Studies in which the report's own test shows a difference, of either sign."""
    rng = np.random.default_rng(seed)
    total = sum(prompts)
    labels = [str(k) for k, n in enumerate(prompts) for _ in range(n)]
    shown = 0
    for _ in range(studies):
        table = difference + spread.prompt * rng.normal(size=(total, 1))
        table = table + spread.run * rng.normal(size=(1, runs))
        table = table + spread.cell * rng.normal(size=(total, runs))
        found = (
            stratified_t(table.mean(axis=1), labels)
            if runs == 1
            else crossed_effect(table, strata=labels)
        )
        shown += found.p < 0.05
    return shown


@pytest.mark.parametrize(
    ("prompts", "runs", "spread", "difference"),
    [
        ([2] * 8, 1, Spread(0.7, 0.0, 1.0), 1.0),  # n − 1 df promised 84 %
        ([5] * 8, 1, Spread(0.7, 0.22, 1.0), 0.5),  # the run is part of what is found
        ([15] * 8, 3, Spread(0.7, 0.22, 1.0), 0.5),
        ([6, 9, 15], 2, Spread(0.5, 0.3, 0.5), 0.4),
        ([10] * 2, 5, Spread(0.5, 0.3, 0.5), 0.0),
    ],
)
def test_predicted_is_what_the_tests_have(prompts, runs, spread, difference):
    studies = 1200
    shown = simulated(prompts, runs, spread, difference, studies)
    found = study_power(prompts, runs, spread).power(difference)
    # Both are simulated: the tests with a binomial's error, the prediction with at most .01.
    low, high = binom.ppf([0.0005, 0.9995], studies, [max(0.0, found - 0.02), found + 0.02])
    assert low <= shown <= high


def test_one_category_and_no_spread_of_runs_is_the_paired_test():
    found = study_power([40], 1, Spread(0.6, 0.0, 0.8))
    assert found.power(0.4) == pytest.approx(power(40, 1.0, 0.4), abs=0.01)
    assert found.power(0.0) == pytest.approx(0.05, abs=0.003)
    assert found.scope == "in this run"


def test_categories_of_two_do_not_have_n_minus_one_degrees_of_freedom():
    found = study_power([2] * 8, 1, Spread(1.0, 0.0, 0.0))
    assert power(16, 1.0, 0.79) == pytest.approx(0.84, abs=0.01)  # as it was promised
    assert found.power(0.79) < 0.72


def test_a_run_that_differs_is_shown_without_an_effect_and_only_of_itself():
    found = study_power([15] * 8, 1, Spread(0.7, 0.22, 1.0))
    assert found.power(0.0) > 0.25
    assert found.scope == "in this run"
    assert study_power([15] * 8, 3, Spread(0.7, 0.22, 1.0)).power(0.0) < 0.06
    assert study_power([15] * 8, 3, Spread(0.7, 0.22, 1.0)).scope == ""


def test_the_smallest_difference_is_the_inverse_and_more_of_anything_helps():
    spread = Spread(0.5, 0.2, 0.5)
    found = study_power([8] * 5, 3, spread)
    assert found.power(found.detectable()) == pytest.approx(0.8, abs=1e-6)
    assert found.detectable(0.9) > found.detectable()
    assert study_power([8] * 5, 5, spread).detectable() < found.detectable()
    assert study_power([16] * 5, 3, spread).detectable() < found.detectable()
    # Two runs are in the test, yet too few for more than a verdict about these two.
    assert study_power([8] * 5, 2, spread).scope == "in these runs"


def test_categories_of_one_prompt_show_nothing():
    found = study_power([1, 5], 1, Spread(1.0, 0.0, 0.0))
    assert (found.power(10.0), found.detectable()) == (0.0, None)
    assert math.isinf(found.halves[0])


def test_five_prompts_cannot_reach_the_level_of_the_sign_flip_test():
    """2 / 2**5 = .0625, 2 / 2**6 = .031."""
    spread = Spread(0.1, 0.0, 0.0)
    five, six = study_power([5], 1, spread), study_power([6], 1, spread)
    assert (five.power(10.0), five.detectable()) == (0.0, None)
    assert six.power(10.0) == pytest.approx(1.0)
    for runs in (2, 3):  # crossed with prompts there is no such floor
        assert study_power([5], runs, spread).power(10.0) == pytest.approx(1.0)


@pytest.mark.parametrize(("prompts", "runs"), [([0, 3], 1), ([5], 0)])
def test_counts_below_one_are_refused(prompts, runs):
    with pytest.raises(MeasureError):
        study_power(prompts, runs, Spread(1.0, 0.1, 1.0))


def test_a_claim_must_stand_one_more_prompt_as_bad_as_the_scale_allows():
    """As the report asks: the interval and `bounded_mean_p`, study by study."""
    rng = np.random.default_rng(9)
    spread = Spread(0.05, 0.0, 0.1, worst=1.0)
    labels = [str(k) for k in range(8) for _ in range(5)]
    studies, shown, without = 500, 0, 0
    for study in range(studies):
        values = 0.1 + 0.05 * rng.normal(size=40) + 0.1 * rng.normal(size=40)
        found = stratified_t(values, labels)
        without += found.low > 0
        shown += found.low > 0 and bounded_mean_p(values, -1.0, rng=study) <= 0.05
    predicted = study_power([5] * 8, 1, spread)
    low, high = binom.ppf([0.0005, 0.9995], studies, [predicted.power(0.1) - 0.04,
                                                      predicted.power(0.1) + 0.04])  # fmt: skip
    assert low <= shown <= high
    assert without == studies  # the interval alone would have promised certainty
    assert 0.5 * studies < shown < 0.9 * studies
    assert predicted.detectable() > 1.7 * study_power([5] * 8, 1, Spread(0.05, 0, 0.1)).detectable()
