"""Texts of one arm about one topic → associations of each group.

found = associate(texts, groups, order=("women", "men"), settings=settings, rng=rng)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.measure.cooccurrence.count import Counts, count_terms
from mores.measure.cooccurrence.limits import association_note
from mores.measure.cooccurrence.log_odds import Floats, LogOdds, group_log_odds
from mores.measure.cooccurrence.permutation import (
    LEVEL,
    Chance,
    Ints,
    check_exchangeable,
    critical_z,
    dealt_chance,
    family_p,
    normal_p,
)
from mores.measure.cooccurrence.result import GroupSize, TermAssociation, TopicAssociations
from mores.measure.cooccurrence.sentiment import Flags, english, group_sentiment
from mores.measure.cooccurrence.total_variation import total_variation
from mores.records import Estimate


@dataclass(frozen=True)
class Settings:
    """How associations are tested."""

    min_count: int = 10
    permutations: int = 1000
    prior: float = 500.0
    exclude: frozenset[str] = frozenset()
    lexicon: Mapping[str, float] | None = None
    top: int = 20
    """Words reported for each group."""


def associate(
    texts: Sequence[str],
    groups: Sequence[str],
    *,
    order: Sequence[str],
    settings: Settings,
    rng: np.random.Generator,
    blocks: Ints | None = None,
    topic: str = "",
    arm: str = "",
) -> TopicAssociations:
    """Count, compare each group with the rest, and test.

    Args:
        texts: one arm's texts about one topic.
        groups: group of each text.
        order: names and order of the groups.
        settings: minimum count, prior, permutations, excluded words, lexicon.
        rng: source of randomness.
        blocks: stem of each text; texts are exchanged between groups within stems.
        topic: name to report.
        arm: name to report.

    Returns:
        Where something cannot be computed, its ``reason`` says why.
    """
    counts = count_terms(texts, groups, order=order, exclude=settings.exclude)
    scored = None if settings.lexicon is None else english(texts)
    by_group = counts.by_group()
    terms = counts.frequent(settings.min_count)
    found = TopicAssociations(
        topic=topic,
        arm=arm,
        sizes=group_sizes(counts),
        vocabulary=len(counts.vocabulary),
        sentiment=_sentiment(counts, scored, settings, topic, rng),
        reason=_unusable(counts, by_group, terms, settings.min_count),
    )
    if found.reason:
        return found
    return _tested(found, counts, by_group, terms, settings, rng, blocks)


def group_sizes(counts: Counts) -> tuple[GroupSize, ...]:
    """Return documents and words of each group."""
    sizes = []
    for g, group in enumerate(counts.groups):
        lengths = counts.all_words[counts.group_of == g]
        sizes.append(
            GroupSize(
                group=group,
                documents=len(lengths),
                empty=int((lengths == 0).sum()),
                words=int(lengths.sum()),
                words_per_document=float(lengths.mean()) if len(lengths) else 0.0,
            )
        )
    return tuple(sizes)


def adjusted(p: Floats) -> Floats:
    """Return Benjamini-Hochberg q over all groups and words, in the same shape."""
    from mores.stats.multiplicity import benjamini_hochberg

    return np.asarray(benjamini_hochberg(p.ravel().tolist()), dtype=np.float64).reshape(p.shape)


def critical_by_group(
    groups: Sequence[str], critical: tuple[float, ...] | None
) -> dict[str, float] | None:
    """Return each group's threshold by its name."""
    return None if critical is None else dict(zip(groups, critical, strict=False))


def _words_shown(p_family: Floats) -> int:
    """Count words, each once: with two groups every one is shown with both."""
    return int((p_family <= LEVEL).any(axis=0).sum())


