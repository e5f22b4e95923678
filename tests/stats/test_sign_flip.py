import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from mores.errors import MeasureError
from mores.stats import sign_flip, smallest_p


def by_enumeration(parts):
    """Two-sided p over all 2^n patterns, the slow and obvious way."""
    observed = abs(sum(parts))
    sums = [
        abs(sum(s * x for s, x in zip(signs, parts, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(parts))
    ]
    return sum(total >= observed - 1e-9 for total in sums) / len(sums)


def test_by_hand():
    # 1 2 3: |sum| = 6 in 2 of 8 patterns (all plus, all minus): p = 1/4.
    assert sign_flip([1, 2, 3]).p == 0.25
    # -1 2 3: observed |sum| 4; patterns with |sum| >= 4: +++ 6, -++ 4 and their mirrors: 4/8.
    assert sign_flip([-1, 2, 3]).p == 0.5
    assert sign_flip([-1, 2, 3]).value == pytest.approx(4 / 3)


def test_five_prompts_cannot_reach_05():
    # The floor of the five-prompts-a-category layout: 2 / 2^5 (statistics.md, section 0).
    found = sign_flip([0.3, 0.5, 0.1, 0.4, 0.2])
    assert found.p == smallest_p(5) == 0.0625
    assert found.method == "sign-flip test, exact"
    assert found.low is None


def test_smallest_p_for_holm_over_eight_needs_nine_prompts():
    assert next(n for n in range(1, 12) if 8 * smallest_p(n) <= 0.05) == 9
    with pytest.raises(MeasureError):
        smallest_p(0)


def test_zeros_keep_their_place_in_the_mean_and_change_nothing_else():
    found = sign_flip([0, 1, 2, 0, 3])
    assert found.p == 0.25 == by_enumeration([0, 1, 2, 0, 3])
    assert found.value == pytest.approx(6 / 5)
    assert found.n == 5
    assert found.details == {"nonzero": 3, "smallest_p": 0.25}


def test_exact_limit_counts_nonzero_differences_only():
    assert "exact" in sign_flip([1.0] * 20 + [0.0] * 30).method
    assert "Monte Carlo" in sign_flip([1.0] * 21, rng=1).method


def test_exact_agrees_with_scipy():
    differences = np.random.default_rng(5).normal(0.3, 1, 11)
    oracle = permutation_test(
        (differences, np.zeros(11)),
        lambda x, y, axis: (x - y).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert sign_flip(differences).p == pytest.approx(oracle.pvalue, abs=1e-12)


def test_rounding_does_not_break_ties():
    # 0.1 + 0.2 + 0.3 in another order differs in the last bit from 0.6.
    assert sign_flip([0.3, 0.2, 0.1, -0.1]).p == by_enumeration([3, 2, 1, -1])


def test_monte_carlo_approaches_the_exact_p_and_is_never_zero():
    rng = np.random.default_rng(2)
    differences = rng.normal(0.25, 1, 24)
    # Exact p of all 2^24 patterns by halving: sums of the two halves, counted pairwise.
    halves = []
    for half in (differences[:12], differences[12:]):
        signs = np.array(list(itertools.product((1, -1), repeat=12)))
        halves.append(signs @ half)
    observed = abs(differences.sum()) - 1e-9
    other = np.sort(halves[1])
    above = len(other) - np.searchsorted(other, observed - halves[0], side="left")
    below = np.searchsorted(other, -observed - halves[0], side="right")
    exact = (above + below).sum() / 2**24
    found = sign_flip(differences, rng=3)
    # Standard error of 20,000 draws at this p: below .0036; four of them.
    assert found.p == pytest.approx(exact, abs=0.0145)
    strong = sign_flip(np.full(50, 1.0), rng=3)
    assert strong.p == 1 / 20_001


def test_monte_carlo_needs_and_follows_the_seed():
    differences = np.arange(-8.0, 20.0)
    with pytest.raises(MeasureError, match="rng"):
        sign_flip(differences)
    same = [sign_flip(differences, rng=7).p for _ in range(2)]
    assert same[0] == same[1]
    assert same[0] != sign_flip(differences, rng=8).p


def test_strata_weigh_the_same():
    # Stratum a: mean 2 of two; b: 5 of one. Mean of means 3.5, weights 1/4 1/4 1/2.
    found = sign_flip([1, 3, 5], strata=["a", "a", "b"])
    assert found.value == 3.5
    assert found.p == by_enumeration([1 / 4, 3 / 4, 5 / 2]) == 0.25
    # Observed |−.25 + .75 + .5·1| = 1; also reached by ++ +: 1.5; p = 4/8. Unweighted it is 4/8
    # of other patterns: −1 3 1 → 3, reached by −+ + and + + + only.
    assert sign_flip([-1, 3, 1], strata=[0, 0, 1]).p == by_enumeration([-1 / 4, 3 / 4, 1 / 2])


@pytest.mark.parametrize(
    ("differences", "value", "reason"),
    [
        ([], None, "no differences"),
        ([2.0], 2.0, "one difference: p could only be 1"),
        ([0.0, 0.0, 0.0], 0.0, "all differences are zero"),
        ([0.0, 2.0], 1.0, "one difference other than zero: p could only be 1"),
    ],
)
def test_degenerate(differences, value, reason):
    found = sign_flip(differences)
    assert (found.verdict, found.value, found.p) == ("not computable", value, None)
    assert found.reason == reason


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=9), st.randoms(use_true_random=False))
def test_matches_enumeration_and_ignores_sign_order_and_scale(parts, random):
    found = sign_flip(parts)
    if found.p is None:
        assert sum(x != 0 for x in parts) < 2
        return
    assert found.p == pytest.approx(by_enumeration(parts), abs=1e-12)
    shuffled = [-0.1 * x for x in parts]
    random.shuffle(shuffled)
    assert sign_flip(shuffled).p == pytest.approx(found.p, abs=1e-12)
    assert found.p >= smallest_p(found.details["nonzero"])
