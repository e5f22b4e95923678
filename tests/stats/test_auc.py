import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mores.errors import MeasureError
from mores.stats import auc


def test_by_hand():
    # Positives 3 4 6, negatives 1 3 5. Pairs won: 3 → 1 + ½ = 1.5, 4 → 2, 6 → 3: AUC 6.5/9.
    # V10 = ½ ⅔ 1: mean 13/18, variance 7/108; V01 = 1 (for 1), 2.5/3 (for 3), 1/3 (for 5):
    # variance 13/108. SE² = (7 + 13) / 108 / 3 = 5/81.
    found = auc([3, 4, 6, 1, 3, 5], [1, 1, 1, 0, 0, 0])
    assert found.value == pytest.approx(6.5 / 9)
    assert found.details["se"] ** 2 == pytest.approx(5 / 81)
    assert (found.details["positives"], found.details["negatives"], found.n) == (3, 3, 6)
    # Logit scale: log(6.5 / 2.5) ± 1.959964 · SE / (A (1 − A)).
    half = 1.959963985 * math.sqrt(5 / 81) / (6.5 / 9 * 2.5 / 9)
    centre = math.log(6.5 / 2.5)
    expected = tuple(1 / (1 + math.exp(-(centre + s * half))) for s in (-1, 1))
    assert (found.low, found.high) == pytest.approx(expected)


def test_delong_agrees_with_the_pairwise_definition():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, 60)
    scores = np.round(rng.normal(size=60) + labels, 1)
    a, b = scores[labels == 1], scores[labels == 0]
    wins = (a[:, None] > b) + 0.5 * (a[:, None] == b)
    variance = wins.mean(1).var(ddof=1) / len(a) + wins.mean(0).var(ddof=1) / len(b)
    found = auc(scores, labels)
    assert found.value == pytest.approx(roc_auc_score(labels, scores))
    assert found.details["se"] == pytest.approx(variance**0.5)


def test_interval_covers():
    # Normal scores one SD apart: AUC = Φ(1/√2) = .760250.
    rng = np.random.default_rng(9)
    covered = 0
    for _ in range(300):
        scores = np.concatenate([rng.normal(1, 1, 40), rng.normal(0, 1, 60)])
        found = auc(scores, [1] * 40 + [0] * 60)
        covered += found.low <= 0.760250 <= found.high
    assert 0.91 < covered / 300 < 0.985


def test_perfect_separation_keeps_the_value_without_an_interval():
    found = auc([1, 2, 3, 4], [0, 0, 1, 1])
    assert (found.value, found.low, found.verdict) == (1.0, None, "descriptive")
    assert found.reason == "no interval: DeLong's variance is zero"


def test_one_positive_keeps_the_value_without_an_interval():
    found = auc([1, 3, 2], [0, 0, 1])
    assert (found.value, found.low) == (0.5, None)
    assert found.reason == "no interval: a class has one item"


@pytest.mark.parametrize(
    ("scores", "labels", "value", "reason"),
    [
        ([], [], None, "0 positives and 0 negatives"),
        ([1, 2], [1, 1], None, "2 positives and 0 negatives"),
        ([3, 3, 3], [1, 0, 0], 0.5, "all scores are tied"),
    ],
)
def test_degenerate(scores, labels, value, reason):
    found = auc(scores, labels)
    assert (found.verdict, found.value, found.reason) == ("not computable", value, reason)


def test_refused():
    with pytest.raises(MeasureError, match="2 scores but 3 labels"):
        auc([1, 2], [0, 1, 1])
    with pytest.raises(MeasureError, match="expected 0 and 1"):
        auc([1, 2], [1, 2])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=30))
def test_turning_scores_mirrors_and_bounds_hold(rows):
    scores, labels = [r[0] for r in rows], [r[1] for r in rows]
    found, turned = auc(scores, labels), auc([-x for x in scores], labels)
    if found.value is None:
        assert len(set(labels)) == 1
        return
    assert turned.value == pytest.approx(1 - found.value)
    if found.low is not None:
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert turned.low == pytest.approx(1 - found.high)
