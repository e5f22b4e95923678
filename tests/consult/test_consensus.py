"""What all groups support and what divides them: by hand, and against scipy."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy.stats import false_discovery_control, fisher_exact

from mores.consult.agreement import NOT_SAID, tally
from mores.consult.consensus import consensus, differences


def votes(agree, disagree, passed=0):
    return np.array([1.0] * agree + [-1.0] * disagree + [0.0] * passed)


def tallies(**groups):
    return [tally(votes(*counts), name, least=5) for name, counts in groups.items()]


def test_both_formulas_by_hand():
    found = consensus("s", "role", tallies(a=(8, 1, 1), b=(3, 3)))
    assert found.polis == pytest.approx(9 / 12 * 4 / 8)
    a, b = 8.5 / 11 * (1 - 1.5 / 11), 3.5 / 7 * (1 - 3.5 / 7)
    assert found.mean == pytest.approx(sqrt(a * b))
    assert (found.groups, found.withheld, found.least) == (2, 0, "b")
    assert found.shown is False


def test_polis_product_collapses_with_more_groups_and_the_mean_does_not():
    three = consensus("s", "x", tallies(**{f"g{i}": (93, 7) for i in range(3)}))
    six = consensus("s", "x", tallies(**{f"g{i}": (93, 7) for i in range(6)}))
    assert three.polis == pytest.approx((94 / 102) ** 3)
    assert six.polis == pytest.approx((94 / 102) ** 6)
    assert six.mean == pytest.approx(three.mean)
    assert three.shown
    assert six.shown


def test_five_of_five_cannot_carry_the_claim_and_six_of_six_can():
    assert not consensus("s", "x", tallies(a=(60, 0), b=(5, 0))).shown
    assert consensus("s", "x", tallies(a=(60, 0), b=(6, 0))).shown


def test_groups_that_are_not_shown_are_counted_and_one_group_is_none():
    found = consensus("s", "x", tallies(a=(20, 0), b=(20, 0), c=(2, 0), d=(0, 0)))
    assert (found.groups, found.withheld) == (2, 1)
    assert consensus("s", "x", tallies(a=(20, 0), c=(2, 0))) is None
    assert consensus("s", "x", tallies(a=(20, 0), **{NOT_SAID: (20, 0)})) is None


def test_differences_are_tested_together_within_their_question():
    rows = [
        ("s1", "role", tallies(a=(18, 2), b=(3, 17))),
        ("s2", "role", tallies(a=(10, 10), b=(9, 11))),
        ("s3", "role", tallies(a=(14, 6), b=(7, 13))),
        ("s1", "age", tallies(a=(14, 6), b=(7, 13))),
    ]
    found = {(d.statement, d.by): d for d in differences(rows)}
    p = [fisher_exact([[a, 20 - a], [b, 20 - b]]).pvalue for a, b in ((18, 3), (10, 9), (14, 7))]
    expected = false_discovery_control(p)
    got = [found[s, "role"].estimate.p_adjusted for s in ("s1", "s2", "s3")]
    assert got == pytest.approx(list(expected))
    assert found["s1", "age"].estimate.p_adjusted == pytest.approx(p[2])
    assert [d.divides for d in found.values()].count(True) == sum(expected < 0.05) + (p[2] < 0.05)
    assert found["s1", "role"].divides
    assert not found["s2", "role"].divides
    assert differences(rows)[0].statement == "s1"  # the largest first


def test_who_did_not_say_is_no_group():
    assert differences([("s", "role", tallies(a=(9, 1), **{NOT_SAID: (1, 9)}))]) == []
