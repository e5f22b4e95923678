import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mores.measure.cooccurrence.log_odds import group_log_odds


def test_hand_derivation_with_two_words():
    # Pooled counts 4 and 4, so prior 4 gives 2 to either word.
    # Word 1 with group 1: (3+2)/(4+4-5) = 5/3; with the rest: (1+2)/(4+4-3) = 3/5.
    # delta = ln(5/3) - ln(3/5) = 2 ln(5/3); variance = 1/5 + 1/3 = 8/15.
    odds = group_log_odds(np.array([[3, 1], [1, 3]]), prior=4.0)
    delta = 2 * math.log(5 / 3)
    assert odds.delta == pytest.approx(np.array([[delta, -delta], [-delta, delta]]))
    assert odds.variance == pytest.approx(np.full((2, 2), 8 / 15))
    assert odds.z[0, 0] == pytest.approx(1.398954, abs=1e-6)


def by_the_formula(table, prior, g, w):
    """Equations 15, 16, 20 and 22 for one cell, in plain Python."""
    rest = [sum(row[v] for i, row in enumerate(table) if i != g) for v in range(len(table[0]))]
    pooled = [a + b for a, b in zip(table[g], rest, strict=True)]
    alpha = prior * pooled[w] / sum(pooled)
    one = (table[g][w] + alpha) / (sum(table[g]) + prior - table[g][w] - alpha)
    two = (rest[w] + alpha) / (sum(rest) + prior - rest[w] - alpha)
    variance = 1 / (table[g][w] + alpha) + 1 / (rest[w] + alpha)
    return math.log(one) - math.log(two), variance


def test_three_groups_against_the_formula():
    table = [[10, 0, 5, 7], [2, 8, 5, 1], [4, 4, 4, 40]]
    odds = group_log_odds(np.array(table), prior=20.0)
    for g in range(3):
        for w in range(4):
            delta, variance = by_the_formula(table, 20.0, g, w)
            assert odds.delta[g, w] == pytest.approx(delta, rel=1e-12)
            assert odds.z[g, w] == pytest.approx(delta / math.sqrt(variance), rel=1e-12)


def test_terms_select_columns_without_changing_them():
    table = np.array([[10, 1, 5, 7], [2, 8, 5, 1]])
    every = group_log_odds(table, prior=50.0)
    some = group_log_odds(table, prior=50.0, terms=np.array([3, 0]))
    assert some.delta.tolist() == every.delta[:, [3, 0]].tolist()


@given(arrays(np.int64, (2, 5), elements=st.integers(1, 200)), st.floats(1.0, 5000.0))
def test_two_groups_mirror_each_other_and_the_prior_shrinks(table, prior):
    odds = group_log_odds(table, prior=prior)
    assert odds.delta[0] == pytest.approx(-odds.delta[1], abs=1e-9)
    # By how much depends on both odds, but the sign never turns.
    more = group_log_odds(table, prior=10 * prior)
    share = table / table.sum(axis=1, keepdims=True)
    sign = np.sign(np.round(share[0] - share[1], 12))
    for found in (odds, more):
        assert (np.sign(np.round(found.delta[0], 9)) * sign >= 0).all()
    assert (np.abs(more.delta) <= np.abs(odds.delta) + 1e-9).all()
