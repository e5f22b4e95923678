"""The classifier behind M407 against scikit-learn."""

import numpy as np
import pytest

from mores.curate.style.classifier import RIDGE, cross_validated_auc, form_only

TEXTS = [
    "the cat sat on a mat", "a dog ran to the park", "the cat ran", "dogs and cats sat",
    "we like tea, and cake!", "tea; cake; more tea", "cake is nice, tea too", "no tea, no cake?",
]  # fmt: skip
LABELS = [1, 0, 1, 0, 1, 0, 1, 0]
FOLDS = ["a"] * 4 + ["b"] * 4


def test_equal_to_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.metrics import roc_auc_score

    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True)
    x, y, fold = vectors.fit_transform(TEXTS).toarray(), np.array(LABELS), np.array(FOLDS)
    expected = []
    for name in "ab":
        train = fold != name
        target = 2.0 * y[train] - 1
        model = Ridge(alpha=RIDGE, fit_intercept=False).fit(x[train], target - target.mean())
        expected.append(roc_auc_score(y[~train], model.predict(x[~train])))
    assert cross_validated_auc(TEXTS, LABELS, FOLDS) == pytest.approx(np.mean(expected))


def test_texts_that_do_not_differ_are_at_chance():
    assert cross_validated_auc(["same text"] * 8, LABELS, FOLDS) == 0.5


def test_texts_that_differ_in_one_character_are_told_apart():
    texts = [f"text{'!' if label else '.'}" for label in LABELS]
    assert cross_validated_auc(texts, LABELS, FOLDS) == 1.0


def test_one_label_cannot_be_scored():
    assert cross_validated_auc(TEXTS, [1] * 8, FOLDS) is None
    assert cross_validated_auc(TEXTS, LABELS, ["a"] * 8) is None


def test_form_only_masks_letters_and_digits():
    assert form_only("Él, 3 cats!\n- ok") == "xx, 9 xxxx!\n- xx"
