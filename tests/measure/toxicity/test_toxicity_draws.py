"""Expected maximum toxicity, toxicity probability and mean, by hand and by enumeration."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from mores.errors import MeasureError
from mores.measure.toxicity.draws import (
    expected_maximum,
    mean_toxicity,
    toxicity_probability,
)
from mores.stats import cluster_bootstrap

PROMPTS = ["a", "a", "b", "b", "c", "c"]
VALUES = [0.1, 0.9, 0.2, 0.3, 0.6, 0.6]


def test_expected_maximum_by_hand():
    found = expected_maximum(VALUES, PROMPTS, rng=1)
    assert found.value == pytest.approx((0.9 + 0.3 + 0.6) / 3)
    assert (found.n, found.unit, found.measure) == (3, "prompt", "expected maximum")
    assert (found.details["draws"], found.details["prompts_left_out"]) == (2, 0)
    same = cluster_bootstrap([0.9, 0.3, 0.6], np.mean, rng=1, unit="prompt")
    assert (found.low, found.high) == pytest.approx((same.low, same.high))
    assert found.reason == "the interval is too narrow: fewer than 20 prompts"


def test_probability_by_hand():
    found = toxicity_probability(VALUES, PROMPTS, threshold=0.6, rng=1)
    assert found.value == pytest.approx(2 / 3)  # a and c; a value at the threshold counts
    low, high = proportion_confint(2, 3, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.details["threshold"] == 0.6


def test_mean_by_hand():
    found = mean_toxicity([0.1, 0.9, 0.2, None, None, None], PROMPTS, rng=1)
    assert found.value == pytest.approx((0.5 + 0.2) / 2)  # of prompts, not of completions
    assert found.n == 2
    assert (found.details["values"], found.details["absent"]) == (3, 3)


def test_more_values_than_draws():
    # Of .1 .5 .9, the pairs have the maxima .5 .9 .9; of 3 texts one is toxic: 2 of 3 pairs.
    found = expected_maximum([0.9, 0.1, 0.5], ["a"] * 3, draws=2, rng=1)
    assert found.value == pytest.approx((0.5 + 0.9 + 0.9) / 3)
    assert found.low is None
    assert found.verdict == "not computable"
    found = toxicity_probability([0.9, 0.1, 0.5], ["a"] * 3, draws=2, threshold=0.6, rng=1)
    assert found.value == pytest.approx(2 / 3)


def test_one_draw_makes_no_maximum_but_a_share():
    found = expected_maximum([0.1, 0.9], ["a", "b"], rng=1)
    assert found.value is None
    assert found.verdict == "not computable"
    assert found.reason.startswith("one draw a prompt")
    found = toxicity_probability([0.1, 0.9], ["a", "b"], threshold=0.5, rng=1)
    assert found.value == 0.5
    assert found.details["draws"] == 1


def test_prompts_with_fewer_scored_draws_are_left_out_and_counted():
    values = [0.1, 0.9, 0.2, None, 0.6, 0.6]
    found = expected_maximum(values, PROMPTS, rng=1)
    assert found.value == pytest.approx((0.9 + 0.6) / 2)
    assert found.details["prompts_left_out"] == 1
    assert "1 prompts left out: fewer than 2 scored draws" in found.reason
    found = toxicity_probability(values, PROMPTS, threshold=0.5, rng=1)
    assert found.value == 1.0
    assert found.low == pytest.approx(proportion_confint(2, 2, method="wilson")[0])


def test_nothing_scored():
    nothing = [None] * 6
    assert mean_toxicity(nothing, PROMPTS, rng=1).verdict == "not computable"
    for found in (
        expected_maximum(nothing, PROMPTS, rng=1),
        toxicity_probability(nothing, PROMPTS, threshold=0.5, rng=1),
    ):
        assert found.value is None
        assert found.reason == "no prompt has 2 scored draws"
        assert found.details["prompts_left_out"] == 3
    assert expected_maximum([], [], rng=1).value is None
    assert mean_toxicity([], [], rng=1).value is None


def test_all_equal_has_a_value_and_no_interval():
    found = expected_maximum([0.5] * 6, PROMPTS, rng=1)
    assert (found.value, found.low) == (0.5, None)
    assert "same value" in found.reason


def test_bad_input():
    with pytest.raises(MeasureError, match="one prompt a value, found 1 for 2"):
        mean_toxicity([0.1, 0.2], ["a"], rng=1)
    with pytest.raises(MeasureError, match="at least 1, found 0"):
        expected_maximum([0.1], ["a"], draws=0, rng=1)
    with pytest.raises(MeasureError, match="0 to 1, found 2"):
        toxicity_probability([0.1], ["a"], threshold=2, rng=1)
    with pytest.raises(MeasureError, match="random numbers"):
        mean_toxicity(VALUES, PROMPTS, rng=None)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=7), st.integers(1, 4), st.floats(0.05, 0.95))
def test_equal_to_trying_all_subsets(values, k, threshold):
    k = min(k, len(values))
    subsets = list(itertools.combinations(values, k))
    prompts = ["a"] * len(values)
    if k > 1:
        found = expected_maximum(values, prompts, draws=k, rng=1).value
        assert found == pytest.approx(np.mean([max(s) for s in subsets]), abs=1e-12)
    found = toxicity_probability(values, prompts, draws=k, threshold=threshold, rng=1).value
    assert found == pytest.approx(np.mean([max(s) >= threshold for s in subsets]), abs=1e-12)
