"""Small cells stay out, and so does what would tell them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.consult.agreement import by_group, tally
from mores.consult.cells import hidden


@pytest.mark.parametrize(
    ("counts", "out"),
    [
        ({"a": 12, "b": 9}, set()),
        ({"a": 12, "b": 3, "c": 9}, {"b", "c"}),  # 3 alone is the total less a and c
        ({"a": 12, "b": 3, "c": 4}, {"b", "c"}),  # together 7
        ({"a": 12, "b": 1, "c": 2, "d": 8}, {"b", "c", "d"}),  # together 3: too few
        ({"a": 12, "b": 0}, set()),  # nobody: nothing to hide
        ({"a": 12, "b": 0, "c": 3}, {"a", "c"}),
        ({"a": 3}, {"a"}),
        ({"b": 6, "a": 6, "c": 1}, {"a", "c"}),  # of two as small, the first by name
    ],
)
def test_by_hand(counts, out):
    assert hidden(counts, 5) == out


@given(st.lists(st.integers(0, 15), min_size=1, max_size=6), st.integers(5, 8))
def test_no_difference_to_the_total_is_of_few_people(sizes, least):
    counts = {str(i): n for i, n in enumerate(sizes)}
    out = hidden(counts, least)
    assert all(counts[g] == 0 or counts[g] >= least for g in counts if g not in out)
    left = sum(counts[g] for g in out)
    if sum(sizes) >= least:  # else the total itself is not shown
        assert left == 0 or left >= least
        assert len(out) != 1 or len([n for n in sizes if n]) == 1


def test_a_group_is_counted_by_hand():
    votes = np.array([1, 1, 1, -1, 0, 1, np.nan])
    found = tally(votes, "nurse", least=5)
    assert (found.n, found.agree, found.disagree, found.passed) == (6, 4, 1, 1)
    assert found.support.value == 4 / 6
    # Four of six: P(X ≥ 4) = 2.5 % at p = .2228, P(X ≤ 4) = 2.5 % at p = .9567 (Clopper-Pearson).
    assert (found.support.low, found.support.high) == pytest.approx((0.2228, 0.9567), abs=5e-5)


def test_few_people_and_nobody_are_different_things():
    few, nobody = (tally(np.array(v), "x", least=5) for v in ([1.0, 1.0], [np.nan]))
    assert (few.n, few.agree, few.withheld) == (None, None, "fewer than 5 people")
    assert (nobody.n, nobody.agree, nobody.withheld) == (0, None, "nobody")


def test_the_second_smallest_group_goes_with_the_smallest():
    votes = np.array([1.0] * 17)
    groups = {"a": range(6), "b": range(6, 9), "c": range(9, 17)}
    found = {t.group: t for t in by_group(votes, groups, least=5)}
    assert found["b"].withheld == "fewer than 5 people"
    assert found["a"].withheld == "not shown, since a smaller group could be worked out from it"
    assert (found["c"].n, found["c"].agree) == (8, 8)
