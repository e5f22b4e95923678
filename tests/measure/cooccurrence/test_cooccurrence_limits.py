import math

import numpy as np

from mores.measure.cooccurrence.limits import (
    association_note,
    change_note,
    least_exclusive_count,
    least_ratio,
)
from mores.measure.cooccurrence.log_odds import group_log_odds
from mores.measure.cooccurrence.result import GroupSize


def z_of(y, y_rest, n, n_rest, prior):
    table = np.array([[y, n - y], [y_rest, n_rest - y_rest]])
    return group_log_odds(table, prior=prior).z[0, 0]


def test_least_exclusive_count_is_the_first_that_reaches():
    n, n_rest, prior, critical = 320, 320, 500.0, 3.2
    least = least_exclusive_count(critical, n, n_rest, prior)
    assert z_of(least, 0, n, n_rest, prior) >= critical
    assert z_of(least - 1, 0, n, n_rest, prior) < critical


def test_least_ratio_is_the_first_that_reaches():
    n, n_rest, prior, critical, count = 4000, 8000, 500.0, 3.0, 90
    ratio = least_ratio(critical, count, n, n_rest, prior)
    # ratio = (y / n) / ((count - y) / n_rest) solved for y.
    y = round(count * ratio * n / (n_rest + ratio * n))
    assert z_of(y, count - y, n, n_rest, prior) >= critical
    assert z_of(y - 1, count - y + 1, n, n_rest, prior) < critical


def test_what_cannot_be_reached_is_none():
    assert least_exclusive_count(50.0, 100, 100, 500.0) is None
    assert least_ratio(6.0, 5, 320, 320, 500.0) is None


def note(critical, permutations=500):
    sizes = [
        GroupSize(group=g, documents=16, empty=0, words=400, words_per_document=25.0) for g in "ab"
    ]
    return association_note(
        sizes,
        [320, 320],
        [5, 12, 40],
        min_count=5,
        critical=None if critical is None else (critical, critical),
        permutations=permutations,
        prior=500.0,
    )


def test_note_carries_the_numbers():
    least = least_exclusive_count(3.2, 320, 320, 500.0)
    text = note(3.2)
    assert "16 texts a group, 320 counted words each on average; 3 words occur at least 5" in text
    assert "|z| above 3.2." in text
    assert f"at least {least} times." in text
    assert "(12 times in all)" in text


def test_note_says_when_nothing_could_be_shown():
    assert "not even a word that occurs with one group only" in note(50.0)
    assert "9 permutations are too few" in note(None, permutations=9)


def test_change_note():
    # Ten occurrences in each of four cells: standard error sqrt(4 / 10).
    factor = math.exp(3.0 * math.sqrt(0.4))
    assert f"odds about {factor:.1f} times what they were" in change_note(64, 80, (3.0, 2.5), 500)
    assert "too few" in change_note(64, 80, None, 9)
