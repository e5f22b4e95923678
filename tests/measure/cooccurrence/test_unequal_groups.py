"""A group of few texts beside groups of many: thresholds, notes and counts stay true of each."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mores.measure.cooccurrence.associate import Settings, associate
from mores.measure.cooccurrence.limits import least_exclusive_count

WORDS = 300
NAMES = [f"{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(WORDS)]
SETTINGS = Settings(min_count=10, permutations=999, prior=500.0, top=WORDS)


def texts(rng, n, favoured=()):
    share = 1.0 / (np.arange(WORDS) + 2.7)
    share[list(favoured)] *= 2.2
    share /= share.sum()
    return [
        " ".join(
            NAMES[w] for w in rng.choice(WORDS, 1 + rng.poisson(30), p=rng.dirichlet(200 * share))
        )
        for _ in range(n)
    ]


@pytest.fixture(scope="module")
def found():
    """The same three large groups, alone and with a fourth of a fortieth of their texts."""
    rng = np.random.default_rng(3)
    large = [(g, texts(rng, 400, range(40, 46) if g == "a" else ())) for g in "abc"]
    small = ("d", texts(rng, 10))

    def result(parts):
        labels = [g for g, own in parts for _ in own]
        every = [text for _, own in parts for text in own]
        order = [g for g, _ in parts]
        rng = np.random.default_rng(1)
        return associate(every, labels, order=order, settings=SETTINGS, rng=rng)

    return result(large), result([*large, small])


def test_a_small_group_does_not_raise_the_threshold_of_the_others(found):
    alone, beside = found
    for group in "abc":
        # One more group among four costs a little; one threshold for all rose by a fifth.
        assert beside.critical_z[group] < 1.06 * alone.critical_z[group]
    assert beside.shown >= alone.shown - 1 > 2


def test_a_word_is_shown_where_it_is_beyond_its_own_groups_threshold(found):
    for one in found:
        for term in one.terms:
            assert (term.p_family <= 0.05) == (term.z > one.critical_z[term.group] * (1 - 1e-9))
        # Each word counts once, whatever the number of groups.
        assert one.shown <= len({t.term for t in one.terms})


def test_the_note_holds_for_every_word_in_the_table(found):
    """It spoke of the smallest group only: words were shown at a tenth of "must be 29 times"."""
    _, beside = found
    least, most = re.search(
        r"must be ([\d.]+) times \(\w\) to ([\d.]+) times", beside.note
    ).groups()
    typical = int(re.search(r"middle one tested \(([\d,]+) times", beside.note)[1])
    shown = [t for t in beside.terms if t.p_family <= 0.05]
    assert shown
    for term in shown:
        # A word of that frequency or less needs at least that ratio.
        if term.count + term.rest_count <= typical:
            assert term.per_thousand / term.rest_per_thousand >= float(least)
    assert float(least) < float(most)


def test_what_must_occur_with_one_group_only_is_said_of_each(found):
    _, beside = found
    counted = {s.group: s.words for s in beside.sizes}
    every = sum(counted.values())
    needed = {
        g: least_exclusive_count(z, counted[g], every - counted[g], 500.0)
        for g, z in beside.critical_z.items()
    }
    least, most = min(needed, key=needed.get), max(needed, key=needed.get)
    assert f"at least {needed[least]} ({least}) to {needed[most]} ({most}) times" in beside.note
