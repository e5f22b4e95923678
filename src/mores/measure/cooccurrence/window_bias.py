"""Counts around the words of two lists → bias ratios of each word, as GenBit defines them.

    counts = window_counts(texts, {"female": female, "male": male}, window=5, decay=0.95)
    bias = window_bias(counts)
    bias.score                 # GenBit's score: mean abs(conditional ratio)

Source: Sengupta, Maher, Groves and Olieman (2021), "GenBiT: measure and mitigate
gender bias in language datasets". Every word gets one pseudo-count with either
list; the ratio is the log of the second list's count over the first's; the
conditional ratio divides either by the list's mentions plus the vocabulary.
Only words whose two counts reach a percentile are kept, and no word of a list.

It is here so that our counts can be held against another implementation's
numbers, and those who report GenBit's figure need not leave. It is descriptive:
it is no test, has no interval, and a cut at a percentile of the corpus' own
counts makes figures of different corpora hard to compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.measure.cooccurrence.log_odds import Floats
from mores.measure.cooccurrence.windows import WindowCounts
from mores.records import Estimate

_LEAST = 2.0  # the two pseudo-counts: a word that is near no group word
_METHOD = "mean |log ratio of conditional co-occurrence| over frequent words (GenBit's definition)"


@dataclass(frozen=True, eq=False)
class WindowBias:
    """Bias ratios of the words that are frequent near group words; nats."""

    groups: tuple[str, str]
    mentions: tuple[int, int]
    """Occurrences of the words of either list."""
    score: Estimate
    """Mean absolute conditional ratio; its reason says why there is none."""
    cutoff: float | None = None
    """Least sum of a word's two counts (with pseudo-counts)."""
    divergence: float | None = None
    """Jensen-Shannon divergence of the two lists' distributions over all words; nats."""
    words: tuple[str, ...] = ()
    frequency: tuple[int, ...] = ()
    """Occurrences of each word, near a group word or not."""
    counts: Floats | None = None
    """Groups x words, with the pseudo-count."""
    conditional: Floats | None = None
    """Groups x words: counts over mentions plus vocabulary."""

    @property
    def ratio(self) -> Floats | None:
        """Log of the second group's count over the first's, for each word."""
        return None if self.counts is None else np.log(self.counts[1] / self.counts[0])

    @property
    def conditional_ratio(self) -> Floats | None:
        """The same for conditional counts, for each word."""
        found = self.conditional
        return None if found is None else np.log(found[1] / found[0])


def window_bias(
    counts: WindowCounts, *, percentile: float = 80.0, merge: Mapping[str, str] | None = None
) -> WindowBias:
    """Compare the words around the two lists.

    Args:
        counts: of exactly two groups.
        percentile: 0 to 100; of the counts of words that are near a group word at all.
        merge: form → form under which it is counted, such as a lemma. GenBit lemmatises
            with a neural tagger; nothing is merged here unless a mapping is given. Words
            of the lists are never merged.

    Returns:
        Where one list is not mentioned, no figure but the reason.

    Raises:
        MeasureError: not two groups, or a percentile out of range.
    """
    if len(counts.groups) != 2:
        raise MeasureError(f"expected two groups, found {len(counts.groups)}")
    if not 0 <= percentile <= 100:
        raise MeasureError(f"expected a percentile from 0 to 100, found {percentile}")
    groups = (counts.groups[0], counts.groups[1])
    mentions = (int(counts.mentions[0]), int(counts.mentions[1]))
    absent = [group for group, n in zip(groups, mentions, strict=True) if not n]
    if absent:
        return _none(groups, mentions, f"no word that names {' or '.join(absent)} occurs")
    words, member, frequency, near = _merged(counts, merge or {})
    near = near + 1.0
    sums = near.sum(axis=0)
    if not (sums > _LEAST).any():
        return _none(groups, mentions, "no word stands near a word that names a group")
    cutoff = float(np.percentile(sums[sums > _LEAST], percentile))
    chosen = np.flatnonzero(~member & (sums >= cutoff))
    if not len(chosen):
        return _none(groups, mentions, "only words that name a group reach the cutoff")
    conditional = near / (np.asarray(mentions)[:, None] + len(words))
    ratios = np.log(conditional[1, chosen] / conditional[0, chosen])
    return WindowBias(
        groups=groups,
        mentions=mentions,
        score=_estimate(float(np.abs(ratios).mean()), len(chosen), ""),
        cutoff=cutoff,
        divergence=_divergence(near[0] / near[0].sum(), near[1] / near[1].sum()),
        words=tuple(words[i] for i in chosen),
        frequency=tuple(int(frequency[i]) for i in chosen),
        counts=near[:, chosen],
        conditional=conditional[:, chosen],
    )


def _merged(
    counts: WindowCounts, merge: Mapping[str, str]
) -> tuple[list[str], NDArray[np.bool_], NDArray[np.int64], Floats]:
    """Add up the forms of each word: words, in a list or not, frequencies, counts."""
    named = np.asarray(counts.members.any(axis=0), dtype=bool)
    labels = [
        word if own else merge.get(word, word)
        for word, own in zip(counts.vocabulary, named, strict=True)
    ]
    words = sorted(set(labels))
    place = {word: i for i, word in enumerate(words)}
    column = np.fromiter((place[label] for label in labels), dtype=np.intp, count=len(labels))
    member = np.zeros(len(words), dtype=bool)
    frequency, near = np.zeros(len(words), dtype=np.int64), np.zeros((2, len(words)))
    np.logical_or.at(member, column, named)
    np.add.at(frequency, column, counts.frequency)
    for g in range(2):
        np.add.at(near[g], column, counts.together[g])
    return words, member, frequency, near


def _divergence(p: Floats, q: Floats) -> float:
    """Return the Jensen-Shannon divergence of two distributions without zeros, in nats."""
    middle = (p + q) / 2
    return float((p @ np.log(p / middle) + q @ np.log(q / middle)) / 2)


def _none(groups: tuple[str, str], mentions: tuple[int, int], reason: str) -> WindowBias:
    return WindowBias(groups=groups, mentions=mentions, score=_estimate(None, 0, reason))


def _estimate(value: float | None, n: int, reason: str) -> Estimate:
    return Estimate(
        measure="cooccurrence/window-bias",
        value=value,
        n=n,
        unit="word",
        method=_METHOD,
        verdict="not computable" if value is None else "descriptive",
        reason=reason or "no test and no interval; rare words are cut at the corpus' percentile",
    )
