import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from mores.errors import MeasureError
from mores.stats import krippendorff_alpha


def table(text):
    return [[np.nan if x == "." else float(x) for x in row.split()] for row in text.split("/")]


# Krippendorff's own example: 4 observers, 12 units.
BOOK = table(
    "1 2 3 3 2 1 4 1 2 . . . / 1 2 3 3 2 2 4 1 2 5 . 3 /"
    ". 3 3 3 2 3 4 2 2 5 1 . / 1 2 3 3 2 4 4 1 2 5 1 ."
)
# The example of the Wikipedia article: 3 raters, 15 units.
WIKIPEDIA = table(
    ". . . . . 3 4 1 2 1 1 3 3 . 3 / 1 . 2 1 3 3 4 3 . . . . . . . /. . 2 1 3 4 4 . 2 1 1 3 3 . 4"
)


@pytest.mark.parametrize(("scale", "alpha"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_krippendorffs_example(scale, alpha):
    assert krippendorff_alpha(BOOK, scale).value == pytest.approx(alpha, abs=5e-4)


def test_wikipedia_example():
    found = krippendorff_alpha(WIKIPEDIA, "nominal")
    assert found.value == pytest.approx(0.691358, abs=5e-7)
    # Unit 1 has one rating, 2 and 14 none; 10 units have two and 2 have three: 26 ratings.
    assert (found.n, found.details["ratings"], found.details["items_left_out"]) == (12, 26, 3)
    assert found.details["raters"] == 3


def test_two_raters_by_hand():
    # Pairs (1,1) (2,2) (1,2): o(1,2) + o(2,1) = 2, n = 6, n(1) = n(2) = 3.
    # D_o = 2/6, D_e = 2 · 9 / (6 · 5) = .6; α = 1 − (1/3) / .6 = 4/9.
    found = krippendorff_alpha([[1, 2, 1], [1, 2, 2]], "nominal")
    assert found.value == pytest.approx(4 / 9)
    assert found.details["observed"] == pytest.approx(1 / 3)
    assert found.details["expected"] == pytest.approx(0.6)
    assert krippendorff_alpha([[1, 2, 1], [1, 2, 2]], "nominal", interval=False).low is None


def ordinal_by_pairs(ratings):
    """α from its definition, pair by pair."""
    units = [[x for x in column if not np.isnan(x)] for column in np.array(ratings).T]
    units = [u for u in units if len(u) > 1]
    everything = sorted(x for u in units for x in u)

    def distance(c, k):
        low, high = min(c, k), max(c, k)
        inside = sum(low <= x <= high for x in everything)
        return (inside - (everything.count(c) + everything.count(k)) / 2) ** 2

    seen = sum(
        distance(c, k) / (len(u) - 1) for u in units for c, k in itertools.permutations(u, 2)
    )
    chance = sum(distance(c, k) for c, k in itertools.permutations(everything, 2))
    return 1 - (seen / len(everything)) / (chance / (len(everything) * (len(everything) - 1)))


def test_ordinal_agrees_with_the_definition():
    for ratings in (BOOK, WIKIPEDIA):
        assert krippendorff_alpha(ratings).value == pytest.approx(ordinal_by_pairs(ratings))


def test_the_jackknife_by_hand():
    # Pairs (1, 2), (1, 1), (2, 2), nominal. n(1) = n(2) = 3, D_o = 2/6, D_e = 2·9/30; α = 4/9.
    # Without the first all agree: 1. Without the second n(1) = 1, n(2) = 3: D_o = 2/4,
    # D_e = 2·3/12, α = 0; without the third the same by symmetry.
    # Mean 1/3, Σ² = 4/9 + 1/9 + 1/9 = 2/3, SE² = 2/3 · 2/3 = 4/9; t(.975, 2) = 4.302653.
    found = krippendorff_alpha([[1, 1, 2], [2, 1, 2]], "nominal")
    assert found.value == pytest.approx(4 / 9)
    assert found.details["se"] == pytest.approx(2 / 3)
    assert found.low == pytest.approx(4 / 9 - 4.302653 * 2 / 3, abs=1e-6)
    assert found.high == 1.0
    assert "jackknife over items" in found.method


def test_clusters_are_left_out_whole():
    # Each item twice: within clusters that adds nothing, without them half the variance is gone.
    twice = np.repeat(BOOK, 2, axis=1)
    names = np.repeat(np.arange(12), 2)
    apart = krippendorff_alpha(twice)
    found = krippendorff_alpha(twice, clusters=names, unit="prompt")
    # Unit 12 has one rating and drops out.
    assert (found.n, found.unit, found.details["items"]) == (11, "prompt", 22)
    assert found.value == apart.value
    assert found.details["se"] > 1.3 * apart.details["se"]
    assert krippendorff_alpha(twice, interval=False).low is None


def many_prompts(rng, prompts, answers, severity):
    """Six raters, three an answer, as `benchmarks/calibration.py` draws them."""
    raters = len(severity)
    latent = rng.normal(0, 0.6, (prompts, 1)) + rng.normal(0, 0.7, (prompts, answers))
    said = latent.ravel() + severity[:, None] + rng.normal(0, 0.7, (raters, prompts * answers))
    table = 1.0 + np.searchsorted((-1.2, -0.4, 0.4, 1.2), said)
    table[rng.random(table.shape).argsort(axis=0) >= 3] = np.nan
    return table, np.repeat(np.arange(prompts), answers)


def test_the_interval_holds_the_alpha_of_these_raters_for_other_prompts():
    rng = np.random.default_rng(6)
    runs, held, naive = 120, 0, 0
    for _ in range(runs):
        severity = rng.normal(0, 0.3, 6)
        far, _ = many_prompts(rng, 2500, 1, severity)
        truth = krippendorff_alpha(far, interval=False).value
        table, prompts = many_prompts(rng, 40, 15, severity)
        found = krippendorff_alpha(table, clusters=prompts, unit="prompt")
        held += found.low <= truth <= found.high
        over_items = krippendorff_alpha(table)
        naive += over_items.low <= truth <= over_items.high
    # A 95 % interval stays within these bounds but once in 500 times.
    assert binom.ppf(0.001, runs, 0.95) <= held <= binom.ppf(0.999, runs, 0.95)
    assert naive < 0.85 * runs  # as it was: completions taken as if they stood alone


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([[1, 2, 3, 4], [1, 2, 3, 4]], "the same α without any one item"),
        ([[1, 2], [1, 2]], "without one item all ratings are equal"),
        ([[1, np.nan], [2, 3]], "one item"),
    ],
)
def test_no_interval_says_why(ratings, reason):
    found = krippendorff_alpha(ratings)
    assert (found.value is None, found.low) == (False, None)
    assert found.reason == f"no interval: {reason}"


