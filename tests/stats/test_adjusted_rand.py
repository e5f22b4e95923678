"""The adjusted Rand index: by hand, and as scikit-learn has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from mores.errors import MeasureError
from mores.stats import adjusted_rand


def test_by_hand():
    # Table [[2, 1, 0], [0, 1, 2]]: pairs together in both 2, in rows 3 + 3, in columns 1 + 1 + 1,
    # of 15. Expected 6 · 3 / 15 = 1.2, most (6 + 3) / 2 = 4.5: (2 − 1.2) / (4.5 − 1.2) = 8 / 33.
    assert adjusted_rand([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2]) == pytest.approx(8 / 33)


def test_names_of_groups_do_not_matter():
    assert adjusted_rand(["a", "a", "b"], [7, 7, 2]) == 1.0


@pytest.mark.parametrize("labels", [[0], [0, 0, 0], [0, 1, 2]])
def test_the_same_division_is_one_whatever_it_is(labels):
    assert adjusted_rand(labels, labels) == 1.0


def test_one_group_against_two_is_chance():
    assert adjusted_rand([0, 0, 0, 0], [0, 0, 1, 1]) == 0.0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_as_scikit_learn(pairs):
    first, second = zip(*pairs, strict=True)
    expected = adjusted_rand_score(first, second)
    assert adjusted_rand(first, second) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("first", "second"), [([], []), ([0, 1], [0])])
def test_labels_of_other_people_are_refused(first, second):
    with pytest.raises(MeasureError, match="two labels for each person"):
        adjusted_rand(first, second)
