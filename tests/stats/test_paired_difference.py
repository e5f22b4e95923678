import numpy as np
import pytest

from mores.errors import MeasureError
from mores.stats import paired_difference, paired_t, sign_flip, stratified_t


def test_is_the_t_interval_with_the_sign_flip_p():
    values = [0.4, 1.2, -0.3, 0.8, 0.6, 0.9, 0.1]
    found = paired_difference(values, rng=None)
    interval, test = paired_t(values), sign_flip(values)
    assert (found.value, found.low, found.high) == (interval.value, interval.low, interval.high)
    assert found.p == test.p
    assert found.details["p_t"] == interval.p != test.p
    assert found.method == "paired t interval; sign-flip test, exact p"
    assert (found.reason, found.verdict, found.n) == ("", "descriptive", 7)


def test_strata_reach_both_parts():
    values = np.random.default_rng(3).normal(0.5, 1, 24)
    strata = ["a"] * 4 + ["b"] * 20
    found = paired_difference(values, strata=strata, rng=1)
    interval = stratified_t(values, strata)
    assert (found.value, found.low) == (interval.value, interval.low)
    assert found.p == sign_flip(values, strata=strata, rng=1).p
    assert found.details["strata"] == 2


def test_five_prompts_say_that_they_cannot_reach_05():
    found = paired_difference([0.5, 0.4, 0.7, 0.6, 0.1], rng=None)
    assert found.p == 0.0625
    assert "p cannot fall below 0.0625" in found.reason
    assert found.low > 0  # the t interval excludes zero all the same


def test_equal_differences_have_a_p_but_no_interval():
    found = paired_difference([0.5] * 8, rng=None)
    assert (found.value, found.low, found.p) == (0.5, None, 2 / 2**8)
    assert found.reason == "no interval: all differences equal 0.5: no variance"
    assert found.verdict == "descriptive"


def test_one_difference_other_than_zero_has_an_interval_but_no_p():
    found = paired_difference([0, 0, 0, 1], rng=None)
    assert found.p is None
    assert found.low == paired_t([0, 0, 0, 1]).low
    assert "no p: one difference other than zero" in found.reason


@pytest.mark.parametrize(
    ("values", "value", "reason"),
    [
        ([], None, "no differences"),
        ([0.5], 0.5, "one prompt; one difference: p could only be 1"),
        ([0.0] * 9, 0.0, "all differences equal 0: no variance; all differences are zero"),
    ],
)
def test_degenerate(values, value, reason):
    found = paired_difference(values, rng=None)
    assert (found.verdict, found.value, found.low, found.p) == ("not computable", value, None, None)
    assert found.reason == reason


def test_many_prompts_need_a_generator():
    with pytest.raises(MeasureError, match="no generator"):
        paired_difference(np.arange(1.0, 40.0), rng=None)


def test_false_positives_stay_at_the_level_where_pooling_ratings_does_not():
    # statistics.md: 20 prompts, 3 samples x 3 raters; pooled Welch rejects a true null in ~.21,
    # sign-flip on prompt differences in ~.05. SDs .5 (prompt x model), .5 (sample), .7 (rest).
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(11)
    paired, pooled, runs = 0, 0, 300
    for _ in range(runs):
        arms = [
            rng.normal(0, 0.5, (20, 1, 1))
            + rng.normal(0, 0.5, (20, 3, 1))
            + rng.normal(0, 0.7, (20, 3, 3))
            for _ in range(2)
        ]
        differences = arms[0].mean((1, 2)) - arms[1].mean((1, 2))
        paired += paired_difference(differences, rng=rng).details["p_t"] < 0.05
        pooled += ttest_ind(arms[0].ravel(), arms[1].ravel(), equal_var=False).pvalue < 0.05
    assert paired / runs < 0.09
    assert pooled / runs > 0.13


def test_a_stratum_of_one_prompt_has_a_p_but_no_interval():
    found = paired_difference([1.0, 2.0, 3.0, 2.5], strata="aaab", rng=None)
    assert (found.value, found.low, found.p) == (2.25, None, 2 / 2**4)
    assert found.reason.startswith("no interval: a single prompt in: b")
