import math

import numpy as np
import pytest

from mores.errors import MeasureError
from mores.measure.cooccurrence.change import association_change
from mores.measure.cooccurrence.pairs import paired_counts
from mores.measure.cooccurrence.permutation import family_p

OPTIONS = {"prior": 6.0, "min_count": 1, "permutations": 99}
GROUPS = ["w", "w", "m", "m"]
ARM = ["kind kind tall", "tall kind", "tall tall kind", "tall tall"]
BASE = ["kind tall", "tall tall", "kind kind tall", "kind tall kind"]


def change(arm, reference, groups=GROUPS, seed=1, **options):
    paired = paired_counts(arm, reference, groups, order=["w", "m"])
    rng = np.random.default_rng(seed)
    return association_change(paired, rng=rng, **{**OPTIONS, **options})


def spread(a, others, b, others_rest):
    """Delta squared over the likelihood ratio of two shares, cell by cell."""
    size, rest = a + others, b + others_rest
    share = (a + b) / (size + rest)
    cells = [(a, share * size), (others, (1 - share) * size)]
    cells += [(b, share * rest), (others_rest, (1 - share) * rest)]
    ratio = 2 * sum(seen * math.log(seen / expected) for seen, expected in cells)
    return math.log(a / others / (b / others_rest)) ** 2 / ratio


def test_hand_derivation():
    # Counts (kind, tall): arm w 3 2, m 1 4; reference w 1 3, m 4 2. Ten words either side,
    # so the prior is 6/10 of an arm's pooled counts, each with half an occurrence more:
    # arm .6 (4.5, 6.5) = (2.7, 3.9), sum 6.6; reference .6 (5.5, 5.5) = (3.3, 3.3), sum 6.6.
    # arm:       kind w (3+2.7)/(5+6.6-5.7) = 5.7/5.9, m (1+2.7)/(5+6.6-3.7) = 3.7/7.9
    # reference: kind w (1+3.3)/(4+6.6-4.3) = 4.3/6.3, m (4+3.3)/(6+6.6-7.3) = 7.3/5.3
    arm = math.log(5.7 / 5.9) - math.log(3.7 / 7.9)
    reference = math.log(4.3 / 6.3) - math.log(7.3 / 5.3)
    variance = spread(5.7, 5.9, 3.7, 7.9) + spread(4.3, 6.3, 7.3, 5.3)
    found = change(ARM, BASE)
    assert found.delta[0, 0] == pytest.approx(arm - reference, rel=1e-12)
    assert found.variance[0, 0] == pytest.approx(variance, rel=1e-12)
    assert found.z[0, 0] == pytest.approx((arm - reference) / math.sqrt(variance), rel=1e-12)
    assert found.delta[1] == pytest.approx(-found.delta[0], abs=1e-12)


def test_exchanging_the_arms_turns_the_sign():
    one, other = change(ARM, BASE), change(BASE, ARM)
    assert one.z == pytest.approx(-other.z, abs=1e-12)
    assert one.maxima == pytest.approx(other.maxima, abs=1e-9)


def test_the_same_texts_change_nothing():
    found = change(ARM, ARM)
    assert not found.z.any()
    assert family_p(found.z, found.maxima).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_longer_texts_with_the_same_shares_change_nothing():
    # Twice the text is twice the counts, and twice the prior.
    found = change([f"{text} {text}" for text in BASE], BASE)
    assert np.abs(found.delta).max() < 1e-12


def test_maxima_cover_every_exchange_of_two_pairs():
    # Two pairs: 4 exchanges, in pairs of equal |z|: both or none, and only one of them.
    found = change(["kind tall", "tall"], ["tall", "kind tall"], ["w", "m"], permutations=400)
    values, counts = np.unique(np.round(found.maxima, 9), return_counts=True)
    assert found.maxima.shape == (400, 1)
    assert values == pytest.approx([0.0, np.abs(found.z).max()], abs=1e-9)
    assert counts.tolist() == pytest.approx([200, 200], abs=40)  # four standard errors


def test_identical_behaviour_with_strong_associations_is_rejected_at_the_nominal_rate():
    # The arm writes twice as much but associates alike. 60 runs at .05: more than 8
    # rejections would happen with probability .005.
    rng = np.random.default_rng(8)
    names = np.array([chr(97 + i) * 2 for i in range(26)])
    strength = np.exp(rng.normal(0, 1.2, (2, 26)))
    groups = ["w", "m"] * 20

    def text(group, length):
        share = strength["wm".index(group)]
        return " ".join(rng.choice(names, length, p=rng.dirichlet(share)))

    rejected = 0
    for _ in range(60):
        arm, base = ([text(g, length) for g in groups] for length in (30, 15))
        found = change(arm, base, groups, prior=300.0, min_count=10, seed=9)
        rejected += bool((family_p(found.z, found.maxima) <= 0.05).any())
    assert rejected <= 8


def test_a_word_that_became_rarer_with_everyone_keeps_its_association():
    # In a thousand words: reference 40 with women, 10 with men; arm 8 and 2.
    # With prior 500, a quarter of either arm's words: reference (40 + 12.6) / (10 + 12.6),
    # arm (8 + 2.6) / (2 + 2.6): ln 2.33 and ln 2.30, up to the other words' share. One prior
    # for both arms (7.5 each) would give ln 2.71 and ln 1.63: a change out of nothing.
    def text(kind):
        return "kind " * kind + "tall " * (1000 - kind)

    found = change([text(8), text(2)], [text(40), text(10)], ["w", "m"], prior=500.0)
    assert found.reference[0, 0] == pytest.approx(math.log(52.6 / 22.6), abs=0.05)
    assert found.arm[0, 0] == pytest.approx(math.log(10.6 / 4.6), abs=0.05)
    assert abs(found.delta[0, 0]) < 0.05


def test_losing_a_word_of_one_group_only_is_the_larger_change():
    """Reference 30 against 0 or 1, arm 15 to 15: the former changed more."""

    def text(kind):
        return "kind " * kind + "tall " * (1000 - kind)

    def z(own, rest):
        found = change([text(15), text(15)], [text(own), text(rest)], ["w", "m"], prior=20.0)
        return abs(found.z[0, 0])

    assert z(30, 0) > z(30, 1) > z(30, 2) > z(30, 10)


def test_bad_input():
    with pytest.raises(MeasureError, match="expected 4 pairs of texts, found 3 and 4"):
        paired_counts(ARM[:3], BASE, GROUPS)
