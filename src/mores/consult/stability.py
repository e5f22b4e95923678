"""Are opinion groups there: would others like these have been found, and is there a gap at all?

found = opinion_groups(counted.table, seed=7)
found.verdict, found.k, found.stability

k-means finds groups in anything. So groups are named only where
(1) there are enough voters with enough votes each,
(2) the same people fall together when participants are drawn anew, and when statements are,
(3) they lie further apart than votes of people whose opinions differ, but without a gap.
With (1) and (2) alone it is a division of a continuum: shown, and called that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from msgspec import field

from mores.consult.cluster import Members, Points
from mores.consult.groups import Division, divide
from mores.consult.no_groups import continuum
from mores.consult.space import share_of_variance
from mores.records import Record
from mores.stats.adjusted_rand import adjusted_rand

VOTES_EACH = 7
"""Votes that a participant needs to be placed (Polis)."""
LEAST_VOTERS = 100
"""Such participants, below which no groups are looked for."""
RESAMPLES = 50
"""Of participants, and as many of statements."""
NULL_TABLES = 99
LEAST_PEOPLE = 0.65
"""Median adjusted Rand index with people drawn anew: below it, agreement is poor (Steinley 2004,
Psychological Methods 9, 386)."""
LEAST_STATEMENTS = 0.5
"""The same with statements drawn anew: a resample holds 63 % of them only, so that it places people
less exactly; without groups the index is about .1 (docs/consult.md)."""
ALPHA = 0.05

GroupsVerdict = Literal["groups", "a division, no gap", "no stable groups", "too few"]


class Stability(Record, frozen=True, kw_only=True):
    """What resampling says of a division."""

    participants: float
    """Median adjusted Rand index with participants drawn anew (bootstrap)."""
    participants_low: float
    """Its 10th percentile."""
    statements: float
    """Median adjusted Rand index with statements drawn anew."""
    statements_low: float
    numbers: dict[str, float]
    """Number of groups → share of the resamples of participants in which it is chosen."""
    membership: tuple[float, ...]
    """For each group the mean share of resamples in which its people fall into it again."""
    resamples: int


class OpinionGroups(Record, frozen=True, kw_only=True):
    """Groups of people who voted alike, or why there are none."""

    verdict: GroupsVerdict
    reason: str
    """The verdict in a sentence."""
    voters: int
    """Participants with enough votes to be placed."""
    k: int | None = None
    sizes: tuple[int, ...] = ()
    silhouettes: dict[str, float] = field(default_factory=dict)
    """Number of groups → mean silhouette."""
    variance: tuple[float, ...] = ()
    """Share of the variance of votes along each of the two directions of the picture."""
    stability: Stability | None = None
    gap_p: float | None = None
    """Chance that votes without groups have a silhouette as high (`no_groups`)."""
    null_silhouette: float | None = None
    """Mean highest silhouette of votes without groups."""


@dataclass(frozen=True, eq=False)
class Found:
    """The groups, and who is in which: the second never leaves the analysis."""

    groups: OpinionGroups
    rows: Members
    """Rows of the table that were placed."""
    division: Division | None

    @property
    def shown(self) -> bool:
        """Whether figures by opinion group are given."""
        return self.groups.verdict in ("groups", "a division, no gap")


def opinion_groups(table: Points, *, seed: int, least: int) -> Found:
    """Look for opinion groups.

    Args:
        table: votes, shape (participants, statements): 1, 0, −1, NaN where there is none.
        seed: of the starts of k-means, the resamples and the null model.
        least: people that a group must have.
    """
    rows = np.flatnonzero((~np.isnan(table)).sum(axis=1) >= VOTES_EACH)
    if len(rows) < LEAST_VOTERS:
        reason = (
            f"{len(rows)} people voted on {VOTES_EACH} statements or more, and groups among fewer "
            f"than {LEAST_VOTERS} would be a play of chance"
        )
        groups = OpinionGroups(verdict="too few", reason=reason, voters=len(rows))
        return Found(groups, rows, None)
    placed = table[rows]
    placed = placed[:, ~np.isnan(placed).all(axis=0)]
    k, numbers = _number(placed, np.random.default_rng([seed, 1]), least)
    division = divide(placed, np.random.default_rng([seed, 2]), least=least)
    if division is not None and division.k != k:
        again = divide(placed, np.random.default_rng([seed, 2]), k=k, least=least)
        division = again and replace(again, silhouettes=division.silhouettes)
    if division is None:
        reason = f"no division has {least} people or more in every group"
        groups = OpinionGroups(verdict="no stable groups", reason=reason, voters=len(rows))
        return Found(groups, rows, None)
    stability = _stability(placed, division, numbers, np.random.default_rng([seed, 3]))
    gap_p, null = _gap(placed, division, np.random.default_rng([seed, 4]), least)
    verdict, reason = _verdict(division.k, stability, gap_p)
    groups = OpinionGroups(
        verdict=verdict,
        reason=reason,
        voters=len(rows),
        k=division.k,
        sizes=tuple(int(n) for n in np.bincount(division.labels)),
        silhouettes={str(n): value for n, value in division.silhouettes.items()},
        variance=tuple(share_of_variance(placed)),
        stability=stability,
        gap_p=gap_p,
        null_silhouette=null,
    )
    return Found(groups, rows, division)


def _verdict(k: int, stability: Stability, gap_p: float) -> tuple[GroupsVerdict, str]:
    for what, found, least in (
        ("people", stability.participants, LEAST_PEOPLE),
        ("statements", stability.statements, LEAST_STATEMENTS),
    ):
        if found < least:
            return "no stable groups", (
                f"with other {what} drawn, others fall together: median adjusted Rand index "
                f"{found:.2f}, where {least} is asked for"
            )
    if gap_p > ALPHA:
        return "a division, no gap", (
            f"the division into {k} is stable, but votes of people who differ without any gap "
            f"between them look as divided (p = {gap_p:.2f}): read it as more and less of "
            "something, not as camps"
        )
    return "groups", (
        f"{k} groups, stable, and further apart than opinions without a gap would be "
        f"(p = {gap_p:.2f})"
    )


def _number(table: Points, rng: np.random.Generator, least: int) -> tuple[int, dict[int, float]]:
    """The number of groups that most resamples of participants choose, and how many choose which.

    One silhouette more or less in the second decimal would otherwise decide; Polis, too, changes
    the number only when it was another one several times in a row.
    """
    chosen: Counter[int] = Counter()
    for _ in range(RESAMPLES):
        found = divide(table[rng.integers(len(table), size=len(table))], rng, least=least)
        chosen[found.k if found else 1] += 1
    k = max(chosen, key=lambda number: (chosen[number], -number))
    return k, {number: n / RESAMPLES for number, n in sorted(chosen.items())}


def _stability(
    table: Points, division: Division, numbers: dict[int, float], rng: np.random.Generator
) -> Stability:
    people, statements = table.shape
    by_people: list[float] = []
    hits, seen = np.zeros(people), np.zeros(people)
    for _ in range(RESAMPLES):
        once, first = np.unique(drawn := rng.integers(people, size=people), return_index=True)
        again = divide(table[drawn], rng, k=division.k)
        labels = np.zeros(len(once), int) if again is None else again.labels[first]
        by_people.append(adjusted_rand(division.labels[once], labels))
        hits[once] += matched(division.labels[once], labels) == division.labels[once]
        seen[once] += 1
    by_statements = [
        _of_statements(table[:, rng.integers(statements, size=statements)], division, rng)
        for _ in range(RESAMPLES)
    ]
    share = hits / np.maximum(seen, 1)
    return Stability(
        participants=float(np.median(by_people)),
        participants_low=float(np.percentile(by_people, 10)),
        statements=float(np.median(by_statements)),
        statements_low=float(np.percentile(by_statements, 10)),
        numbers={str(number): share for number, share in numbers.items()},
        membership=tuple(float(share[division.labels == g].mean()) for g in range(division.k)),
        resamples=RESAMPLES,
    )


def _of_statements(table: Points, division: Division, rng: np.random.Generator) -> float:
    """Agreement with the division that these statements alone give, among who voted on any."""
    there = ~np.isnan(table).all(axis=1)
    again = divide(table[there], rng, k=division.k)
    return 0.0 if again is None else adjusted_rand(division.labels[there], again.labels)


def matched(labels: Members, others: Members) -> Members:
    """Return the second division with its groups renamed so that most people keep their group.

    Args:
        labels: the division whose names are kept.
        others: the same people, divided anew.
    """
    from scipy.optimize import linear_sum_assignment

    size = int(max(labels.max(), others.max())) + 1
    table = np.zeros((size, size))
    np.add.at(table, (others, labels), 1)
    _, names = linear_sum_assignment(-table)
    return np.asarray(names[others], dtype=np.int64)


def _gap(
    table: Points, division: Division, rng: np.random.Generator, least: int
) -> tuple[float, float]:
    """How often votes without groups look as divided, and how divided they look on average."""
    observed = max(division.silhouettes.values())
    draw = continuum(table, rng)
    null = []
    for _ in range(NULL_TABLES):
        found = divide(draw(), rng, least=least)
        null.append(max(found.silhouettes.values()) if found else -1.0)
    return (1 + sum(value >= observed for value in null)) / (1 + len(null)), float(np.mean(null))
