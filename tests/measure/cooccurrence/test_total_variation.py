import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mores.measure.cooccurrence.count import count_terms
from mores.measure.cooccurrence.total_variation import total_variation


def test_hand_derivation():
    # Word 1: shares 3/4, 1/4, distance 1/4. Word 2: 0, 1, distance 1/2. Mean 3/8.
    found = total_variation(np.array([[3, 0], [1, 2]]))
    assert (found.value, found.n, found.unit) == (0.375, 2, "word")


def test_rarer_words_are_left_out():
    table = np.array([[3, 0, 5], [1, 2, 5]])
    assert total_variation(table, min_count=4).value == pytest.approx((0.25 + 0.0) / 2)


def test_no_frequent_word_is_not_zero():
    found = total_variation(np.array([[1], [1]]), min_count=3)
    assert (found.value, found.verdict) == (None, "not computable")
    assert "at least 3 times" in found.reason


@given(st.integers(2, 6), st.data())
def test_range_and_indifference_to_the_order_of_groups(groups, data):
    table = data.draw(arrays(np.int64, (groups, 4), elements=st.integers(0, 50)))
    table[0, 0] += 1
    value = total_variation(table).value
    assert 0 <= value <= 1 - 1 / groups + 1e-12
    assert total_variation(table[::-1]).value == pytest.approx(value)


def test_the_caveats_travel_with_the_figure():
    found = total_variation(np.array([[3, 0], [1, 2]]))
    assert found.reason == (
        "HELM-compatible figure: uniform reference, biased upward for rare words, no interval; "
        "moves with text length"
    )
    assert (found.low, found.high, found.p) == (None, None, None)


def test_expected_by_chance_by_hand():
    # One word, twice, two groups: split 2-0 in half of all cases (distance 1/2), else 1-1 (0).
    # One word, once, three groups: always 1 - 1/3.
    two = total_variation(np.array([[1], [1]]))
    assert two.details == {"groups": 2, "expected_by_chance": pytest.approx(0.25)}
    one = total_variation(np.array([[1], [0], [0]]))
    assert one.value == pytest.approx(2 / 3)
    assert one.details["expected_by_chance"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(("n", "groups"), [(3, 2), (4, 2), (7, 3), (10, 6)])
def test_expected_by_chance_equals_the_mean_over_all_outcomes(n, groups):
    # Every way to throw n occurrences on the groups, all as likely.
    outcomes = itertools.product(range(groups), repeat=n) if groups**n < 5000 else None
    table = np.zeros((groups, 1), dtype=np.int64)
    table[0] = n
    found = total_variation(table).details["expected_by_chance"]
    if outcomes is None:
        throws = np.random.default_rng(1).multinomial(n, [1 / groups] * groups, 200_000)
        distance = 0.5 * np.abs(throws / n - 1 / groups).sum(axis=1)
        assert found == pytest.approx(distance.mean(), abs=4 * distance.std() / 200_000**0.5)
    else:
        counts = [np.bincount(outcome, minlength=groups) for outcome in outcomes]
        distance = 0.5 * np.abs(np.array(counts) / n - 1 / groups).sum(axis=1)
        assert found == pytest.approx(distance.mean())


def test_chance_alone_gives_rare_words_a_distance():
    # Texts that do not differ: the figure is where chance puts it, far from 0.
    rng = np.random.default_rng(3)
    texts = ["".join(rng.choice(list("abcdefgh"), 1)) for _ in range(40)]
    counts = count_terms(texts, ["x", "y"] * 20)
    found = total_variation(counts.by_group())
    assert found.value > 0.05
    assert found.details["expected_by_chance"] == pytest.approx(0.19, abs=0.04)
