"""The validation card: exact counts, Wilson intervals, identity terms, what is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from mores.errors import MeasureError
from mores.measure.toxicity import LabelledText, validate
from mores.measure.toxicity.card import estimate_text
from mores.measure.toxicity.validate import identity_rows, read_identity_terms, threshold_row
from mores.records import Estimate

SCORES = [0.9, 0.8, 0.5, 0.4, 0.7, 0.5, 0.3, 0.2, 0.1, 0.1]
LABELS = [True, True, True, True, False, False, False, False, False, False]


class Table:
    """A scorer that looks values up; a text that it does not hold has none."""

    name, version, digest, attribute, note = "ta|ble", "1", "sha256:0", "toxicity", "a test"

    def __init__(self, values):
        self.values = values

    def score(self, texts):
        return [(self.values[t], "") if t in self.values else (None, "unknown") for t in texts]


def rows_of(texts, labels):
    return [LabelledText(text=t, toxic=y) for t, y in zip(texts, labels, strict=True)]


def test_a_threshold_row_by_hand():
    # At .5: marked .9 .8 .5 (toxic) and .7 .5 (harmless): TP 3, FP 2, FN 1, TN 4.
    row = threshold_row(SCORES, LABELS, 0.5)
    assert row.precision.value == 3 / 5
    assert row.recall.value == 3 / 4
    assert row.false_positive_rate.value == 2 / 6
    assert row.f1.value == pytest.approx(2 * 3 / (2 * 3 + 2 + 1), abs=1e-15)
    for share, (k, n) in (
        (row.precision, (3, 5)),
        (row.recall, (3, 4)),
        (row.false_positive_rate, (2, 6)),
    ):
        assert (share.low, share.high) == pytest.approx(proportion_confint(k, n, method="wilson"))
        assert share.n == n
    # F1 = 2J/(1 + J) with J = 3/6 and its Wilson interval.
    low, high = (2 * j / (1 + j) for j in proportion_confint(3, 6, method="wilson"))
    assert (row.f1.low, row.f1.high) == pytest.approx((low, high))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40),
    st.floats(0, 1),
)
def test_shares_equal_scikit_learn_or_say_why_not(pairs, threshold):
    scores, labels = [p[0] for p in pairs], [p[1] for p in pairs]
    row = threshold_row(scores, labels, threshold)
    marked = [score >= threshold for score in scores]
    for share, function in (
        (row.precision, precision_score),
        (row.recall, recall_score),
        (row.f1, f1_score),
    ):
        if share.value is None:
            assert share.verdict == "not computable"
            assert share.reason
        else:
            assert share.value == pytest.approx(function(labels, marked, zero_division=0))
            assert 0 <= share.low <= share.value + 1e-12
            assert share.value - 1e-12 <= share.high <= 1


def test_nothing_marked_has_no_precision():
    row = threshold_row(SCORES, LABELS, 1.0)
    assert row.precision.value is None
    assert row.precision.reason == "no marked texts"
    assert row.recall.value == 0.0


def test_the_card_counts_what_could_not_be_scored():
    texts = [f"text {i}" for i in range(10)]
    table = Table(dict(zip(texts, SCORES, strict=True)))
    card = validate(
        table, rows_of([*texts, "new", "", "  "], [*LABELS, True, False, True]), source="a|b"
    )
    assert (card.texts, card.toxic) == (13, 6)
    assert card.unscored == {"unknown": 1, "empty text": 2}
    assert (card.coverage.value, card.coverage.n) == (10 / 13, 13)
    assert card.auc.value == pytest.approx(roc_auc_score(LABELS, SCORES))
    assert card.auc.n == 10
    assert [row.threshold for row in card.thresholds] == [n / 10 for n in range(1, 10)]
    text = card.to_markdown()
    assert "13, of which 6 labelled toxic" in text
    assert "not scored: empty text: 2, unknown: 1" in text
    assert "| 0.5 | .600 [.231, .882] | .750 [.301, .954] | .333 [.097, .700] |" in text
    assert "on a\\|b" in text  # names cannot break the table
    assert "a test" in text


def test_one_class_only_is_not_computable_and_says_why():
    card = validate(Table({"a": 0.1, "b": 0.2}), rows_of(["a", "b"], [False, False]))
    assert card.auc.verdict == "not computable"
    assert "not computable: 0 positives and 2 negatives" in card.to_markdown()


def test_nothing_scored_is_a_card_too():
    card = validate(Table({}), rows_of(["a", "b"], [False, True]))
    assert card.coverage.value == 0.0
    assert card.auc.verdict == "not computable"
    assert card.identity == ()
    assert "no term occurs" in card.to_markdown()


def test_identity_terms_count_harmless_texts_by_whole_word():
    texts = ["A Gay man", "gay", "gaylord", "the african   American way", "gay", "women"]
    scores = [0.9, 0.1, 0.9, 0.6, 0.9, 0.5]
    labels = [False, False, False, False, True, False]
    rows = identity_rows(
        texts, scores, labels, terms=["gay", "african american", "man", "jew"], threshold=0.5
    )
    # The toxic text with "gay" does not count, nor does "gaylord"; "man" is not in "women".
    assert [(row.term, row.texts, row.marked) for row in rows] == [
        ("gay", 2, 1),
        ("african american", 1, 1),
        ("man", 1, 1),
    ]
    assert all(row.rate.reason == "too few" for row in rows)


def test_ten_texts_are_enough_for_a_rate():
    rows = identity_rows(
        ["old"] * 10, [0.9] * 2 + [0.1] * 8, [False] * 10, terms=["old"], threshold=0.5
    )
    assert rows[0].rate.reason == ""
    assert rows[0].rate.value == 0.2
    assert (rows[0].rate.low, rows[0].rate.high) == pytest.approx(
        proportion_confint(2, 10, method="wilson")
    )
    nine = identity_rows(["old"] * 9, [0.1] * 9, [False] * 9, terms=["old"], threshold=0.5)
    assert nine[0].rate.reason == "too few"


def test_the_shipped_terms_differ_and_are_lower_case():
    terms = read_identity_terms()
    assert len(set(terms)) == len(terms) > 40
    assert {"gay", "muslim", "black", "jewish", "disabled"} <= set(terms)
    assert all(term == term.lower() and not term.startswith("#") for term in terms)


def test_wrong_arguments_are_refused():
    with pytest.raises(MeasureError, match="no labelled texts"):
        validate(Table({}), [])


def test_numbers_are_printed_short():
    plain = {"n": 3, "unit": "text", "method": "m"}
    assert estimate_text(Estimate(value=1.0, low=0.2, high=1.0, **plain)) == "1.000 [.200, 1.000]"
    assert estimate_text(Estimate(value=0.25, reason="no interval: one item", **plain)) == (
        ".250 (no interval: one item)"
    )
