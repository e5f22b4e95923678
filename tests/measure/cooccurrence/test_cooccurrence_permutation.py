import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import MeasureError
from mores.measure.cooccurrence.count import count_terms
from mores.measure.cooccurrence.log_odds import group_log_odds
from mores.measure.cooccurrence.permutation import (
    check_exchangeable,
    critical_z,
    deals,
    dealt_chance,
    family_p,
    normal_p,
)


def random_texts(rng, n, *, words=60, length=20):
    """Texts whose words come in bursts, as real ones do."""
    share = 1.0 / np.arange(5, words + 5)
    names = [chr(97 + i // 26) + chr(97 + i % 26) for i in range(words)]
    return [
        " ".join(names[i] for i in rng.choice(words, length, p=rng.dirichlet(60 * share)))
        for _ in range(n)
    ]


def largest_z(counts, terms, **options):
    observed = np.full((len(counts.groups), len(terms)), np.inf)
    return dealt_chance(counts, terms, observed, **options).maxima


def test_family_p_is_the_exact_share_of_deals_in_a_case_by_hand():
    # Of the 6 ways to deal x x y y to two groups of two, 2 separate x from y as here.
    counts = count_terms(["x", "x", "y", "y"], ["a", "a", "b", "b"])
    maxima = largest_z(
        counts,
        np.array([0, 1]),
        prior=1.0,
        permutations=4000,
        rng=np.random.default_rng(1),
    )
    odds = group_log_odds(counts.by_group(), prior=1.0)
    p = family_p(odds.z, maxima)
    # Four standard errors of a share of 1/3 among 4000.
    assert p == pytest.approx(np.full((2, 2), 1 / 3), abs=0.03)
    assert np.unique(np.round(maxima, 9)).tolist() == [0.0, round(float(odds.z.max()), 9)]


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("blocked", [False, True])
def test_maxima_equal_the_formula_applied_to_each_deal(groups, blocked):
    rng = np.random.default_rng(2)
    n = 30
    labels = ["abc"[i % groups] for i in range(n)]
    counts = count_terms(random_texts(rng, n), labels)
    blocks = np.arange(n) // 10 if blocked else None
    terms = counts.frequent(5)
    options = {"permutations": 7, "blocks": blocks}
    maxima = largest_z(counts, terms, prior=30.0, rng=np.random.default_rng(3), **options)
    again = deals(counts.group_of, blocks, 7, np.random.default_rng(3), 256)
    expected = []
    for dealt in np.concatenate(list(again)):
        relabelled = count_terms_with(counts, dealt)
        odds = group_log_odds(relabelled, prior=30.0, terms=terms)
        expected.append(np.abs(odds.z).max(axis=1)[: groups if groups > 2 else 1])
    assert maxima == pytest.approx(np.array(expected), rel=1e-9)


def count_terms_with(counts, labels):
    dense = counts.matrix.toarray()
    return np.stack([dense[labels == g].sum(axis=0) for g in range(len(counts.groups))])


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1))
def test_deals_keep_the_groups_of_every_block(seed, documents):
    labels = np.array([group for group, _ in documents])
    blocks = np.array([block for _, block in documents])
    found = list(deals(labels, blocks, 5, np.random.default_rng(seed), 2))
    assert [len(part) for part in found] == [2, 2, 1]
    for dealt in np.concatenate(found):
        for block in set(blocks.tolist()):
            inside = blocks == block
            assert sorted(dealt[inside]) == sorted(labels[inside])


def test_documents_leave_their_places():
    labels = np.arange(50) % 2
    dealt = np.concatenate(list(deals(labels, None, 3, np.random.default_rng(4), 8)))
    assert (dealt != labels).mean() > 0.3
    assert len(np.unique(dealt, axis=0)) == 3


def test_random_halves_are_rejected_at_the_nominal_rate():
    # 100 corpora without any difference, tested at .05: 5 expected; more than 10 or
    # none at all would happen with probability .01 each.
    rng = np.random.default_rng(5)
    rejected = 0
    beyond = []
    for _ in range(100):
        counts = count_terms(random_texts(rng, 60), ["a", "b"] * 30)
        terms = counts.frequent(10)
        odds = group_log_odds(counts.by_group(), prior=100.0, terms=terms)
        maxima = largest_z(counts, terms, prior=100.0, permutations=99, rng=rng)
        rejected += bool((family_p(odds.z, maxima) <= 0.05).any())
        beyond.append((np.abs(odds.z[0]) > 1.96).mean())
    assert 1 <= rejected <= 10
    assert 0.02 < np.mean(beyond) < 0.10


def test_family_p_and_critical_z_agree():
    maxima = np.arange(1.0, 20.0)[:, None]  # 19 of them: the smallest p is 1/20
    z = np.array([[18.5, -19.0, 19.5, 0.0]])
    assert family_p(z, maxima).tolist() == [[0.1, 0.1, 0.05, 1.0]]
    assert critical_z(z, maxima) == (19.0,)
    assert critical_z(z, maxima[:18]) is None
    assert critical_z(z, np.arange(1.0, 100.0)[:, None]) == (95.0,)
    # Both of two groups, which mirror each other.
    assert critical_z(np.vstack([z, -z]), maxima) == (19.0, 19.0)


