import math

import pytest

from mores.errors import MeasureError
from mores.measure.cooccurrence import window_bias, window_counts

LISTS = {"f": ["she"], "m": ["he"]}
TEXTS = ["she x", "he x", "he x", "he y", "z"]


def test_hand_derivation():
    # With a pseudo-count each: x 2 and 3, y 1 and 2, he and she and z 1 and 1; 1 and 3 mentions.
    bias = window_bias(window_counts(TEXTS, LISTS), percentile=0)
    assert (bias.words, bias.frequency, bias.mentions) == (("x", "y"), (3, 1), (1, 3))
    assert bias.counts.tolist() == [[2.0, 1.0], [3.0, 2.0]]
    assert bias.cutoff == 3.0  # y; he, she and z are near no group word
    assert bias.ratio.tolist() == pytest.approx([math.log(3 / 2), math.log(2)])
    # Five words, so the denominators are 1 + 5 and 3 + 5.
    one, two = math.log(3 / 8) - math.log(2 / 6), math.log(2 / 8) - math.log(1 / 6)
    assert bias.conditional_ratio.tolist() == pytest.approx([one, two])
    assert bias.score.value == pytest.approx((abs(one) + abs(two)) / 2)
    assert (bias.score.n, bias.score.unit, bias.score.verdict) == (2, "word", "descriptive")
    # Shares of 6 and 8: x 1/3 and 3/8, y 1/6 and 1/4, three others 1/6 and 1/8.
    pairs = [(1 / 3, 3 / 8), (1 / 6, 1 / 4), *[(1 / 6, 1 / 8)] * 3]
    expected = sum(a * math.log(2 * a / (a + b)) + b * math.log(2 * b / (a + b)) for a, b in pairs)
    assert bias.divergence == pytest.approx(expected / 2)


def test_the_percentile_cuts_rare_words():
    # Sums 5 (x) and 3 (y): the median is 4.
    bias = window_bias(window_counts(TEXTS, LISTS), percentile=50)
    assert (bias.cutoff, bias.words) == (4.0, ("x",))


def test_merged_forms_share_one_pseudo_count_and_lists_are_not_merged():
    counts = window_counts(TEXTS, LISTS)
    bias = window_bias(counts, percentile=0, merge={"y": "x", "she": "x", "z": "last"})
    assert (bias.words, bias.frequency) == (("x",), (4,))
    assert bias.counts.tolist() == [[2.0], [4.0]]
    assert bias.mentions == (1, 3)
    # he, last, she, x: 1 + 4 and 3 + 4.
    assert bias.conditional.tolist() == [[2 / 5], [4 / 7]]


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["x y"], "no word that names f or m occurs"),
        (["she x"], "no word that names m occurs"),
        (["she", "he"], "no word stands near a word that names a group"),
        (["she he"], "only words that name a group reach the cutoff"),
        (["", "12"], "no word that names f or m occurs"),
    ],
)
def test_no_figure_without_its_reason(texts, reason):
    bias = window_bias(window_counts(texts, LISTS))
    assert (bias.score.value, bias.score.verdict) == (None, "not computable")
    assert bias.score.reason == reason
    assert (bias.words, bias.ratio, bias.conditional_ratio, bias.cutoff) == ((), None, None, None)


def test_bad_input():
    three = window_counts(["she x"], {**LISTS, "n": ["they"]})
    with pytest.raises(MeasureError, match="expected two groups, found 3"):
        window_bias(three)
    with pytest.raises(MeasureError, match="percentile from 0 to 100, found 101"):
        window_bias(window_counts(TEXTS, LISTS), percentile=101)
