import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from mores.errors import MeasureError
from mores.stats import benjamini_hochberg, benjamini_yekutieli, holm

# Benjamini & Hochberg 1995, section 3.2: thrombolysis, 15 tests.
BH_1995 = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
BH_1995 += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
METHODS = {holm: "holm", benjamini_hochberg: "fdr_bh", benjamini_yekutieli: "fdr_by"}
p_lists = st.lists(st.none() | st.floats(0, 1), max_size=12)


def test_the_example_of_1995():
    # Published rejections at .05: Bonferroni (and Holm) 3, Benjamini-Hochberg 4.
    assert sum(p <= 0.05 for p in holm(BH_1995)) == 3
    assert sum(p <= 0.05 for p in benjamini_hochberg(BH_1995)) == 4
    assert holm(BH_1995)[:3] == pytest.approx([0.0015, 0.0056, 0.0247])
    assert benjamini_hochberg(BH_1995)[3] == pytest.approx(0.0095 * 15 / 4)


def test_by_hand_with_absent_tests():
    # m = 3: Holm 3 · .01, then max(.03, 2 · .02), max(.04, .03); None does not count.
    assert holm([0.03, None, 0.01, 0.02]) == pytest.approx([0.04, None, 0.03, 0.04])
    # Harmonic number of 3 is 11/6. p(1) · 3 · 11/6 = .055; p(2): .02 · 3 / 2 · 11/6 = .055;
    # p(3): .04 · 11/6 = .0733.
    assert benjamini_yekutieli([0.04, 0.01, None, 0.02]) == pytest.approx(
        [0.04 * 11 / 6, 0.055, None, 0.055]
    )
    assert benjamini_hochberg([0.03, None, 0.01, 0.02]) == pytest.approx([0.03, None, 0.03, 0.03])


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg, benjamini_yekutieli])
def test_edges(adjust):
    assert adjust([]) == []
    assert adjust([None, None]) == [None, None]
    assert adjust([0.04]) == [0.04]
    assert adjust([0.9, 1.0]) == [1.0, 1.0]
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(MeasureError, match="position 1"):
            adjust([0.5, bad])


@settings(max_examples=25, deadline=None)
@given(p_lists)
def test_agree_with_statsmodels_and_never_lower_a_p(p_values):
    known = [p for p in p_values if p is not None]
    for adjust, name in METHODS.items():
        adjusted = adjust(p_values)
        assert [p is None for p in adjusted] == [p is None for p in p_values]
        ours = [p for p in adjusted if p is not None]
        if known:
            assert ours == pytest.approx(list(multipletests(known, method=name)[1]), abs=1e-12)
        assert all(a >= p - 1e-15 for a, p in zip(ours, known, strict=True))
        assert all(a <= 1 for a in ours)