def _tested(
    found: TopicAssociations,
    counts: Counts,
    by_group: NDArray[np.int64],
    terms: Ints,
    settings: Settings,
    rng: np.random.Generator,
    blocks: Ints | None,
) -> TopicAssociations:
    """Add what needs enough words."""
    odds = group_log_odds(by_group, prior=settings.prior, terms=terms)
    chance, reason = _chance(counts, terms, odds.z, settings, rng, blocks)
    p_family = None if chance is None else family_p(odds.z, chance.maxima)
    critical = None if chance is None else critical_z(odds.z, chance.maxima)
    note = association_note(
        found.sizes,
        by_group.sum(axis=1).tolist(),
        counts.totals[terms].tolist(),
        min_count=settings.min_count,
        critical=critical,
        permutations=settings.permutations,
        prior=settings.prior,
    )
    return replace(
        found,
        tested=len(terms),
        shown=None if p_family is None or critical is None else _words_shown(p_family),
        critical_z=critical_by_group(counts.groups, critical),
        terms=_favoured(counts, by_group, terms, odds, chance, settings.top),
        total_variation=total_variation(by_group, min_count=settings.min_count),
        note=note if chance is not None else "",
        reason=reason,
    )


def _unusable(counts: Counts, by_group: NDArray[np.int64], terms: Ints, min_count: int) -> str:
    if len(counts.groups) < 2:
        return f"only one group, {counts.groups[0]}: there is none to compare it with"
    wordless = [g for g, n in zip(counts.groups, by_group.sum(axis=1), strict=True) if n == 0]
    if wordless:
        return f"no counted word in the texts about {', '.join(wordless)}"
    if len(counts.vocabulary) < 2:
        return "all texts consist of one and the same word"
    if not len(terms):
        most = int(np.argmax(counts.totals))
        return (
            f"no word occurs at least {min_count} times; the most frequent is "
            f"{counts.vocabulary[most]!r} with {int(counts.totals[most])}"
        )
    return ""


def _chance(
    counts: Counts,
    terms: Ints,
    observed: Floats,
    settings: Settings,
    rng: np.random.Generator,
    blocks: Ints | None,
) -> tuple[Chance | None, str]:
    try:
        check_exchangeable(counts.group_of, blocks)
    except MeasureError as error:
        return None, f"no family-wise p: {error.message}"
    chance = dealt_chance(
        counts,
        terms,
        observed,
        prior=settings.prior,
        permutations=settings.permutations,
        rng=rng,
        blocks=blocks,
    )
    return chance, ""


def _sentiment(
    counts: Counts,
    scored: Flags | None,
    settings: Settings,
    topic: str,
    rng: np.random.Generator,
) -> tuple[Estimate, ...]:
    if settings.lexicon is None or scored is None:
        return ()
    return tuple(
        replace(e, category=f"{topic}/{e.category}" if topic else e.category)
        for e in group_sentiment(counts, settings.lexicon, scored, rng=rng)
    )


def _favoured(
    counts: Counts,
    by_group: NDArray[np.int64],
    terms: Ints,
    odds: LogOdds,
    chance: Chance | None,
    top: int,
) -> tuple[TermAssociation, ...]:
    """Return each group's words with the largest positive z."""
    p_family = None if chance is None else family_p(odds.z, chance.maxima)
    p_word = None if chance is None else chance.p_word
    z, p = odds.z, normal_p(odds.z)
    q, documents, words = adjusted(p), counts.documents_by_group(), by_group.sum(axis=1)
    rows = []
    for g, group in enumerate(counts.groups):
        for t in [t for t in np.argsort(-z[g], kind="stable")[:top] if z[g, t] > 0]:
            w = terms[t]
            count, rest = int(by_group[g, w]), int(by_group[:, w].sum() - by_group[g, w])
            rows.append(
                TermAssociation(
                    group=group,
                    term=counts.vocabulary[w],
                    count=count,
                    documents=int(documents[g, w]),
                    rest_count=rest,
                    per_thousand=1000.0 * count / float(words[g]),
                    rest_per_thousand=1000.0 * rest / float(words.sum() - words[g]),
                    delta=float(odds.delta[g, t]),
                    variance=float(odds.variance[g, t]),
                    z=float(z[g, t]),
                    p_family=None if p_family is None else float(p_family[g, t]),
                    p_word=None if p_word is None else float(p_word[g, t]),
                    p=float(p[g, t]),
                    q=float(q[g, t]),
                )
            )
    return tuple(rows)
