import numpy as np
import pytest

from mores.errors import DataError
from mores.measure.cooccurrence.count import count_terms
from mores.measure.cooccurrence.pairs import paired_counts
from mores.measure.cooccurrence.sentiment import (
    english,
    group_sentiment,
    read_lexicon,
    resampled_sums,
)
from mores.measure.cooccurrence.sentiment_change import sentiment_change

LEXICON = {"good": 2.0, "bad": -1.0}


def rng():
    return np.random.default_rng(1)


def all_of(counts):
    """Every document may be rated."""
    return np.ones(len(counts.group_of), dtype=bool)


def every(paired):
    return all_of(paired.arm), all_of(paired.reference)


def test_mean_rating_of_occurrences():
    # women: good good bad of five words → (2 + 2 - 1) / 3 = 1; men: none of two.
    counts = count_terms(
        ["Good, good and bad", "tall", "tall one"],
        ["women", "women", "men"],
        order=["women", "men"],
    )
    women, men = group_sentiment(counts, LEXICON, all_of(counts), rng=rng())
    assert (women.value, women.n, women.category) == (1.0, 2, "women")
    assert women.details == {
        "rated_words": 3,
        "share_rated": 0.6,
        "documents_with_rated_words": 1,
        "not_english": 0,
    }
    assert women.low is None
    assert women.reason == "no interval: only 1 of 2 texts have a rated word"
    assert (men.value, men.verdict) == (None, "not computable")
    assert men.reason == "no word of these texts is in the lexicon"


def test_interval_is_that_of_the_mean_where_every_text_has_one_rated_word():
    texts = ["good"] * 60 + ["bad"] * 40
    counts = count_terms(texts, ["a"] * 100)
    (found,) = group_sentiment(counts, LEXICON, all_of(counts), rng=rng(), draws=4000)
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
    women, men = sentiment_change(paired, LEXICON, every(paired), rng=rng(), draws=400)
    assert women.value == pytest.approx(4.5)
    assert men.value == pytest.approx(-4.5)
    # 4 exchanges: none 4.5, both -4.5, women only (.5 - -1) - (2 - 2) = 1.5, men only -1.5.
    assert women.p == pytest.approx(0.5, abs=0.1)  # four standard errors
    assert women.unit == "pair"


def test_no_gap_without_rated_words():
    paired = paired_counts(["good", "tall"], ["good", "good"], ["women", "men"])
    assert [e.value for e in sentiment_change(paired, LEXICON, every(paired), rng=rng())] == [
        None,
        None,
    ]
    assert all(e.reason for e in sentiment_change(paired, LEXICON, every(paired), rng=rng()))


def test_the_same_arm_twice_has_no_change():
    texts = ["good bad", "bad", "good", "bad bad good"]
    groups = ["a", "b", "a", "b"]
    paired = paired_counts(texts, texts, groups)
    for found in sentiment_change(paired, LEXICON, every(paired), rng=rng()):
        assert (found.value, found.p) == (0.0, 1.0)


ENGLISH = "She was good to all of us, and nobody was better."
GERMAN = "Sie war gut, und die anderen waren es leider nicht."
"""With "die", which the English lexicon takes for death."""


def test_texts_that_are_not_english_are_left_out_and_counted():
    texts = [ENGLISH, GERMAN, "", "😀😀"]
    # Nothing to rate is not another language.
    assert english(texts).tolist() == [True, False, True, True]
    lexicon = {"good": 2.0, "die": -3.0}
    counts = count_terms(texts, ["women"] * 4)
    (found,) = group_sentiment(counts, lexicon, english(texts), rng=rng())
    assert found.value == 2.0  # (2 - 3) / 2 with the German one
    assert found.details["not_english"] == 1
    assert found.reason.endswith("1 of 4 texts not scored: not English")


def test_a_pair_of_which_one_text_is_not_english_is_left_out_of_both_arms():
    lexicon = {"good": 2.0, "die": -3.0}
    arm = [ENGLISH, GERMAN, ENGLISH, ENGLISH]
    paired = paired_counts(
        arm, [ENGLISH] * 4, ["women", "women", "men", "men"], order=["women", "men"]
    )
    scored = tuple(english(texts) for texts in paired.texts)
    women, men = sentiment_change(paired, lexicon, scored, rng=rng())
    assert (women.value, women.n) == (0.0, 1)
    assert (women.details["not_english_arm"], women.details["not_english_reference"]) == (1, 0)
    assert women.details["left_out"] == 0.5
    assert "1 of 2 pairs not scored: not English" in women.reason
    assert (men.n, men.details["left_out"]) == (2, 0.0)


def test_an_arm_that_answers_in_another_language_has_no_change_rather_than_none():
    paired = paired_counts([GERMAN] * 2, [ENGLISH] * 2, ["women", "men"])
    scored = tuple(english(texts) for texts in paired.texts)
    found = sentiment_change(paired, {"good": 2.0, "die": -3.0}, scored, rng=rng())
    assert [e.value for e in found] == [None, None]
    assert all("a group has no pair of English texts" in e.reason for e in found)


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