@pytest.mark.parametrize("scale", ["nominal", "ordinal"])
@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([[3, 3, 3], [3, 3, 3]], "all ratings are equal"),
        ([[1, 2, 3]], "no item has ratings of two raters"),
        ([[1, np.nan], [np.nan, 2]], "no item has ratings of two raters"),
        ([[np.nan], [np.nan]], "no item has ratings of two raters"),
        ([[], []], "no item has ratings of two raters"),
    ],
)
def test_degenerate(scale, ratings, reason):
    found = krippendorff_alpha(ratings, scale)
    assert (found.verdict, found.value, found.reason) == ("not computable", None, reason)


def test_refused():
    with pytest.raises(MeasureError, match="expected 'nominal' or 'ordinal', found 'ordinl'"):
        krippendorff_alpha(BOOK, "ordinl")
    with pytest.raises(MeasureError, match="2 axes"):
        krippendorff_alpha([1, 2, 3])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([1.0, 2.0, 3.0, 5.0, np.nan]), min_size=6, max_size=6),
        min_size=2,
        max_size=4,
    )
)
def test_order_does_not_matter_and_scale_rules_hold(ratings):
    found = krippendorff_alpha(ratings)
    turned = krippendorff_alpha([row[::-1] for row in ratings[::-1]])
    assert turned.value == (None if found.value is None else pytest.approx(found.value))
    if found.value is None:
        return
    assert found.value <= 1
    # Ordinal: any monotone scale.
    assert krippendorff_alpha(np.exp(ratings)).value == pytest.approx(found.value)
