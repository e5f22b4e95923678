"""The rank-sum test against counting by hand, and against its formula with ties."""

from __future__ import annotations

from itertools import combinations, product
from math import sqrt

import pytest
from scipy.stats import norm

from mores.errors import MeasureError
from mores.stats import rank_sum


def test_three_below_four():
    found = rank_sum([1, 2, 3], [4, 5, 6, 7])
    # Of 35 ways to choose three of seven ranks, one is the lowest, and one as far the other way.
    assert (found.value, found.p) == (0.0, pytest.approx(2 / 35))
    assert (found.n, found.details) == (7, {"n_first": 3, "n_second": 4})


@pytest.mark.parametrize("first", [[1, 4, 6], [2.5, 8, 9, 10], [1]])
def test_small_samples_are_counted_out(first):
    second = [3, 5, 7, 11, 12]
    both = sorted(first + second)
    wins = sum(a > b for a, b in product(first, second))

    def won(chosen):
        rest = [v for v in both if v not in chosen]
        return sum(a > b for a, b in product(chosen, rest))

    ways = [won(chosen) for chosen in combinations(both, len(first))]
    tail = min(sum(w <= wins for w in ways), sum(w >= wins for w in ways))
    found = rank_sum(first, second)
    assert found.value == pytest.approx(wins / (len(first) * 5))
    assert found.p == pytest.approx(min(1.0, 2 * tail / len(ways)))


def test_ties_by_the_formula():
    first, second = [0, 0, 1, 2, 2, 5, 5, 5, 7], [0, 2, 2, 3, 5, 7, 7, 8, 9, 9]
    n, m = len(first), len(second)
    u = sum((a > b) + 0.5 * (a == b) for a, b in product(first, second))
    both = first + second
    ties = sum(both.count(v) ** 3 - both.count(v) for v in set(both))
    spread = sqrt(n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1))))
    found = rank_sum(first, second)
    assert found.value == pytest.approx(u / (n * m))
    assert found.p == pytest.approx(2 * norm.sf((abs(u - n * m / 2) - 0.5) / spread))


def test_ends():
    assert (rank_sum([2, 2], [2, 2, 2]).value, rank_sum([2, 2], [2]).p) == (0.5, 1.0)
    assert rank_sum([], [1.0]).verdict == "not computable"
    with pytest.raises(MeasureError, match="finite"):
        rank_sum([float("nan")], [1.0])
