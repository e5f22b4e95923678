"""Effects and permutation p-values of the style rules."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from check_corpus import Draft
from mores.curate.style import compare as module
from mores.curate.style.compare import cliffs_deltas, compare

NUMBERS = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=8)


def cliffs_delta(values, control) -> float:
    ranks = rankdata(np.concatenate([values, control]))[:, None]
    chosen = np.arange(len(ranks))[None] < len(values)
    return float(cliffs_deltas(ranks, chosen.astype(float))[0, 0])


@given(a=NUMBERS, b=NUMBERS)
def test_cliffs_delta_equals_counting_pairs(a, b):
    pairs = [np.sign(x - y) for x in a for y in b]
    assert cliffs_delta(a, b) == pytest.approx(float(np.mean(pairs)))


def lengths(draft: Draft, values: list[int], control: list[int]) -> Draft:
    draft.values, draft.control = draft.values[: len(values)], draft.control[: len(control)]
    for rows, sizes in ((draft.values, values), (draft.control, control)):
        for row, size in zip(rows, sizes, strict=True):
            row["completion"] = "word " * size
    return draft


def test_permutation_p_approaches_the_exact_one(draft):
    values, control = [50, 60, 70, 80, 95], [40, 45, 55, 65, 90]
    found = compare(lengths(draft, values, control).subject())["answer-length-match"]
    # Pairs with values > control, by value: 2 + 3 + 4 + 4 + 5 = 18 of 25; delta = 36/25 - 1.
    assert found.effect == pytest.approx(0.44)
    both = np.array(values + control, dtype=float)
    exact = [
        abs(cliffs_delta(both[list(chosen)], np.delete(both, list(chosen))))
        for chosen in combinations(range(10), 5)
    ]
    expected = np.mean(np.array(exact) >= 0.44 - 1e-9)
    # 2,000 draws: standard error √(p(1 - p) / 2000) = .007; four of them.
    assert found.p == pytest.approx(expected, abs=4 * (expected * (1 - expected) / 2000) ** 0.5)
    assert found.means == (71.0, 59.0)
    assert found.n == (5, 5)


def test_a_complete_separation_has_the_smallest_p(draft):
    found = compare(lengths(draft, [90] * 15 + [99], [50] * 16).subject())["answer-length-match"]
    assert found.effect == 1.0
    assert found.p == pytest.approx(1 / 2001)
    # Holm over the six measures, of which it has (one of) the smallest p-values: 6 / 2001.
    assert 1 / 2001 <= found.p_adjusted <= 6 / 2001 + 1e-12
    assert found.differs


def test_a_large_effect_by_chance_does_not_count(draft):
    found = compare(lengths(draft, [60, 70, 80], [50, 55, 75]).subject())["answer-length-match"]
    assert abs(found.effect) > module.EFFECT
    assert not found.differs


def test_same_seed_same_result_and_too_few_samples(draft):
    subject = draft.subject()
    first = dict(compare(subject))
    compare.cache_clear()
    assert compare(subject) == first
    assert compare(lengths(draft, [50], [50, 60]).subject()) == {}
