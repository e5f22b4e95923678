import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mores.errors import MeasureError
from mores.stats import judge_corrected_rate

SHARE = st.integers(0, 20).map(lambda i: i / 20)


def test_of_the_authors_code():
    # UW-Madison-Lee-Lab: θ = (.4 + .7 − 1) / .6 = 1/6, interval .0564 to .2627.
    found = judge_corrected_rate(0.4, 1000, 0.7, 200, 0.9, 200)
    assert found.value == pytest.approx(1 / 6)
    assert (found.low, found.high) == pytest.approx((0.0564, 0.2627), abs=5e-5)
    assert (found.n, found.unit, found.reason) == (1000, "judged output", "")


def test_by_hand():
    # z² = 3.841459. p' = (50 + 1.920729) / 103.841459 = .5, q' = 9 / 12 = .75 both, θ = .5;
    # the shift cancels; half = z √(.25 / 103.841459 + 2 · .25 · .1875 / 12) / .5
    found = judge_corrected_rate(0.5, 100, 0.8, 10, 0.8, 10)
    half = 1.959964 * math.sqrt(0.25 / 103.841459 + 0.5 * 0.1875 / 12) / 0.5
    assert found.value == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)


def test_a_perfect_judge_leaves_the_rate():
    found = judge_corrected_rate(0.3, 500, 1.0, 10**7, 1.0, 10**7)
    assert found.value == pytest.approx(0.3)
    assert (found.low, found.high) == pytest.approx((0.2615, 0.3416), abs=5e-4)  # Agresti-Coull


@given(SHARE, st.integers(1, 500), SHARE, st.integers(1, 100), SHARE, st.integers(1, 100))
@settings(max_examples=150, deadline=None)
def test_what_is_good_and_bad_may_be_swapped(p, n, q0, m0, q1, m1):
    found = judge_corrected_rate(p, n, q0, m0, q1, m1)
    turned = judge_corrected_rate(1 - p, n, q1, m1, q0, m0)
    assert (found.verdict, found.reason.split(" ")[-1]) == (
        turned.verdict,
        turned.reason.split(" ")[-1],
    )
    if found.value is not None:
        assert turned.value == pytest.approx(1 - found.value, abs=1e-9)
    if found.low is not None:
        assert (turned.low, turned.high) == pytest.approx((1 - found.high, 1 - found.low), abs=1e-9)
        assert 0 <= found.low < found.high <= 1


@pytest.mark.parametrize(
    ("arguments", "value", "reason"),
    [
        ((0.4, 100, 0.5, 50, 0.5, 50), None, "no better than chance"),
        ((0.4, 100, 0.3, 50, 0.6, 50), None, "no better than chance"),
        ((0.4, 0, 0.9, 50, 0.9, 50), None, "nothing judged"),
        ((0.4, 100, 0.9, 0, 0.9, 50), None, "no items of known truth"),
        ((0.4, 100, 1.0, 1, 0.05, 1000), 1.0, "too few items"),
        ((0.05, 1000, 0.7, 500, 0.9, 500), 0.0, "contradict"),
    ],
)
def test_degenerate(arguments, value, reason):
    found = judge_corrected_rate(*arguments)
    assert (found.verdict, found.value, found.low) == ("not computable", value, None)
    assert reason in found.reason


def test_a_rate_that_was_cut_off_says_so():
    found = judge_corrected_rate(0.28, 100, 0.7, 50, 0.9, 50)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.details["uncut"] == pytest.approx(-1 / 30)
    assert "was cut off" in found.reason


@pytest.mark.parametrize(
    "call",
    [
        lambda: judge_corrected_rate(1.1, 10, 0.9, 10, 0.9, 10),
        lambda: judge_corrected_rate(math.nan, 10, 0.9, 10, 0.9, 10),
        lambda: judge_corrected_rate(0.4, -1, 0.9, 10, 0.9, 10),
        lambda: judge_corrected_rate(0.4, 10, 0.9, 2.5, 0.9, 10),
        lambda: judge_corrected_rate(0.4, 10, 0.9, 10, -0.1, 10),
        lambda: judge_corrected_rate(0.4, 10, 0.9, 10, 0.9, 10, level=1.5),
    ],
)
def test_refused(call):
    with pytest.raises(MeasureError):
        call()


def test_covers_at_its_rate():
    rng = np.random.default_rng(9)
    runs, hits = 2000, 0
    for _ in range(runs):
        p = rng.binomial(400, 0.3 * 0.85 + 0.7 * 0.2) / 400
        q0, q1 = rng.binomial(60, 0.8) / 60, rng.binomial(60, 0.85) / 60
        found = judge_corrected_rate(p, 400, q0, 60, q1, 60)
        hits += found.low is not None and found.low <= 0.3 <= found.high
    assert 0.935 < hits / runs < 0.97
