import numpy as np
import pytest

from mores.measure.cooccurrence.change import association_change
from mores.measure.cooccurrence.gap_change import gap_change
from mores.measure.cooccurrence.pairs import paired_counts
from mores.measure.cooccurrence.permutation import deals, family_p

GROUPS = ["w", "w", "m", "m"]
ARM = ["kind kind tall", "tall kind", "tall tall kind", "tall tall"]
BASE = ["kind tall", "tall tall", "kind kind tall", "kind tall kind"]


def by_hand(arm, reference, labels):
    """z of the first word with the first group, from dense counts (documents x words)."""
    gap, variance = 0.0, 0.0
    for sign, table in ((1, arm), (-1, reference)):
        own, rest = table[labels == 0], table[labels != 0]
        gap += sign * (own[:, 0].sum() / own.sum() - rest[:, 0].sum() / rest.sum())
        variance += own[:, 0].sum() / own.sum() ** 2 + rest[:, 0].sum() / rest.sum() ** 2
    return gap, variance


def test_hand_derivation():
    # kind: arm w 3 of 5, m 1 of 5; reference w 1 of 4, m 4 of 6.
    # gap (3/5 - 1/5) - (1/4 - 4/6) = 49/60; variance 3/25 + 1/25 + 1/16 + 4/36.
    paired = paired_counts(ARM, BASE, GROUPS, order=["w", "m"])
    found = gap_change(paired, np.array([0, 1]), permutations=20, rng=np.random.default_rng(1))
    assert found.arm[0, 0] == pytest.approx(0.4)
    assert found.delta[0, 0] == pytest.approx(49 / 60)
    assert found.variance[0, 0] == pytest.approx(0.16 + 1 / 16 + 1 / 9)
    assert found.z[1] == pytest.approx(-found.z[0])


def test_maxima_equal_the_formula_applied_to_each_deal():
    paired = paired_counts(ARM, BASE, GROUPS, order=["w", "m"])
    terms = np.array([0])
    found = gap_change(paired, terms, permutations=20, rng=np.random.default_rng(2))
    again = deals(paired.arm.group_of, None, 20, np.random.default_rng(2), 256)
    arm, base = paired.arm.matrix.toarray(), paired.reference.matrix.toarray()
    expected = [by_hand(arm, base, dealt) for dealt in np.concatenate(list(again))]
    assert found.maxima[:, 0] == pytest.approx([abs(g) / v**0.5 for g, v in expected])


def planted(kept):
    """Base: every woman and one man in ten is a nurse; arm: ``kept`` in ten of either."""
    rng = np.random.default_rng(7)
    common = ["red", "green", "blue", "grey", "black", "white", "brown", "pink"]
    groups = ["w", "m"] * 60

    def text(extra):
        return " ".join([*rng.choice(common, 12), *extra])

    base = [text(["nurse"] * (group == "w" or i % 20 == 1)) for i, group in enumerate(groups)]
    tuned = [text(["nurse"] * (i // 2 % 10 < kept)) for i, _ in enumerate(groups)]
    paired = paired_counts(tuned, base, groups, order=["w", "m"])
    found = association_change(paired, prior=100.0, min_count=10, permutations=499, rng=rng)
    names = [paired.arm.vocabulary[t] for t in found.terms]
    gap = gap_change(paired, found.terms, permutations=499, rng=rng)
    return [
        dict(zip(names, family_p(part.z, part.maxima)[0].tolist(), strict=True))
        for part in (found, gap)
    ]


def test_a_planted_change_is_found_and_others_are_not():
    for p in planted(kept=5):
        assert p.pop("nurse") <= 0.01
        assert min(p.values()) > 0.05


def test_a_word_that_disappears_is_shown_by_shares_only():
    # Without the word the arm says nothing of its odds: see gap_change.py.
    odds, gap = planted(kept=0)
    assert odds["nurse"] > 0.01
    assert gap["nurse"] == 1 / 500


def test_a_new_style_without_any_association_is_rejected_at_the_nominal_rate():
    # The arms share no word. 60 runs at .05: more than 8 rejections have probability .005.
    rng = np.random.default_rng(3)
    names = np.array([chr(97 + i) * 2 for i in range(26)])
    groups = list("abcd") * 12

    def texts(some):
        return [" ".join(rng.choice(some, 15, p=rng.dirichlet(np.ones(13)))) for _ in groups]

    rejected = 0
    for _ in range(60):
        paired = paired_counts(texts(names[:13]), texts(names[13:]), groups)
        found = gap_change(paired, np.arange(26), permutations=99, rng=rng)
        rejected += bool((family_p(found.z, found.maxima) <= 0.05).any())
    assert rejected <= 8
