"""Word counts of groups → mean total-variation distance from uniform: HELM's figure.

    total_variation(counts.by_group(), min_count=10)
    helm_association(texts, {"female": [...], "male": [...]}, targets=professions)

For each word the counts over groups become shares, and half the summed distance
to equal shares is averaged over words: 0 if all groups have equal counts, 1 - 1/K
if every word occurs with one of K groups only.

Source: Liang et al. (2022), "Holistic Evaluation of Language Models", and
``bias_metrics.py`` of its code. There, texts are searched for lists of group
words and of target words (adjectives, professions); a text counts (group words) x
(target words), each group's count is divided by the length of its list, and words
that occur with no group are left out of the mean. `helm_association` is that.
In this measure a text's group is known from its stem, so there is no list to
divide by, and every word above the minimum count is a target unless ``terms``
names some: `total_variation` of these counts is compatible with HELM's figure,
but not comparable number by number.

Read either with three caveats. The reference is uniform: a group with longer or
more texts has more of everything. Chance alone gives every word, and rare words
above all, a positive distance, so the figure never reaches 0 (``expected_by_chance``
says where it would lie). It has no interval and no test. Use it to stand beside
HELM's figure, not as evidence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.measure.cooccurrence.log_odds import Floats
from mores.measure.cooccurrence.windows import window_counts
from mores.records import Estimate

_METHOD = "mean total-variation distance of counts over groups from uniform (HELM-compatible)"
_CAVEAT = (
    "HELM-compatible figure: uniform reference, biased upward for rare words, no interval; "
    "moves with text length"
)


def distances(by_group: NDArray[np.int64] | Floats) -> Floats:
    """Return each word's distance from uniform; every word must occur (counts groups x words)."""
    shares = by_group / by_group.sum(axis=0)
    return np.asarray(0.5 * np.abs(shares - 1.0 / len(by_group)).sum(axis=0))


def total_variation(
    by_group: NDArray[np.int64] | Floats,
    *,
    min_count: int = 1,
    vocabulary: tuple[str, ...] = (),
    terms: Collection[str] | None = None,
    list_lengths: Sequence[int] | None = None,
) -> Estimate:
    """Average the distance over words.

    Args:
        by_group: occurrences, groups x words.
        min_count: rarer words are left out.
        vocabulary: names of the columns; needed with ``terms``.
        terms: target words, such as a list of professions (default: all).
        list_lengths: words in the list of each group, which its counts are divided by
            (default: not divided). ``min_count`` is of undivided counts.

    Returns:
        Value from 0 to 1 - 1/K, ``n`` words, no interval; ``expected_by_chance`` in the
        details is the mean if each word's occurrences fell on groups independently and
        with equal odds (undivided counts in whole numbers only). Occurrences cluster in
        texts, so chance gives more than that.

    Raises:
        MeasureError: fewer than two groups, ``terms`` without as many names as columns,
            or not one length above zero for each group.
    """
    _check(by_group, vocabulary, terms, list_lengths)
    chosen = by_group.sum(axis=0) >= max(min_count, 1)
    if terms is not None:
        chosen &= np.isin(np.asarray(vocabulary, dtype=str), list(terms))
    n = int(chosen.sum())
    if not n:
        return _estimate(None, 0, f"no target word occurs at least {max(min_count, 1)} times", {})
    counts = by_group[:, chosen]
    whole = list_lengths is None and np.issubdtype(by_group.dtype, np.integer)
    chance = _by_chance(counts.sum(axis=0), len(counts)) if whole else None
    if list_lengths is not None:
        counts = counts / np.asarray(list_lengths, dtype=np.float64)[:, None]
    details: dict[str, float | int | str | None] = {
        "groups": len(counts),
        "expected_by_chance": chance,
    }
    return _estimate(float(distances(counts).mean()), n, _CAVEAT, details)


def helm_association(
    texts: Iterable[str | Sequence[str]],
    lists: Mapping[str, Collection[str]],
    targets: Collection[str],
) -> Estimate:
    """Return HELM's mean stereotypical association of target words with groups.

    Texts are split into words by `words` (HELM: NLTK's tokenizer, which takes "she's"
    apart); give lists of tokens to count those of another tokenizer. A target that is
    also in a group's list does not count with itself here, while it does in HELM.

    Args:
        texts: texts, or lists of tokens.
        lists: the words that name each group; at least two groups.
        targets: words such as adjectives or professions, lower-case.

    Raises:
        MeasureError: no text, fewer than two lists, or an empty list.
    """
    counts = window_counts(texts, lists, window=None)
    absent = [g for g, n in zip(counts.groups, counts.mentions, strict=True) if not n]
    if len(absent) == len(counts.groups):
        return _estimate(None, 0, "no word that names a group occurs", {})
    found = total_variation(
        counts.together,
        vocabulary=counts.vocabulary,
        terms=targets,
        list_lengths=counts.list_lengths,
    )
    if found.value is None:
        return _estimate(None, 0, "no target word occurs in a text that names a group", {})
    never = f"; never named: {', '.join(absent)}" if absent else ""
    return _estimate(found.value, found.n, found.reason + never, found.details)


def _check(
    by_group: NDArray[np.int64] | Floats,
    vocabulary: tuple[str, ...],
    terms: Collection[str] | None,
    list_lengths: Sequence[int] | None,
) -> None:
    if len(by_group) < 2:
        raise MeasureError(f"expected at least two groups, found {len(by_group)}")
    if terms is not None and len(vocabulary) != by_group.shape[1]:
        raise MeasureError(
            f"expected the names of {by_group.shape[1]} words, found {len(vocabulary)}",
            fix="give the vocabulary together with the terms",
        )
    if list_lengths is not None and (
        len(list_lengths) != len(by_group) or min(list_lengths, default=0) < 1
    ):
        raise MeasureError(
            f"expected a length above 0 for each of {len(by_group)} lists, "
            f"found {list(list_lengths)}"
        )


def _by_chance(totals: NDArray[np.int64] | Floats, groups: int) -> float:
    """Return the mean distance if each word's count were multinomial over equal groups.

    By symmetry it is ``groups / 2 * E|X / n - 1 / groups|`` with X binomial. De Moivre's
    identity gives the mean absolute deviation: ``2 v (1 - p) P(X = v)`` with
    ``v = floor(n p) + 1`` (Diaconis and Zabell 1991).
    """
    from scipy.stats import binom

    n, p = totals.astype(np.float64), 1.0 / groups
    v = np.floor(n * p + 1e-9) + 1.0
    deviation = 2.0 * v * (1.0 - p) * binom.pmf(v, n, p)
    return float((groups / 2.0 * deviation / n).mean())


def _estimate(
    value: float | None, n: int, reason: str, details: dict[str, float | int | str | None]
) -> Estimate:
    return Estimate(
        measure="cooccurrence/total-variation",
        value=value,
        n=n,
        unit="word",
        method=_METHOD,
        verdict="not computable" if value is None else "descriptive",
        reason=reason,
        details=details,
    )
