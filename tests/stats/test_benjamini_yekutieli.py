import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from mores.errors import MeasureError
from mores.stats import benjamini_yekutieli


def test_by_hand():
    # Harmonic number of 3 is 11/6. p(1) · 3 · 11/6 = .055; p(2): .02 · 3 / 2 · 11/6 = .055;
    # p(3): .04 · 11/6 = .0733.
    assert benjamini_yekutieli([0.04, 0.01, None, 0.02]) == pytest.approx(
        [0.04 * 11 / 6, 0.055, None, 0.055]
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_agrees_with_statsmodels(p_values):
    oracle = multipletests(p_values, method="fdr_by")[1]
    assert benjamini_yekutieli(p_values) == pytest.approx(oracle.tolist())


def test_none_and_nothing():
    assert benjamini_yekutieli([]) == []
    assert benjamini_yekutieli([None, 0.03]) == [None, 0.03]


def test_refused():
    with pytest.raises(MeasureError):
        benjamini_yekutieli([math.nan])
