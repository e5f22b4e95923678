import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chi2_contingency

from mores.measure.cooccurrence.log_odds import group_log_odds, log_odds_ratio, wald_variance


def test_hand_derivation_with_two_words():
    # Pooled counts 4 and 4, so prior 4 gives 2 to either word.
    # Word 1 with group 1: (3+2)/(4+4-5) = 5/3; with the rest: (1+2)/(4+4-3) = 3/5.
    # delta = ln(5/3) - ln(3/5) = 2 ln(5/3). Likelihood ratio of 5 and 3 in eight, against 3 and 5:
    # 2 (5 ln(5/4) + 3 ln(3/4)) twice, as the other word mirrors it.
    odds = group_log_odds(np.array([[3, 1], [1, 3]]), prior=4.0)
    delta = 2 * math.log(5 / 3)
    ratio = 4 * (5 * math.log(5 / 4) + 3 * math.log(3 / 4))
    assert odds.delta == pytest.approx(np.array([[delta, -delta], [-delta, delta]]))
    assert odds.z[0, 0] == pytest.approx(math.sqrt(ratio), rel=1e-12)
    assert odds.variance == pytest.approx(np.full((2, 2), delta**2 / ratio))


def by_the_formula(table, prior, g, w):
    """Equations 15, 16, 20 and 22 for one cell, in plain Python."""
    rest = [sum(row[v] for i, row in enumerate(table) if i != g) for v in range(len(table[0]))]
    pooled = [a + b for a, b in zip(table[g], rest, strict=True)]
    alpha = prior * pooled[w] / sum(pooled)
    one = (table[g][w] + alpha) / (sum(table[g]) + prior - table[g][w] - alpha)
    two = (rest[w] + alpha) / (sum(rest) + prior - rest[w] - alpha)
    a, b = table[g][w] + alpha, rest[w] + alpha
    cells = [[a, sum(table[g]) + prior - a], [b, sum(rest) + prior - b]]
    # The statistic of a library, for a second opinion; it keeps to smoothed counts as they are.
    ratio = chi2_contingency(cells, correction=False, lambda_="log-likelihood").statistic
    return math.log(one) - math.log(two), math.log(one / two) ** 2 / ratio


def test_three_groups_against_the_formula():
    table = [[10, 0, 5, 7], [2, 8, 5, 1], [4, 4, 4, 40]]
    odds = group_log_odds(np.array(table), prior=20.0)
    for g in range(3):
        for w in range(4):
            delta, variance = by_the_formula(table, 20.0, g, w)
            assert odds.delta[g, w] == pytest.approx(delta, rel=1e-12)
            assert odds.z[g, w] == pytest.approx(delta / math.sqrt(variance), rel=1e-9)


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


def z_of(y, y_rest, *, n=50_000, prior=500.0):
    alpha = np.asarray(prior * (y + y_rest) / (2 * n))
    counts = (np.asarray(float(value)) for value in (y, n, y_rest, n))
    return float(log_odds_ratio(*counts, alpha, prior).z)


def test_a_word_of_one_group_only_has_the_larger_z():
    """By Wald's variance 30 against 1 scored 3.4 and 30 against 0 scored 2.0."""
    assert z_of(30, 0) > z_of(30, 1) > z_of(30, 2) > z_of(30, 15) > 0
    alpha = np.array([500 * 30 / 1e5, 500 * 31 / 1e5])
    y, rest = np.array([30.0, 30.0]), np.array([0.0, 1.0])
    delta = log_odds_ratio(y, np.full(2, 5e4), rest, np.full(2, 5e4), alpha, 500.0).delta
    theirs = delta / np.sqrt(wald_variance(y, rest, alpha))
    assert theirs == pytest.approx([2.04, 3.43], abs=0.02)


@given(st.integers(2, 200), st.integers(300, 20_000), st.integers(300, 20_000), st.data())
def test_z_rises_with_every_occurrence_that_moves_to_the_group(total, n, n_rest, data):
    y = data.draw(st.integers(1, total))
    prior = data.draw(st.floats(1.0, 5000.0))
    alpha = np.asarray(prior * total / (n + n_rest))

    def z(own):
        cells = (np.asarray(float(v)) for v in (own, n, total - own, n_rest))
        return float(log_odds_ratio(*cells, alpha, prior).z)

    assert z(y) > z(y - 1)


def test_where_counts_hardly_differ_it_is_their_z():
    y, rest, n = np.array([1010.0]), np.array([990.0]), np.array([1e6])
    alpha = np.array([1.0])
    odds = log_odds_ratio(y, n, rest, n, alpha, 1000.0)
    assert odds.variance == pytest.approx(wald_variance(y, rest, alpha), rel=2e-3)
