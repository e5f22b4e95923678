"""Word counts of groups → log-odds ratio of each word, with variance and z.

    odds = group_log_odds(counts.by_group(), prior=500.0)
    odds.z                     # groups x words, each group against the rest

Source: Monroe, Colaresi and Quinn (2008), "Fightin' Words", Political Analysis
16(4), section 3.5: an informative Dirichlet prior in the proportions of the
pooled corpus pulls rare words towards no difference, in place of the infinite
ratios of raw counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LogOdds:
    """Log-odds ratios in nats; all arrays groups x words."""

    delta: Floats
    variance: Floats

    @property
    def z(self) -> Floats:
        """Equation 22: delta over its standard error."""
        return np.asarray(self.delta / np.sqrt(self.variance))


def informative_prior(totals: NDArray[np.int64], weight: float) -> Floats:
    """Return the prior's pseudo-counts: pooled proportions times a total weight.

    Args:
        totals: occurrences of each word over all groups (and arms) compared.
        weight: total pseudo-count, in words; above zero.
    """
    return np.asarray(totals * (weight / totals.sum()), dtype=np.float64)


def log_odds_ratio(
    y: Floats, n: Floats, y_rest: Floats, n_rest: Floats, alpha: Floats, alpha_total: float | Floats
) -> LogOdds:
    """Compare one group with the rest; arrays broadcast against each other.

    With the odds of equation 15, ``(y + a) / (n + a0 - y - a)``, equation 16 gives
    ``delta = log odds(group) - log odds(rest)``; its variance is nearly
    ``1 / (y + a) + 1 / (y_rest + a)`` (equations 19 and 20).

    Args:
        y: occurrences of each word with the group.
        n: all words with the group.
        y_rest: occurrences of each word with the other groups.
        n_rest: all words with the other groups.
        alpha: prior pseudo-count of each word, above zero.
        alpha_total: sum of the prior over the whole vocabulary.
    """
    a, b = y + alpha, y_rest + alpha
    delta = np.log(a / (n + alpha_total - a)) - np.log(b / (n_rest + alpha_total - b))
    return LogOdds(delta=np.asarray(delta), variance=np.asarray(1.0 / a + 1.0 / b))


def group_log_odds(
    by_group: NDArray[np.int64], *, prior: float, terms: NDArray[np.intp] | None = None
) -> LogOdds:
    """Compare each group with all the others together.

    Args:
        by_group: occurrences, groups x words, whole vocabulary: two groups or more, two words
            or more, none of them without an occurrence.
        prior: total weight of the prior, in words.
        terms: columns to return (default: all).

    Returns:
        Log-odds, groups x terms. With two groups the rows mirror each other.
    """
    n, totals = by_group.sum(axis=1), by_group.sum(axis=0)
    alpha = informative_prior(totals, prior)
    columns = np.arange(len(totals)) if terms is None else terms
    y = by_group[:, columns].astype(np.float64)
    size = n[:, None].astype(np.float64)
    return log_odds_ratio(y, size, totals[columns] - y, n.sum() - size, alpha[columns], prior)
