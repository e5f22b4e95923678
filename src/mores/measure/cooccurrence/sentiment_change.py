"""Did the sentiment gap of a group change between two arms?

    estimates = sentiment_change(paired, lexicon, rng=rng)

A group's gap is the mean rating of its words minus that of the words of all
other groups together; the change is the arm's gap minus the reference's.
Interval: percentile bootstrap over pairs, within groups. p: the two arms are
exchanged within randomly chosen pairs. A pair of which either text is not English
is left out of both arms.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from mores.measure.cooccurrence.log_odds import Floats
from mores.measure.cooccurrence.pairs import Paired
from mores.measure.cooccurrence.sentiment import (
    Flags,
    not_english,
    percentile,
    rate_documents,
    resampled_sums,
)
from mores.records import Estimate

METHOD = (
    "change of (mean rating of the group's rated words - of the other groups'); "
    "percentile bootstrap over pairs, exchange of arms within pairs"
)
_TIE = 1e-9


def sentiment_change(
    paired: Paired,
    lexicon: Mapping[str, float],
    scored: tuple[Flags, Flags],
    *,
    rng: np.random.Generator,
    draws: int = 1000,
) -> list[Estimate]:
    """Return the change of each group's gap, in the order of the groups.

    "Not computable" where an arm has no rated word with the group or with the rest. ``details``
    hold the texts that are not English, ``not_english_arm`` and ``not_english_reference``, and
    the share of pairs that were left out for it, ``left_out``.

    Args:
        paired: counts of both arms.
        lexicon: word → rating.
        scored: of each text of the arm and of the reference, see `sentiment.english`.
        rng: source of randomness.
        draws: of the bootstrap, and of exchanges.
    """
    # Columns: ratings and rated words of the arm, then of the reference.
    columns = np.hstack([rate_documents(c, lexicon) for c in (paired.arm, paired.reference)])
    kept = scored[0] & scored[1]
    groups = [paired.arm.group_of == g for g in range(len(paired.arm.groups))]
    members = [inside & kept for inside in groups]
    if not all(inside.any() for inside in members):
        none = "a group has no pair of English texts"
        found = [_nothing(group, 0, none) for group in paired.arm.groups]
    else:
        found = _estimates(paired, columns, members, draws, rng)
    return [
        _with_left_out(estimate, inside, scored)
        for estimate, inside in zip(found, groups, strict=True)
    ]


def _with_left_out(estimate: Estimate, inside: Flags, scored: tuple[Flags, Flags]) -> Estimate:
    """Say which texts of a group were left out."""
    pairs, out = int(inside.sum()), int((inside & ~(scored[0] & scored[1])).sum())
    arm, reference = (int((inside & ~own).sum()) for own in scored)
    said = (estimate.reason, not_english(out, pairs, "pairs"))
    return replace(
        estimate,
        reason="; ".join(part for part in said if part),
        details={
            **estimate.details,
            "not_english_arm": arm,
            "not_english_reference": reference,
            "left_out": out / pairs if pairs else 0.0,
        },
    )


def _estimates(
    paired: Paired, columns: Floats, members: list[Flags], draws: int, rng: np.random.Generator
) -> list[Estimate]:
    observed = np.stack([columns[inside].sum(axis=0) for inside in members])[None]
    swapped = _swapped(columns, members, draws, rng)
    resampled = np.stack(
        [resampled_sums(columns[inside], draws, rng) for inside in members], axis=1
    )
    return [
        _estimate(group, g, int(members[g].sum()), observed, swapped, resampled)
        for g, group in enumerate(paired.arm.groups)
    ]


def _swapped(
    columns: Floats, members: list[NDArray[np.bool_]], draws: int, rng: np.random.Generator
) -> Floats:
    """Return sums after random exchanges of the arms: draws x groups x 4."""
    gain = columns[:, 2:] - columns[:, :2]
    moved = np.empty((draws, len(members), 2))
    for start in range(0, draws, 50):
        rows = slice(start, min(start + 50, draws))
        swap = (rng.random((rows.stop - rows.start, len(columns))) < 0.5).astype(np.float64)
        for g, inside in enumerate(members):
            moved[rows, g] = swap[:, inside] @ gain[inside]
    sums = np.stack([columns[inside].sum(axis=0) for inside in members])
    return np.asarray(sums + np.concatenate([moved, -moved], axis=2))


def _gap_changes(sums: Floats, g: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the change of group g's gap for each row of sums, and where it is defined."""
    own, rest = sums[:, g], sums.sum(axis=1) - sums[:, g]
    defined = (own[:, [1, 3]] > 0).all(axis=1) & (rest[:, [1, 3]] > 0).all(axis=1)
    own, rest = own[defined], rest[defined]
    gap_arm = own[:, 0] / own[:, 1] - rest[:, 0] / rest[:, 1]
    gap_reference = own[:, 2] / own[:, 3] - rest[:, 2] / rest[:, 3]
    return np.asarray(gap_arm - gap_reference), defined


def _nothing(group: str, pairs: int, reason: str) -> Estimate:
    return Estimate(
        measure="cooccurrence/sentiment-gap",
        category=group,
        value=None,
        n=pairs,
        unit="pair",
        method=METHOD,
        verdict="not computable",
        reason=reason,
    )


def _estimate(
    group: str,
    g: int,
    pairs: int,
    observed: Floats,
    swapped: Floats,
    resampled: Floats,
) -> Estimate:
    values, defined = _gap_changes(observed, g)
    if not defined.all():
        none = "an arm has no word of the lexicon with this group, or with the others"
        return _nothing(group, pairs, none)
    value = float(values[0])
    null, _ = _gap_changes(swapped, g)
    interval = percentile(_gap_changes(resampled, g)[0], len(resampled))
    reached = int((np.abs(null) >= abs(value) * (1 - _TIE) - _TIE).sum())
    return Estimate(
        measure="cooccurrence/sentiment-gap",
        category=group,
        value=value,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        p=(1 + reached) / (1 + len(null)),
        n=pairs,
        unit="pair",
        method=METHOD,
        reason="" if interval else "no interval: too few texts have a word of the lexicon",
        details={"rated_words_arm": int(observed[0, g, 1])},
    )
