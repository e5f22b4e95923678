import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mores.measure.cooccurrence import total_variation


def test_hand_derivation():
    # Word 1: shares 3/4, 1/4, distance 1/4. Word 2: 0, 1, distance 1/2. Mean 3/8.
    found = total_variation(np.array([[3, 0], [1, 2]]))
    assert (found.value, found.n, found.unit) == (0.375, 2, "word")


def test_minimum_count_and_target_words():
    table = np.array([[3, 0, 5], [1, 2, 5]])
    assert total_variation(table, min_count=4).value == pytest.approx((0.25 + 0.0) / 2)
    named = total_variation(table, vocabulary=("nurse", "judge", "clerk"), terms={"judge"})
    assert (named.value, named.n) == (0.5, 1)


def test_no_target_word_is_not_zero():
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
