import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from mores.errors import MeasureError
from mores.stats import probability_of_superiority

# Brunner-Munzel's example in scipy's tests; P̂ = .788961 (statistics.md).
X = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1]
Y = [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]

ratings = st.lists(st.integers(1, 5), min_size=1, max_size=5)


def test_known_answer_of_one_prompt():
    found = probability_of_superiority([Y], [X], rng=1)
    assert found.value == pytest.approx(0.788961, abs=5e-7)
    assert found.value == pytest.approx(mannwhitneyu(Y, X).statistic / (len(X) * len(Y)))
    assert (found.verdict, found.reason, found.low) == ("not computable", "one prompt", None)


def test_prompts_weigh_the_same_whatever_their_ratings():
    # Prompt 1: 4 and 5 against 2 and 4: above 3 of 4, tied 1: 3/4 + 1/8 = .875. Prompt 2: 1 < 3: 0.
    found = probability_of_superiority([[4, 5], [1]], [[2, 4], [3]], rng=1)
    assert found.value == (0.875 + 0) / 2
    assert (found.low, found.high) == (0.0, 0.875)
    assert found.n == 2


def test_within_prompts_the_difficulty_of_prompts_is_no_effect():
    # A is one above B on every prompt; over all pairs the prompts' own spread would hide it.
    found = probability_of_superiority([[1 + k] for k in range(4)], [[k] for k in range(4)], rng=1)
    assert found.value == 1.0
    assert (found.verdict, found.low) == ("descriptive", None)
    assert found.reason == "no interval: the probability is the same for every prompt"


def test_interval_narrows_with_prompts_and_names_too_few():
    rng = np.random.default_rng(2)
    a = [rng.normal(0.5, 1, 3) for _ in range(60)]
    b = [rng.normal(0, 1, 3) for _ in range(60)]
    many = probability_of_superiority(a, b, rng=3)
    few = probability_of_superiority(a[:10], b[:10], rng=3)
    assert many.low < many.value < many.high
    assert many.high - many.low < few.high - few.low
    assert many.reason == ""
    assert "too narrow" in few.reason


def test_all_tied_is_no_result():
    found = probability_of_superiority([[3, 3], [2]], [[3], [2, 2]], rng=1)
    assert (found.verdict, found.value, found.low) == ("not computable", 0.5, None)
    assert found.reason == "all ratings of every prompt are tied"


def test_no_prompts():
    found = probability_of_superiority([], [], rng=1)
    assert (found.verdict, found.value, found.reason) == ("not computable", None, "no prompts")


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([[1]], [[1], [2]], "same prompts for both arms, found 1 and 2"),
        ([[1], []], [[1], [2]], "groups_a: prompt 1 has no ratings"),
        ([[1], [2]], [[1], []], "groups_b: prompt 1 has no ratings"),
    ],
)
def test_refused(a, b, message):
    with pytest.raises(MeasureError, match=message):
        probability_of_superiority(a, b, rng=1)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(ratings, ratings), min_size=1, max_size=5))
def test_swapping_the_arms_mirrors_and_monotone_scales_do_not_matter(prompts):
    a, b = [p[0] for p in prompts], [p[1] for p in prompts]
    found = probability_of_superiority(a, b, rng=1)
    swapped = probability_of_superiority(b, a, rng=1)
    assert found.value + swapped.value == pytest.approx(1)
    assert 0 <= found.value <= 1
    cubed = probability_of_superiority(
        [np.power(x, 3) for x in a], [np.power(x, 3) for x in b], rng=1
    )
    assert cubed.value == found.value
