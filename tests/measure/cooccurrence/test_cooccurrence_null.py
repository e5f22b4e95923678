"""False positives under random halves: the report's own test, at its nominal rate."""

import numpy as np
import pytest
from scipy.stats import binom

from mores.measure.cooccurrence.associate import Settings, associate

SPLITS, DOCUMENTS, WORDS, LENGTH = 300, 80, 120, 30
SETTINGS = Settings(min_count=10, permutations=99, prior=200.0, top=WORDS)


def corpus(rng):
    """Texts with Zipf's frequencies, in which words come in bursts: each has its own shares."""
    share = 1.0 / (np.arange(WORDS) + 2.7)
    share /= share.sum()
    names = [chr(97 + i // 26) + chr(97 + i % 26) for i in range(WORDS)]
    return [
        " ".join(
            names[w] for w in rng.choice(WORDS, rng.poisson(LENGTH), p=rng.dirichlet(25 * share))
        )
        for _ in range(DOCUMENTS)
    ]


@pytest.fixture(scope="module")
def halves():
    """One corpus, split into random halves many times, each analysed as the report does."""
    rng = np.random.default_rng(20)
    texts = corpus(rng)
    labels = ["a", "b"] * (DOCUMENTS // 2)
    return [
        associate(texts, rng.permutation(labels).tolist(), order="ab", settings=SETTINGS, rng=rng)
        for _ in range(SPLITS)
    ]


def test_any_word_is_shown_in_a_twentieth_of_the_halves(halves):
    # Random deals are exact: with 99 of them, p is at most .05 with probability .05.
    shown = sum(found.shown > 0 for found in halves)
    low, high = binom.ppf([0.0005, 0.9995], SPLITS, 0.05)
    assert low <= shown <= high


def test_each_word_by_itself_is_below_a_twentieth_in_a_twentieth(halves):
    # Words of one split go together, so the unit is the split: four standard errors. (Were all
    # texts of one length, ties of whole numbers would make the rate smaller, never larger.)
    rates = [np.mean([t.p_word <= 0.05 for t in found.terms]) for found in halves]
    error = np.std(rates) / SPLITS**0.5
    assert np.mean(rates) == pytest.approx(0.05, abs=4 * error)
    assert error < 0.003


def test_the_normal_p_takes_bursts_for_evidence(halves):
    # Why p_word and p_family stand beside it.
    rates = [np.mean([t.p <= 0.05 for t in found.terms]) for found in halves]
    assert np.mean(rates) > 0.08


def test_every_word_is_tested_once(halves):
    for found in halves[:20]:
        words = [t.term for t in found.terms]
        assert len(words) == len(set(words)) <= found.tested
        assert found.tested - len(words) <= 6  # a word with z of 0 favours neither half
