import numpy as np
import pytest

from mores.errors import DataError
from mores.measure.cooccurrence.count import count_terms
from mores.measure.cooccurrence.pairs import paired_counts
from mores.measure.cooccurrence.sentiment import group_sentiment, read_lexicon, resampled_sums
from mores.measure.cooccurrence.sentiment_change import sentiment_change

LEXICON = {"good": 2.0, "bad": -1.0}


def rng():
    return np.random.default_rng(1)


def test_mean_rating_of_occurrences():
    # women: good good bad of five words → (2 + 2 - 1) / 3 = 1; men: none of two.
    counts = count_terms(
        ["Good, good and bad", "tall", "tall one"],
        ["women", "women", "men"],
        order=["women", "men"],
    )
    women, men = group_sentiment(counts, LEXICON, rng=rng())
    assert (women.value, women.n, women.category) == (1.0, 2, "women")
    assert women.details == {
        "rated_words": 3,
        "share_rated": 0.6,
        "documents_with_rated_words": 1,
    }
    assert women.low is None
    assert women.reason == "no interval: only 1 of 2 texts have a rated word"
    assert (men.value, men.verdict) == (None, "not computable")
    assert men.reason == "no word of these texts is in the lexicon"


def test_interval_is_that_of_the_mean_where_every_text_has_one_rated_word():
    texts = ["good"] * 60 + ["bad"] * 40
    counts = count_terms(texts, ["a"] * 100)
    (found,) = group_sentiment(counts, LEXICON, rng=rng(), draws=4000)
    # Mean .8; sd of one word sqrt(.6 * .4) * 3 = 1.470; of the mean .1470.
    assert found.value == pytest.approx(0.8)
    assert found.low == pytest.approx(0.8 - 1.96 * 0.147, abs=0.04)
    assert found.high == pytest.approx(0.8 + 1.96 * 0.147, abs=0.04)


def test_resampled_sums_keep_columns_of_a_row_together():
    columns = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    sums = resampled_sums(columns, 500, rng())
    assert sums.shape == (500, 2)
    assert (sums[:, 1] == 10 * sums[:, 0]).all()
    assert set(sums[:, 0]) <= {
        float(a + b + c) for a in (1, 2, 4) for b in (1, 2, 4) for c in (1, 2, 4)
    }
    assert sums[:, 0].mean() == pytest.approx(7.0, abs=0.4)


def test_change_of_the_gap_by_hand():
    # arm: women 2, men -1 → gap 3; reference: women (2 - 1) / 2 = .5, men 2 → gap -1.5.
    paired = paired_counts(
        ["good", "bad"], ["good bad", "good"], ["women", "men"], order=["women", "men"]
    )
    women, men = sentiment_change(paired, LEXICON, rng=rng(), draws=400)
    assert women.value == pytest.approx(4.5)
    assert men.value == pytest.approx(-4.5)
    # 4 exchanges: none 4.5, both -4.5, women only (.5 - -1) - (2 - 2) = 1.5, men only -1.5.
    assert women.p == pytest.approx(0.5, abs=0.1)  # four standard errors
    assert women.unit == "pair"


def test_no_gap_without_rated_words():
    paired = paired_counts(["good", "tall"], ["good", "good"], ["women", "men"])
    assert [e.value for e in sentiment_change(paired, LEXICON, rng=rng())] == [None, None]
    assert all(e.reason for e in sentiment_change(paired, LEXICON, rng=rng()))


def test_the_same_arm_twice_has_no_change():
    texts = ["good bad", "bad", "good", "bad bad good"]
    groups = ["a", "b", "a", "b"]
    for found in sentiment_change(paired_counts(texts, texts, groups), LEXICON, rng=rng()):
        assert (found.value, found.p) == (0.0, 1.0)


def test_read_lexicon_takes_the_second_column(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("Good\t1.9\t0.9\t[2, 2]\n\nbad\t-2.5\t0.67\t[-3]\n", encoding="utf-8")
    assert read_lexicon(path) == {"good": 1.9, "bad": -2.5}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [("good\t1\nbad\n", 2, "expected word, tab, rating"), ("\n", None, "empty")],
)
def test_read_lexicon_says_what_is_wrong(tmp_path, text, line, message):
    path = tmp_path / "lexicon.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        read_lexicon(path)
    assert caught.value.line == line
