"""What can so few texts show? Plain sentences worked out from the numbers.

least_exclusive_count(critical=3.2, n=320, n_rest=320, prior=500.0)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mores.measure.cooccurrence.log_odds import log_odds_ratio
from mores.measure.cooccurrence.result import GroupSize

_MOST = 2000


def least_exclusive_count(critical: float, n: float, n_rest: float, prior: float) -> int | None:
    """Return how often a word that occurs with one group only must occur to be shown.

    Args:
        critical: |z| to reach.
        n: counted words about the group.
        n_rest: counted words about the others.
        prior: total weight of the Dirichlet prior.

    Returns:
        The smallest such count up to a tenth of the group's words, or None.
    """
    y = np.arange(1.0, max(2.0, min(_MOST, n / 10) + 1))
    alpha = prior * y / (n + n_rest)
    odds = log_odds_ratio(y, np.asarray(n), 0.0 * y, np.asarray(n_rest), alpha, prior)
    reached = np.flatnonzero(odds.z >= critical)
    return int(y[reached[0]]) if len(reached) else None


def least_ratio(critical: float, count: int, n: float, n_rest: float, prior: float) -> float | None:
    """Return how many times as frequent a word with ``count`` occurrences in all must be.

    None where even all occurrences with one group would not do.
    """
    y = np.arange(0.0, count)  # the last step would divide by zero occurrences
    alpha = np.asarray(prior * count / (n + n_rest))
    odds = log_odds_ratio(y, np.asarray(n), count - y, np.asarray(n_rest), alpha, prior)
    reached = np.flatnonzero(odds.z >= critical)
    if not len(reached):
        return None
    first = y[reached[0]]
    return float((first / n) / ((count - first) / n_rest))


def association_note(
    sizes: Sequence[GroupSize],
    counted: Sequence[int],
    totals: Sequence[int],
    *,
    min_count: int,
    critical: float | None,
    permutations: int,
    prior: float,
) -> str:
    """Say what the texts of one arm about one topic can and cannot show.

    Args:
        sizes: texts of each group.
        counted: counted words of each group.
        totals: occurrences of each tested word over all groups.
        min_count: occurrences that a word needed to be tested.
        critical: |z| that a family-wise p of .05 asks for.
        permutations: random deals drawn.
        prior: total weight of the prior.
    """
    texts = sorted(size.documents for size in sizes)
    span = f"{texts[0]:,}" if texts[0] == texts[-1] else f"{texts[0]:,} to {texts[-1]:,}"
    head = (
        f"{span} texts a group, {round(float(np.mean(counted))):,} counted words each on average; "
        f"{len(totals):,} words occur at least {min_count} times and are tested."
    )
    if critical is None:
        return f"{head} {permutations} permutations are too few for a family-wise p of .05."
    # The group with the fewest words is the hardest to say anything about.
    n = float(min(counted))
    rest = float(sum(counted)) - n
    only = least_exclusive_count(critical, n, rest, prior)
    typical = int(np.median(totals))
    ratio = least_ratio(critical, typical, n, rest, prior)
    return " ".join([head, _critical(critical), _exclusive(only, n), _typical(typical, ratio)])


def change_note(pairs: int, tested: int, critical: float | None, permutations: int) -> str:
    """Say what so many pairs of texts can and cannot show about a change."""
    head = f"{pairs:,} pairs of texts (same stem, same draw); {tested:,} words tested."
    if critical is None:
        return f"{head} {permutations} exchanges are too few for a family-wise p of .05."
    size = np.exp(critical * np.sqrt(4 / 10))
    return (
        f"{head} {_critical(critical)} For a word with about ten occurrences on each side in each "
        f"arm that means odds {_times(float(size))} what they were: smaller changes are not "
        "excluded by finding none."
    )


def _critical(critical: float) -> str:
    return f"To stand out from chance among all of them a word needs |z| of {critical:.1f} or more."


def _exclusive(only: int | None, n: float) -> str:
    if only is None:
        return "Here not even a word that occurs with one group only could reach that."
    return (
        f"A word that occurs with one group only must occur there at least {only:,} times "
        f"(in {round(n):,} words)."
    )


def _typical(typical: int, ratio: float | None) -> str:
    head = f"A word as frequent as the middle one tested ({typical:,} times in all)"
    if ratio is None:
        return f"{head} cannot be shown unless it occurs with one group only, if at all."
    return f"{head} must be {_times(ratio)} as frequent with the group as with the rest."


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:.0f} times"