def p_by_hand(z, maxima):
    """Minimum p over groups, written out: every deal beside all others and the texts."""
    deals, groups = maxima.shape
    every = np.vstack([maxima, np.abs(z).max(axis=1)])
    best = [
        min(int((every[:, g] >= maxima[i, g]).sum()) for g in range(groups)) for i in range(deals)
    ]
    return np.array(
        [
            [
                (1 + sum(b <= 1 + int((maxima[:, g] >= abs(value)).sum()) for b in best))
                / (1 + deals)
                for value in z[g]
            ]
            for g in range(groups)
        ]
    )


@given(st.integers(0, 2**32), st.integers(2, 4), st.booleans())
def test_minimum_p_over_groups_is_what_it_is_by_hand(seed, groups, ties):
    rng = np.random.default_rng(seed)
    maxima = rng.gamma(2.0, size=(39, groups)) * np.arange(1, groups + 1)
    z = rng.normal(0, 3, (groups, 5)) * np.arange(1, groups + 1)[:, None]
    if ties:
        maxima, z = np.round(maxima), np.round(z)
    p = family_p(z, maxima)
    assert p == pytest.approx(p_by_hand(z, maxima))
    limits = critical_z(z, maxima)
    if limits is not None:
        beyond = np.abs(z) > np.array(limits)[:, None] * (1 + 1e-6)
        assert ((p <= 0.05 + 1e-12) == beyond).all() or ties


def test_groups_of_unequal_spread_share_one_level():
    """No effect, one group with |z| three times as large: .05 together, spread over both."""
    rng = np.random.default_rng(11)
    runs, scale = 1000, np.array([1.0, 1.0, 3.0])
    below = np.zeros((runs, 3), dtype=bool)
    for run in range(runs):
        every = np.abs(rng.normal(0, scale[:, None], (400, 3, 8))).max(axis=2)
        z = every[0][:, None]
        below[run] = (family_p(z, every[1:]) <= 0.05)[:, 0]
    any_group, each = below.any(axis=1).mean(), below.mean(axis=0)
    # Deals share places over groups, so that it is a little below its level, and never above.
    assert 0.03 < any_group <= 0.05 + 2 * (0.05 * 0.95 / runs) ** 0.5
    # A common threshold would give all of it to the third.
    assert (each > 0.005).all()


def test_normal_p():
    assert normal_p(np.array([0.0, 1.959963984540054, -3.0])) == pytest.approx(
        [1.0, 0.05, 0.002699796063], abs=1e-12
    )


@pytest.mark.parametrize("groups", [2, 3])
def test_p_of_a_word_is_the_share_of_deals_that_reach_its_own_z(groups):
    rng = np.random.default_rng(6)
    counts = count_terms(random_texts(rng, 30), ["abc"[i % groups] for i in range(30)])
    terms = counts.frequent(5)
    odds = group_log_odds(counts.by_group(), prior=30.0, terms=terms)
    chance = dealt_chance(
        counts, terms, odds.z, prior=30.0, permutations=19, rng=np.random.default_rng(7)
    )
    dealt = np.concatenate(list(deals(counts.group_of, None, 19, np.random.default_rng(7), 256)))
    every = [
        group_log_odds(count_terms_with(counts, row), prior=30.0, terms=terms).z for row in dealt
    ]
    reached = (np.abs(every) >= np.abs(odds.z) - 1e-9).sum(axis=0)
    assert chance.reached.tolist() == reached.tolist()
    assert chance.p_word == pytest.approx((1 + reached) / 20)
    assert (family_p(odds.z, chance.maxima) >= chance.p_word).all()


@pytest.mark.parametrize(
    ("labels", "blocks", "ways"),
    [
        ("ab", None, None),  # 2 ways, mirror images of each other
        ("aaabbb", None, "20 ways"),  # 20 ways, so the least p is .1
        ("aabbbb", None, "15 ways"),
        ("abababab", [0, 0, 1, 1, 2, 2, 3, 3], "16 ways"),
        ("aaab", [0, 1, 2, 2], "2 ways"),
        ("aabb", [0, 0, 1, 1], "nothing can be exchanged"),
        ("aaaa", None, "nothing can be exchanged"),
    ],
)
def test_too_few_ways_to_deal_are_refused(labels, blocks, ways):
    numbers = np.array([ord(c) - 97 for c in labels])
    with pytest.raises(MeasureError, match=ways or "2 ways only, and no p can be below 1"):
        check_exchangeable(numbers, None if blocks is None else np.array(blocks))


@pytest.mark.parametrize(
    ("labels", "blocks"),
    [
        ("aaaabbbb", None),  # 70 ways, least p 2/70
        ("aabbbbb", None),  # 21 ways, not symmetric: 1/21
        ("aabbcc", None),  # 90 ways
        ("ababababab" * 2, list(np.arange(20) // 2)),  # 2**10
    ],
)
def test_enough_ways_to_deal_pass(labels, blocks):
    numbers = np.array([ord(c) - 97 for c in labels])
    check_exchangeable(numbers, None if blocks is None else np.array(blocks))
