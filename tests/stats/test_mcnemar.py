import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from mores.errors import MeasureError
from mores.stats import mcnemar


def test_agrestis_example():
    # [[794, 86], [150, 570]]: exact p 3.716e-5 (statistics.md; R's mcnemar.exact).
    found = mcnemar(86, 150)
    assert found.p == pytest.approx(3.716e-5, abs=5e-9)
    assert found.value == pytest.approx(86 / 236)
    assert found.n == 236


def test_by_hand():
    # 1 of 5: p = 2 (1 + 5) / 32.
    assert mcnemar(1, 4).p == pytest.approx(12 / 32)
    assert mcnemar(0, 6).p == pytest.approx(2 / 64)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_agrees_with_the_binomial_test_and_mirrors(b, c):
    found = mcnemar(b, c)
    if b + c < 2:
        assert (found.verdict, found.p) == ("not computable", None)
        return
    oracle = binomtest(b, b + c)
    interval = oracle.proportion_ci(method="exact")
    assert found.p == pytest.approx(oracle.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert mcnemar(c, b).p == found.p


def test_degenerate():
    assert mcnemar(0, 0).reason == "the models never disagree"
    assert mcnemar(0, 0).value is None
    assert mcnemar(1, 0).reason == "one discordant item: p could only be 1"


def test_refused():
    with pytest.raises(MeasureError, match="b: expected at least 0"):
        mcnemar(-1, 3)
    with pytest.raises(MeasureError, match="whole number"):
        mcnemar(1, 2.5)
