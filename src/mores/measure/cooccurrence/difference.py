"""Paired texts of two arms about one topic → which associations changed.

found = difference(paired, settings=settings, rng=rng, arm="values_targeted", reference="base")
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from mores.errors import MeasureError
from mores.measure.cooccurrence.associate import Settings, adjusted, critical_by_group
from mores.measure.cooccurrence.change import Difference, association_change
from mores.measure.cooccurrence.gap_change import gap_change
from mores.measure.cooccurrence.limits import change_note
from mores.measure.cooccurrence.pairs import Paired
from mores.measure.cooccurrence.permutation import (
    LEVEL,
    Ints,
    check_exchangeable,
    critical_z,
    family_p,
    normal_p,
)
from mores.measure.cooccurrence.result import TermChange, TopicChange
from mores.measure.cooccurrence.sentiment import english
from mores.measure.cooccurrence.sentiment_change import sentiment_change
from mores.records import Estimate

METHODS = {
    "cooccurrence": (
        "largest |z| of the change of log-odds ratios (informative Dirichlet prior); "
        "exchange of arms within pairs of the same stem and draw"
    ),
    "cooccurrence/share-gap": (
        "largest |z| of the change of share differences; pairs dealt to groups within stems"
    ),
}


def difference(
    paired: Paired,
    *,
    settings: Settings,
    rng: np.random.Generator,
    topic: str = "",
    arm: str = "",
    reference: str = "",
    left_out: int = 0,
    blocks: Ints | None = None,
) -> TopicChange:
    """Test the change of every frequent word's association, and of sentiment gaps.

    Args:
        paired: counts of both arms.
        settings: minimum count, exchanges, prior, lexicon.
        rng: source of randomness.
        topic: name to report.
        arm: name to report.
        reference: name to report.
        left_out: completions without a partner, to report.
        blocks: stem of each pair.

    Returns:
        Where something cannot be computed, its ``reason`` says why.
    """
    contrast = f"{arm} - {reference}" if arm else ""
    reason = _unusable(paired, settings.min_count)
    found = TopicChange(
        topic=topic,
        arm=arm,
        reference=reference,
        pairs=len(paired.arm.group_of),
        left_out=left_out,
        sentiment=_sentiment(paired, settings, topic, contrast, rng),
        reason=reason,
    )
    if reason:
        return _with_overall(found, contrast, None, None)
    odds = association_change(
        paired,
        prior=settings.prior,
        min_count=settings.min_count,
        permutations=settings.permutations,
        rng=rng,
    )
    gap, gap_reason = _gap(paired, odds.terms, settings, rng, blocks)
    # With two groups the second row mirrors the first.
    rows = len(paired.arm.groups) if len(paired.arm.groups) > 2 else 1
    critical = critical_z(odds.z, odds.maxima)
    shown, weaker = _shown(odds, rows)
    gap_shown, gap_weaker = (None, None) if gap is None else _shown(gap, rows)
    found = replace(
        found,
        tested=len(odds.terms),
        shown=shown,
        weaker=weaker,
        gap_shown=gap_shown,
        gap_weaker=gap_weaker,
        critical_z=critical_by_group(paired.arm.groups[:rows], critical),
        terms=_largest(paired, odds, gap, rows, settings.top),
        note=change_note(found.pairs, len(odds.terms), critical, settings.permutations),
        reason=gap_reason,
    )
    return _with_overall(found, contrast, odds, gap)


def _gap(
    paired: Paired, terms: Ints, settings: Settings, rng: np.random.Generator, blocks: Ints | None
) -> tuple[Difference | None, str]:
    try:
        check_exchangeable(paired.arm.group_of, blocks)
    except MeasureError as error:
        return None, f"no test of share differences: {error.message}"
    permutations = settings.permutations
    return gap_change(paired, terms, permutations=permutations, rng=rng, blocks=blocks), ""


def _shown(found: Difference, rows: int) -> tuple[int | None, int | None]:
    """Count the words of which a difference is shown, and those that came nearer to zero.

    A word counts once, with however many groups it is shown; it came nearer if it did so with
    each of them. None where too few exchanges were drawn for any p to be small enough.
    """
    if critical_z(found.z, found.maxima) is None:
        return None, None
    shown = (family_p(found.z, found.maxima) <= LEVEL)[:rows]
    nearer = (np.abs(found.arm) < np.abs(found.reference))[:rows]
    words = shown.any(axis=0)
    return int(words.sum()), int((words & (nearer | ~shown).all(axis=0)).sum())


def _unusable(paired: Paired, min_count: int) -> str:
    if len(paired.arm.groups) < 2:
        return f"only one group, {paired.arm.groups[0]}: there is none to compare it with"
    for name, counts in (("the arm", paired.arm), ("the reference", paired.reference)):
        sums = counts.by_group().sum(axis=1)
        wordless = [g for g, n in zip(counts.groups, sums, strict=True) if n == 0]
        if wordless:
            return f"no counted word in the texts of {name} about {', '.join(wordless)}"
    if not (paired.totals >= min_count).any():
        return f"no word occurs at least {min_count} times in both arms together"
    if len(paired.arm.vocabulary) < 2:
        return "all texts consist of one and the same word"
    return _few(paired)


def _few(paired: Paired) -> str:
    """Say why no exchange of arms can show anything, or nothing where one can."""
    pairs = len(paired.arm.group_of)
    # With everything exchanged |z| is the same, so the least p is twice that of one exchange.
    least = 2.0 ** (1 - pairs)
    if least <= LEVEL:
        return ""
    named = "pair" if pairs == 1 else "pairs"
    return f"only {pairs} {named} of texts: exchanging arms within them gives no p below {least:g}"


def _with_overall(
    found: TopicChange, contrast: str, odds: Difference | None, gap: Difference | None
) -> TopicChange:
    return replace(
        found,
        overall=_overall("cooccurrence", found, contrast, odds),
        overall_gap=_overall("cooccurrence/share-gap", found, contrast, gap),
    )


def _overall(
    measure: str, found: TopicChange, contrast: str, difference: Difference | None
) -> Estimate:
    """Return the largest |z| as one estimate: did anything change?"""
    estimate = Estimate(
        measure=measure,
        contrast=contrast,
        category=found.topic,
        value=None,
        n=found.pairs,
        unit="pair",
        method=METHODS[measure],
        verdict="not computable",
        reason=found.reason or "not computed",
        details={"tested": found.tested},
    )
    if difference is None:
        return estimate
    return replace(
        estimate,
        value=float(np.abs(difference.z).max()),
        p=float(family_p(difference.z, difference.maxima).min()),
        verdict="descriptive",
        reason="says that associations differ, not that they became weaker",
    )


def _sentiment(
    paired: Paired, settings: Settings, topic: str, contrast: str, rng: np.random.Generator
) -> tuple[Estimate, ...]:
    if settings.lexicon is None:
        return ()
    scored = english(paired.texts[0]), english(paired.texts[1])
    found = sentiment_change(paired, settings.lexicon, scored, rng=rng)
    if few := _few(paired):  # a p that could not be small says nothing
        found = [
            replace(e, p=None, reason=f"{e.reason}; no p: {few}".removeprefix("; "))
            if e.p is not None
            else e
            for e in found
        ]
    return tuple(
        replace(e, category=f"{topic}/{e.category}" if topic else e.category, contrast=contrast)
        for e in found
    )


def _largest(
    paired: Paired, odds: Difference, gap: Difference | None, rows: int, top: int
) -> tuple[TermChange, ...]:
    """Return each group's words with the largest |z| of either kind."""
    largest = np.abs(odds.z) if gap is None else np.maximum(np.abs(odds.z), np.abs(gap.z))
    p = normal_p(odds.z)
    q, p_family = adjusted(p), family_p(odds.z, odds.maxima)
    gap_p = None if gap is None else family_p(gap.z, gap.maxima)
    own, other = paired.arm.by_group(), paired.reference.by_group()
    found = []
    for g in range(rows):
        for t in np.argsort(-largest[g], kind="stable")[:top]:
            w = odds.terms[t]
            found.append(
                TermChange(
                    group=paired.arm.groups[g],
                    term=paired.arm.vocabulary[w],
                    count=int(own[g, w]),
                    rest_count=int(own[:, w].sum() - own[g, w]),
                    reference_count=int(other[g, w]),
                    reference_rest_count=int(other[:, w].sum() - other[g, w]),
                    delta=float(odds.arm[g, t]),
                    reference_delta=float(odds.reference[g, t]),
                    change=float(odds.delta[g, t]),
                    variance=float(odds.variance[g, t]),
                    z=float(odds.z[g, t]),
                    p_family=float(p_family[g, t]),
                    p=float(p[g, t]),
                    q=float(q[g, t]),
                    gap=None if gap is None else 1000.0 * float(gap.arm[g, t]),
                    reference_gap=None if gap is None else 1000.0 * float(gap.reference[g, t]),
                    gap_z=None if gap is None else float(gap.z[g, t]),
                    gap_p_family=None if gap_p is None else float(gap_p[g, t]),
                )
            )
    return tuple(found)
