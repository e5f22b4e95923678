"""Terms of the lexical models, against scikit-learn's analyzers and by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from mores.measure.toxicity.terms import character_terms, function_words, stems, word_terms

words_oracle = TfidfVectorizer().build_analyzer()
characters_oracle = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)).build_analyzer()


@given(st.text())
def test_terms_are_those_of_scikit_learn(text):
    assert word_terms(text) == words_oracle(text)
    assert sorted(character_terms(text, 2, 4)) == sorted(characters_oracle(text))


def test_characters_by_hand():
    # " an " and " ox ", runs of 2; a one-letter word padded to 3 counts whole once, for 3.
    assert character_terms("an ox", 2, 2) == [" a", "an", "n ", " o", "ox", "x "]
    assert character_terms("I", 2, 4) == [" i", "i ", " i "]
    assert character_terms("  \n ", 2, 4) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Those idiots cannot read!", "idiot read"),  # cannot → can + not, both left out
        ("I'm gonna RUN.", "im gon na run"),  # the apostrophe goes first: "im" is no stop word
        ("“running”—don’t", "“ run ” — ’"),  # curly marks are tokens, "don" and "t" are dropped
        ("wannabe", "wannab"),  # no contraction inside a word
        ("the and of", ""),
        ("", ""),
    ],
)
def test_stems_by_hand(text, expected):
    assert stems(text) == expected


def test_function_words_hold_no_punctuation_and_no_comment():
    assert {"i", "the", "not", "wouldn"} <= function_words()
    assert all(word.isalpha() and word == word.lower() for word in function_words())
    # NLTK's list has 179 words, 26 of them with an apostrophe.
    assert len(function_words()) == 153
