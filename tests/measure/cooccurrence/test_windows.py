from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import MeasureError
from mores.measure.cooccurrence import window_counts

LISTS = {"f": ["she"], "m": ["he"]}


def near(counts, group):
    row = counts.together[counts.groups.index(group)]
    return {w: x for w, x in zip(counts.vocabulary, row.tolist(), strict=True) if x}


def test_hand_derivation_with_a_window_and_decay():
    # "a she b c she": of the first "she", a and b at 1, c at 2; the second "she" is at 3, too
    # far. Of the second: c at 1, b at 2.
    counts = window_counts(["a she b c she"], LISTS, window=2, decay=0.5)
    assert near(counts, "f") == {"a": 0.5, "b": 0.5 + 0.25, "c": 0.25 + 0.5}
    assert near(counts, "m") == {}
    assert (counts.mentions.tolist(), counts.documents) == ([2, 0], 1)
    assert dict(zip(counts.vocabulary, counts.frequency.tolist(), strict=True)) == {
        "a": 1,
        "b": 1,
        "c": 1,
        "she": 2,
    }


def test_a_group_word_is_near_others_but_not_itself():
    counts = window_counts(["she he she"], LISTS, window=None)
    assert near(counts, "f") == {"he": 2.0, "she": 2.0}
    assert near(counts, "m") == {"she": 2.0}


def test_windows_end_with_their_text():
    counts = window_counts(["she", "a b", "c he"], LISTS, window=5)
    assert near(counts, "f") == {}
    assert near(counts, "m") == {"c": 1.0}


def test_excluded_words_take_no_room_but_group_words_stay():
    options = {"window": 1, "exclude": ["was", "she"]}
    counts = window_counts(["She was kind"], LISTS, **options)
    assert near(counts, "f") == {"kind": 1.0}
    assert counts.vocabulary == ("kind", "she")
    assert near(window_counts(["She was kind"], LISTS, window=1), "f") == {"was": 1.0}


def test_lists_of_tokens_are_taken_as_they_are():
    counts = window_counts([["She", ".", "911"]], LISTS)
    assert near(counts, "f") == {".": 1.0, "911": 1.0}


def test_a_word_of_two_lists_counts_for_both():
    counts = window_counts(["they go"], {"a": ["they"], "b": ["they", "one"]})
    assert near(counts, "a") == near(counts, "b") == {"go": 1.0}
    assert counts.list_lengths == (1, 2)


@given(
    st.lists(st.lists(st.sampled_from(["she", "he", "x", "y", "the"])), min_size=1, max_size=6),
    st.sampled_from([1, 2, 4, None]),
    st.sampled_from([1.0, 0.5]),
)
def test_equals_a_plain_double_loop(documents, window, decay):
    counts = window_counts(documents, LISTS, window=window, decay=decay, exclude=["the"])
    for group, own in LISTS.items():
        expected = Counter()
        for document in documents:
            tokens = [t for t in document if t != "the"]
            for i, one in enumerate(tokens):
                for j, other in enumerate(tokens):
                    if i != j and one in own and (window is None or abs(i - j) <= window):
                        expected[other] += decay ** abs(i - j)
        assert near(counts, group) == pytest.approx(dict(expected))


def test_texts_without_a_word_are_counted_as_texts():
    counts = window_counts(["", "!"], LISTS)
    assert (counts.vocabulary, counts.documents) == ((), 2)
    assert counts.together.shape == (2, 0)
    assert counts.mentions.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("texts", "lists", "options", "message"),
    [
        ([], LISTS, {}, "no text to count"),
        (["a"], {}, {}, "there is no group"),
        (["a"], {"f": []}, {}, "words that name 'f', found none"),
        (["a"], {"f": "she"}, {}, "words that name 'f', found 'she'"),
        (["a"], LISTS, {"window": 0}, "window of at least 1 word, found 0"),
        (["a"], LISTS, {"decay": 0.0}, "decay above 0 and at most 1, found 0"),
        (["a"], LISTS, {"decay": np.nan}, "decay above 0 and at most 1, found nan"),
    ],
)
def test_bad_input(texts, lists, options, message):
    with pytest.raises(MeasureError, match=message):
        window_counts(texts, lists, **options)
