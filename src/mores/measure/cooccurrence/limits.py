"""What can so few texts show? Plain sentences worked out from the numbers.

least_exclusive_count(critical=3.2, n=320, n_rest=320, prior=500.0)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mores.measure.cooccurrence.log_odds import log_odds_ratio
from mores.measure.cooccurrence.result import GroupSize

_MOST = 2000


def least_exclusive_count(critical: float, n: float, n_rest: float, prior: float) -> int | None:
    """Return how often a word that occurs with one group only must occur to be shown.

    Args:
        critical: |z| to exceed.
        n: counted words about the group.
        n_rest: counted words about the others.
        prior: total weight of the Dirichlet prior.

    Returns:
        The smallest such count up to the group's words (or 2,000), or None.
    """
    y = np.arange(1.0, max(2.0, min(_MOST, n)))
    alpha = prior * y / (n + n_rest)
    odds = log_odds_ratio(y, np.asarray(n), 0.0 * y, np.asarray(n_rest), alpha, prior)
    reached = np.flatnonzero(odds.z > critical)
    return int(y[reached[0]]) if len(reached) else None


def least_ratio(critical: float, count: int, n: float, n_rest: float, prior: float) -> float | None:
    """Return how many times as frequent a word with ``count`` occurrences in all must be.

    None where even all occurrences with one group would not do; infinity where only these would.
    """
    y = np.arange(0.0, min(count, n) + 1)
    alpha = np.asarray(prior * count / (n + n_rest))
    odds = log_odds_ratio(y, np.asarray(n), count - y, np.asarray(n_rest), alpha, prior)
    reached = np.flatnonzero(odds.z > critical)
    if not len(reached):
        return None
    first = y[reached[0]]
    return float((first / n) / ((count - first) / n_rest)) if first < count else float("inf")


def association_note(
    sizes: Sequence[GroupSize],
    counted: Sequence[int],
    totals: Sequence[int],
    *,
    min_count: int,
    critical: Sequence[float] | None,
    permutations: int,
    prior: float,
) -> str:
    """Say what the texts of one arm about one topic can and cannot show.

    Args:
        sizes: texts of each group.
        counted: counted words of each group.
        totals: occurrences of each tested word over all groups.
        min_count: occurrences that a word needed to be tested.
        critical: |z| that a family-wise p of .05 asks for, of each group.
        permutations: random deals drawn.
        prior: total weight of the prior.
    """
    head = (
        f"{_span(s.documents for s in sizes)} texts a group, {round(float(np.mean(counted))):,} "
        f"counted words each on average; {len(totals):,} words occur at least {min_count} times "
        "and are tested."
    )
    if critical is None:
        return f"{head} {permutations} permutations are too few for a family-wise p of .05."
    typical, every = int(np.median(totals)), float(sum(counted))
    only: dict[str, int | None] = {}
    ratio: dict[str, float | None] = {}
    for size, own, z in zip(sizes, counted, critical, strict=True):
        only[size.group] = least_exclusive_count(z, own, every - own, prior)
        ratio[size.group] = least_ratio(z, typical, own, every - own, prior)
    # Groups of unequal size have unequal limits: what holds for one must not be said of all.
    return " ".join([head, _critical(critical), _exclusive(only), _typical(typical, ratio)])


def change_note(
    pairs: int, tested: int, critical: Sequence[float] | None, permutations: int
) -> str:
    """Say what so many pairs of texts can and cannot show about a change."""
    head = f"{pairs:,} pairs of texts (same stem, same draw); {tested:,} words tested."
    if critical is None:
        return f"{head} {permutations} exchanges are too few for a family-wise p of .05."
    size = np.exp(max(critical) * np.sqrt(4 / 10))
    return (
        f"{head} {_critical(critical)} For a word with about ten occurrences on each side in each "
        f"arm that means odds about {_times(float(size))} what they were, more with the prior: "
        "smaller changes are not excluded by finding none."
    )


def _critical(critical: Sequence[float]) -> str:
    least, most = f"{min(critical):.1f}", f"{max(critical):.1f}"
    span = least if least == most else f"{least} to {most}, by group"
    return f"To stand out from chance among all of them a word needs |z| above {span}."


def _exclusive(only: Mapping[str, int | None]) -> str:
    known = {group: count for group, count in only.items() if count is not None}
    if not known:
        return "Here not even a word that occurs with one group only could reach that."
    few, many = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    span = f"{known[few]:,}"
    if known[few] != known[many]:
        span = f"{known[few]:,} ({few}) to {known[many]:,} ({many})"
    never = [group for group, count in only.items() if count is None]
    rest = f"; with {', '.join(never)} even that could not be shown" if never else ""
    return f"A word that occurs with one group only must occur there at least {span} times{rest}."


def _typical(typical: int, ratio: Mapping[str, float | None]) -> str:
    head = f"A word as frequent as the middle one tested ({typical:,} times in all)"
    known = {group: r for group, r in ratio.items() if r is not None}
    never = [group for group, r in ratio.items() if r is None]
    if not known:
        return f"{head} cannot be shown even where it occurs with one group only."
    few, many = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    rest = f"; with {', '.join(never)} it cannot be shown" if never else ""
    if known[few] == float("inf"):
        return f"{head} cannot be shown unless it occurs with one group only{rest}."
    span = _times(known[few])
    if len(known) > 1 and _times(known[few]) != _times(known[many]):
        most = "only there" if known[many] == float("inf") else _times(known[many])
        span = f"{_times(known[few])} ({few}) to {most} ({many})"
    return f"{head} must be {span} as frequent with the group as with the rest{rest}."


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:.0f} times"


def _span(values: Iterable[int]) -> str:
    ordered = sorted(values)
    same = ordered[0] == ordered[-1]
    return f"{ordered[0]:,}" if same else f"{ordered[0]:,} to {ordered[-1]:,}"
