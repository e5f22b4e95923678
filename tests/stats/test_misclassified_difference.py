"""Bounds of a difference that a fallible rule counted: by hand, at the edges, over the box."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import MeasureError
from mores.stats.misclassified_difference import misclassified_difference

MANY = 10**12
"""Units without a sampling error to speak of."""


def test_a_perfect_rule_leaves_the_difference():
    found = misclassified_difference(0.3, 0.1, MANY, sensitivity=1.0, specificity=1.0)
    assert found == pytest.approx((0.2, 0.2), abs=1e-5)


def test_the_worst_errors_by_hand():
    # Least: (.5 - .2) / .8 - .1 / .5 = .175. Largest: .5 / .5 - 0 = 1.
    found = misclassified_difference(0.5, 0.1, MANY, sensitivity=0.5, specificity=0.8)
    assert found == pytest.approx((0.175, 1.0), abs=1e-5)


def test_nothing_counted_excludes_nothing_where_most_is_missed():
    low, high = misclassified_difference(0.0, 0.0, 111, sensitivity=0.16, specificity=0.91)
    # Wilson's upper bound of 0 in 111 is .03345; seen through a sensitivity of .16, .209.
    assert high == pytest.approx(0.03345 / 0.16, abs=1e-4)
    assert low == pytest.approx(-high)


@given(
    *[st.floats(0.0, 1.0)] * 2,
    *[st.floats(0.2, 1.0)] * 4,
    st.integers(5, 500),
)
def test_any_rates_within_the_box_give_a_difference_within_the_bounds(a, b, s1, c1, s2, c2, n):
    """Rogan and Gladen's difference for rates that the arms may have, cut off to shares."""
    sensitivity, specificity = min(s1, s2), min(c1, c2)
    low, high = misclassified_difference(a, b, n, sensitivity=sensitivity, specificity=specificity)

    def true(p: float, s: float, c: float) -> float | None:
        if s + c <= 1.05:
            return None
        return min(1.0, max(0.0, (p + c - 1) / (s + c - 1)))

    first, second = true(a, s1, c1), true(b, s2, c2)
    # Shares below the false alarms fit no such rates.
    if first is None or second is None or a < 1 - c1 or b < 1 - c2 or a > s1 or b > s2:
        return
    assert low - 1e-9 <= first - second <= high + 1e-9


@pytest.mark.parametrize(
    "values", [(1.1, 0.0, 5, 1.0, 1.0), (0.5, 0.0, 5, 0.0, 1.0), (0.5, 0.0, 0, 1.0, 1.0)]
)
def test_what_is_no_rate_is_refused(values):
    arm, reference, n, sensitivity, specificity = values
    with pytest.raises(MeasureError):
        misclassified_difference(
            arm, reference, n, sensitivity=sensitivity, specificity=specificity
        )
