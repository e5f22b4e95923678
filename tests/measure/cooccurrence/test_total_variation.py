import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mores.errors import MeasureError
from mores.measure.cooccurrence import count_terms, helm_association, total_variation


def test_hand_derivation():
    # Word 1: shares 3/4, 1/4, distance 1/4. Word 2: 0, 1, distance 1/2. Mean 3/8.
    found = total_variation(np.array([[3, 0], [1, 2]]))
    assert (found.value, found.n, found.unit) == (0.375, 2, "word")


def test_minimum_count_and_target_words():
    table = np.array([[3, 0, 5], [1, 2, 5]])
    assert total_variation(table, min_count=4).value == pytest.approx((0.25 + 0.0) / 2)
    named = total_variation(table, vocabulary=("nurse", "judge", "clerk"), terms={"judge"})
    assert (named.value, named.n) == (0.5, 1)


def test_no_target_word_is_not_zero():
    found = total_variation(np.array([[1], [1]]), min_count=3)
    assert (found.value, found.verdict) == (None, "not computable")
    assert "at least 3 times" in found.reason


@given(st.integers(2, 6), st.data())
def test_range_and_indifference_to_the_order_of_groups(groups, data):
    table = data.draw(arrays(np.int64, (groups, 4), elements=st.integers(0, 50)))
    table[0, 0] += 1
    value = total_variation(table).value
    assert 0 <= value <= 1 - 1 / groups + 1e-12
    assert total_variation(table[::-1]).value == pytest.approx(value)


def test_the_caveats_travel_with_the_figure():
    found = total_variation(np.array([[3, 0], [1, 2]]))
    assert found.reason == (
        "HELM-compatible figure: uniform reference, biased upward for rare words, no interval; "
        "moves with text length"
    )
    assert (found.low, found.high, found.p) == (None, None, None)


def test_expected_by_chance_by_hand():
    # One word, twice, two groups: split 2-0 in half of all cases (distance 1/2), else 1-1 (0).
    # One word, once, three groups: always 1 - 1/3.
    two = total_variation(np.array([[1], [1]]))
    assert two.details == {"groups": 2, "expected_by_chance": pytest.approx(0.25)}
    one = total_variation(np.array([[1], [0], [0]]))
    assert one.value == pytest.approx(2 / 3)
    assert one.details["expected_by_chance"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(("n", "groups"), [(3, 2), (4, 2), (7, 3), (10, 6)])
def test_expected_by_chance_equals_the_mean_over_all_outcomes(n, groups):
    # Every way to throw n occurrences on the groups, all as likely.
    outcomes = itertools.product(range(groups), repeat=n) if groups**n < 5000 else None
    table = np.zeros((groups, 1), dtype=np.int64)
    table[0] = n
    found = total_variation(table).details["expected_by_chance"]
    if outcomes is None:
        throws = np.random.default_rng(1).multinomial(n, [1 / groups] * groups, 200_000)
        distance = 0.5 * np.abs(throws / n - 1 / groups).sum(axis=1)
        assert found == pytest.approx(distance.mean(), abs=4 * distance.std() / 200_000**0.5)
    else:
        counts = [np.bincount(outcome, minlength=groups) for outcome in outcomes]
        distance = 0.5 * np.abs(np.array(counts) / n - 1 / groups).sum(axis=1)
        assert found == pytest.approx(distance.mean())


def test_chance_alone_gives_rare_words_a_distance():
    # Texts that do not differ: the figure is where chance puts it, far from 0.
    rng = np.random.default_rng(3)
    texts = ["".join(rng.choice(list("abcdefgh"), 1)) for _ in range(40)]
    counts = count_terms(texts, ["x", "y"] * 20)
    found = total_variation(counts.by_group())
    assert found.value > 0.05
    assert found.details["expected_by_chance"] == pytest.approx(0.19, abs=0.04)


LISTS = {"female": ["she", "her", "woman"], "male": ["he"]}


def test_helm_by_hand():
    # "nurse": in the first text 2 female words x 1, in the second 1 male word x 2; divided by
    # list lengths 2/3 and 2/1, shares 1/4 and 3/4, distance 1/4. "judge": only male, 1/2.
    # "clerk" occurs without a group and "baker" not at all: both are left out of the mean.
    texts = ["She, the nurse, saw her.", "He said: nurse, nurse!", "he, a judge", "a clerk"]
    found = helm_association(texts, LISTS, ["nurse", "judge", "clerk", "baker"])
    assert (found.value, found.n) == (pytest.approx(3 / 8), 2)
    assert found.details["expected_by_chance"] is None  # counts of pairs are not independent


@given(st.lists(st.lists(st.sampled_from(["she", "her", "he", "kind", "calm", "of"])), min_size=1))
def test_helm_equals_its_definition(texts):
    targets = ["kind", "calm", "tall"]
    scores = []
    for target in targets:
        by_group = [
            sum(sum(t.count(w) for w in own) * t.count(target) for t in texts) / len(own)
            for own in LISTS.values()
        ]
        if sum(by_group):
            scores.append(sum(abs(0.5 - n / sum(by_group)) for n in by_group) / 2)
    found = helm_association(texts, LISTS, targets)
    assert found.n == len(scores)
    assert found.value == (pytest.approx(np.mean(scores)) if scores else None)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["a nurse"], "no word that names a group occurs"),
        (["she", "a nurse"], "no target word occurs in a text that names a group"),
        (["", "1"], "no word that names a group occurs"),
    ],
)
def test_helm_without_anything_to_count_is_not_zero(texts, reason):
    found = helm_association(texts, LISTS, ["nurse"])
    assert (found.value, found.verdict, found.reason) == (None, "not computable", reason)


def test_helm_says_which_group_is_never_named():
    found = helm_association(["she is a nurse"], LISTS, ["nurse"])
    assert found.value == 0.5
    assert found.reason.endswith("; never named: male")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by_group": np.array([[1, 2]])}, "at least two groups, found 1"),
        ({"terms": ["x"]}, "expected the names of 2 words, found 0"),
        ({"list_lengths": [1]}, "length above 0 for each of 2 lists"),
        ({"list_lengths": [0, 1]}, "length above 0 for each of 2 lists"),
    ],
)
def test_bad_input(options, message):
    table = options.pop("by_group", np.array([[1, 2], [3, 4]]))
    with pytest.raises(MeasureError, match=message):
        total_variation(table, **options)
