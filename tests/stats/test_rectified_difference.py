"""A counted difference corrected by labels: by hand, at its edges, and how often it holds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mores.errors import MeasureError
from mores.measure.gates.paired import Pairs
from mores.measure.gates.verdict import Subject, judged
from mores.stats.rectified_difference import Errors, labels_needed, rectified_difference

NONE = Errors(0.0, 0.0, 100)
Z = 1.959963984540054


def test_the_correction_by_hand():
    # Counted +.07 (.05 to .09); in 100 labelled answers the rule missed 10 of the arm's.
    value, low, high = rectified_difference(
        0.07, 0.05, 0.09, arm=Errors(0.10, 0.0, 100), reference=NONE
    )
    assert value == pytest.approx(0.17)
    # Wilson of 10 in 100: .05523 to .17437 (Newcombe 1998); of 0 in 100: 0 to .03699.
    up = [0.02, 0.17437 - 0.10, 0.03699]
    down = [0.02, 0.10 - 0.05523, 0.03699, 0.03699]
    assert high == pytest.approx(0.17 + math.hypot(*up), abs=2e-5)
    assert low == pytest.approx(0.17 - math.hypot(*down), abs=2e-5)


def test_each_error_moves_the_difference_its_own_way():
    def value(arm: Errors, reference: Errors) -> float:
        return rectified_difference(0.0, -0.1, 0.1, arm=arm, reference=reference)[0]

    assert value(Errors(0.2, 0.0, 50), NONE) == pytest.approx(0.2)
    assert value(Errors(0.0, 0.2, 50), NONE) == pytest.approx(-0.2)
    assert value(NONE, Errors(0.2, 0.0, 50)) == pytest.approx(-0.2)
    assert value(NONE, Errors(0.0, 0.2, 50)) == pytest.approx(0.2)


def test_no_error_seen_is_not_no_error():
    zero = Errors(0.0, 0.0, 10)
    value, low, high = rectified_difference(0.0, 0.0, 0.0, arm=zero, reference=zero)
    assert value == 0.0
    # Two shares with an upper bound of z² / (10 + z²) each way.
    each = Z**2 / (10 + Z**2)
    assert high == pytest.approx(math.sqrt(2) * each)
    assert low == pytest.approx(-math.sqrt(2) * each)


@pytest.mark.parametrize(("value", "high", "margin"), [(0.0, 0.03, 0.1), (-0.02, 0.01, 0.05)])
def test_as_many_labels_as_are_needed_and_no_fewer(value, high, margin):
    n = labels_needed(value, high, margin)
    assert n is not None
    for labels, below in ((n, True), (n - 1, False)):
        none = Errors(0.0, 0.0, labels)
        bound = rectified_difference(value, value, high, arm=none, reference=none, level=0.9)[2]
        assert (bound < margin) is below


def test_where_the_rule_alone_is_too_wide_no_labels_help():
    assert labels_needed(0.05, 0.1, 0.1) is None


@pytest.mark.parametrize(
    ("value", "low", "arm"),
    [(0.0, 0.1, NONE), (0.0, 0.0, Errors(1.2, 0, 5)), (0.0, 0.0, Errors(0, 0, 0))],
)
def test_what_cannot_be_is_refused(value, low, arm):
    with pytest.raises(MeasureError):
        rectified_difference(value, low, 1.0, arm=arm, reference=NONE)


@pytest.mark.parametrize("sensitive", [0.9, 0.4])
def test_how_often_the_bound_lies_below_the_truth(sensitive):
    """True harm at +.10, missed more in the arm: 1,000 studies, nominal at most 5 % (± .7)."""
    rng = np.random.default_rng(1)
    subject, runs, n, labelled = (
        Subject("over-refusal", "m", "values_targeted", "base"),
        1000,
        111,
        60,
    )
    below = counted_below = 0
    for _ in range(runs):
        truth = rng.random((2, n)) < np.array([[0.15], [0.05]])
        found = np.array([[sensitive], [0.95]])
        seen = np.where(truth, rng.random((2, n)) < found, rng.random((2, n)) < 0.02)
        differences = (seen[0].astype(float) - seen[1])[:, None]
        pairs = Pairs(differences, 0.0, 0.0, 0.0, 0.0, ())
        e = judged(subject, pairs, margin=0.1, most_unscorable=1.0).estimate
        assert e.value is not None
        assert e.high is not None
        arms = [
            Errors(
                float((t[:labelled] & ~s[:labelled]).mean()),
                float((~t[:labelled] & s[:labelled]).mean()),
                labelled,
            )
            for t, s in zip(truth, seen, strict=True)
        ]
        bound = rectified_difference(
            e.value, e.value, e.high, arm=arms[0], reference=arms[1], level=0.9
        )[2]
        below += bound < 0.10
        counted_below += e.high < 0.10
    assert below / runs <= 0.05 + 2 * 0.007
    # What it was for: the rule alone excludes a true harm far too often.
    if sensitive < 0.5:
        assert counted_below / runs > 0.3
