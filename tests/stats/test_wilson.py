import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from mores.errors import MeasureError
from mores.stats import wilson


def test_by_hand():
    # 0 of 10, z² = 3.841459: [0, z² / (10 + z²)] = [0, .277533].
    found = wilson(0, 10)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.2775327999)
    # Newcombe 1998, method 3: 81 of 263 gives .2553 to .3662; 1 of 29: .0061 to .1718.
    assert (wilson(81, 263).low, wilson(81, 263).high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (wilson(1, 29).low, wilson(1, 29).high) == pytest.approx((0.0061, 0.1718), abs=5e-5)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_agrees_with_statsmodels_and_stays_inside(counts):
    successes, n = counts
    found = wilson(successes, n)
    oracle = proportion_confint(successes, n, alpha=0.05, method="wilson")
    assert (found.low, found.high) == pytest.approx(oracle, abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1
    mirrored = wilson(n - successes, n)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low))


def test_degenerate_and_refused():
    found = wilson(0, 0)
    assert (found.verdict, found.value, found.reason) == ("not computable", None, "no items")
    with pytest.raises(MeasureError, match="at most n = 3, found 4"):
        wilson(4, 3)
