from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import MeasureError
from mores.measure.cooccurrence.count import count_stream, count_terms

TEXTS = ["a kind, kind nurse", "the man is kind", "", "A nurse"]
GROUPS = ["women", "men", "men", "women"]


def test_counts_and_documents_by_group():
    counts = count_terms(TEXTS, GROUPS, exclude={"a", "the"})
    assert counts.vocabulary == ("is", "kind", "man", "nurse")
    assert counts.groups == ("men", "women")
    assert counts.by_group().tolist() == [[1, 1, 1, 0], [0, 2, 0, 2]]
    assert counts.documents_by_group().tolist() == [[1, 1, 1, 0], [0, 1, 0, 2]]
    assert counts.lengths.tolist() == [3, 3, 0, 1]
    assert counts.all_words.tolist() == [4, 4, 0, 2]
    assert counts.frequent(2).tolist() == [1, 3]


def test_order_of_groups_can_be_given_and_may_name_absent_ones():
    counts = count_terms(["x y"], ["b"], order=["b", "a"])
    assert counts.by_group().tolist() == [[1, 1], [0, 0]]


def test_texts_without_a_word_give_an_empty_vocabulary():
    counts = count_terms(["", "12 !"], ["a", "b"])
    assert counts.vocabulary == ()
    assert counts.lengths.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("texts", "groups", "message"),
    [
        (["a"], ["x", "y"], "one group a text"),
        ([], [], "no text"),
    ],
)
def test_bad_input(texts, groups, message):
    with pytest.raises(MeasureError, match=message):
        count_terms(texts, groups)


def test_a_group_that_the_order_lacks_is_refused():
    with pytest.raises(MeasureError, match="'z', expected one of x, y"):
        count_terms(["a"], ["z"], order=["x", "y"])


@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from(["u", "v", "w", "x"])), st.sampled_from("ab")),
        min_size=1,
        max_size=20,
    ),
    st.sets(st.sampled_from(["u", "x", "never"])),
)
def test_counts_equal_a_plain_counter(documents, exclude):
    texts = [" ".join(tokens) for tokens, _ in documents]
    counts = count_terms(texts, [group for _, group in documents], order="ab", exclude=exclude)
    found = counts.by_group()
    for g, name in enumerate("ab"):
        plain = Counter(w for ws, group in documents if group == name for w in ws)
        expected = {w: n for w, n in plain.items() if w not in exclude}
        pairs = zip(counts.vocabulary, found[g].tolist(), strict=True)
        assert {w: n for w, n in pairs if n} == expected
    assert np.array_equal(counts.totals, found.sum(axis=0))


def test_a_stream_is_read_once_and_counted_the_same(monkeypatch):
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(["b", "a", "d", "c", "e"], 7)) for _ in range(50)]
    groups = ["y", "x"] * 25
    whole = count_terms(texts, groups, exclude=["d"])
    monkeypatch.setattr("mores.measure.cooccurrence.count._BLOCK", 20)  # 17 blocks and a rest
    found = count_stream(iter(zip(texts, groups, strict=True)), exclude=["d"])
    assert (found.vocabulary, found.groups) == (whole.vocabulary, ("x", "y"))
    assert found.matrix.has_sorted_indices
    assert (found.matrix != whole.matrix).nnz == 0
    assert found.matrix.nnz == whole.matrix.nnz
    for name in ("group_of", "all_words", "lengths", "totals"):
        assert getattr(found, name).tolist() == getattr(whole, name).tolist()


def test_a_stream_without_texts_or_with_an_unknown_group_is_refused():
    with pytest.raises(MeasureError, match="no text"):
        count_stream(iter([]))
    with pytest.raises(MeasureError, match="'z', expected one of x, y"):
        count_stream([("a", "x"), ("b", "z")], order=["x", "y"])
