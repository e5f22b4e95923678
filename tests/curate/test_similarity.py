"""Question and answer similarity against scikit-learn and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.curate.similarity import pairs_above, question_similarity, run_jaccard
from mores.curate.text import words

TEXTS = st.lists(
    st.lists(st.sampled_from(["tea", "pot", "lid", "how", "why"]), max_size=6).map(tuple),
    min_size=1,
    max_size=5,
)


def test_question_similarity_equals_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["how do i mend a kettle", "how do i bake bread", "why a kettle", "do do do", "kettle"]
    vectors = TfidfVectorizer(binary=True, analyzer=str.split).fit_transform(texts).toarray()
    ours = question_similarity(
        [words(t) for t in texts[:2]], [words(t) for t in texts[2:]], language="xx"
    )
    np.testing.assert_allclose(ours, vectors[:2] @ vectors[2:].T, atol=1e-12)


def test_stems_of_the_language_are_compared():
    a, b = [words("growing tomatoes")], [words("grow a tomato")]
    assert question_similarity(a, b, language="xx")[0, 0] == 0.0
    # Two questions: a stem in both weighs 1 (log 3/3 + 1), "a" weighs log(3/2) + 1 = 1.4055;
    # cosine = 2 / (√2 · √(2 + 1.4055²)) = 2 / (1.4142 · 1.9939).
    assert question_similarity(a, b, language="en-GB")[0, 0] == pytest.approx(0.70928, abs=1e-4)


def test_jaccard_by_hand():
    # Runs of 3: {abc, bcd, cde} and {bcd, cde, def}: 2 shared of 4.
    assert run_jaccard([tuple("abcde")], [tuple("bcdef"), tuple("ab")]).tolist() == [[0.5, 0.0]]


def test_a_copy_with_a_random_fifth_replaced_has_about_the_stated_value():
    text = [f"w{i}" for i in range(4002)]
    replaced = np.random.default_rng(1).random(4002) < 0.2
    copy = [
        f"x{i}" if out else word for i, (word, out) in enumerate(zip(text, replaced, strict=True))
    ]
    # A run of 3 survives with .8^3 = .512: .512 / (2 - .512) = .344. Overlapping runs:
    # sd of the surviving share about sqrt(3 * .512 * .488 / 4000) = .014; slope 2 / 1.488^2.
    assert run_jaccard([tuple(text)], [tuple(copy)])[0, 0] == pytest.approx(0.344, abs=0.04)


@given(texts=TEXTS)
def test_similarity_is_symmetric_bounded_and_one_with_itself(texts):
    for table, least in ((question_similarity(texts, texts), 1), (run_jaccard(texts, texts), 3)):
        assert np.allclose(table, table.T)
        assert table.min() >= 0.0
        assert table.max() <= 1.0 + 1e-12
        assert np.allclose(np.diagonal(table), [float(len(text) >= least) for text in texts])


def test_nothing_to_compare():
    assert question_similarity([], [("a",)]).shape == (0, 1)
    assert run_jaccard([("a",)], []).shape == (1, 0)
    assert question_similarity([()], [()]).tolist() == [[0.0]]


def test_pairs_above_includes_the_threshold():
    assert pairs_above(np.array([[0.4, 0.5], [0.6, 0.1]]), 0.5) == [(0, 1, 0.5), (1, 0, 0.6)]
