"""Word counts of groups → log-odds ratio of each word, with variance and z.

    odds = group_log_odds(counts.by_group(), prior=500.0)
    odds.z                     # groups x words, each group against the rest

Source: Monroe, Colaresi and Quinn (2008), "Fightin' Words", Political Analysis
16(4), section 3.5: an informative Dirichlet prior in the proportions of the
pooled corpus pulls rare words towards no difference, in place of the infinite
ratios of raw counts.

Their variance, 1 / a + 1 / b for the smoothed counts a and b, is Wald's: it grows so
fast when a count nears zero that 30 against 1 has a larger z than 30 against 0. Here
z is the signed root of the likelihood ratio of the same smoothed counts, which rises as
the counts part, and is nearly theirs where they hardly differ (`wald_variance` gives theirs).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_SAME = 1e-5
"""Nats below which both variances are the same but for rounding."""


@dataclass(frozen=True, eq=False)
class LogOdds:
    """Log-odds ratios in nats; all arrays groups x words."""

    delta: Floats
    variance: Floats

    @property
    def z(self) -> Floats:
        """Delta over its standard error (equation 22, with the variance of `log_odds_ratio`)."""
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
    ``delta = log odds(group) - log odds(rest)``. Its variance is the one by which delta over
    its standard error is the signed root of the likelihood ratio of the two smoothed shares.

    Args:
        y: occurrences of each word with the group.
        n: all words with the group.
        y_rest: occurrences of each word with the other groups.
        n_rest: all words with the other groups.
        alpha: prior pseudo-count of each word, above zero.
        alpha_total: sum of the prior over the whole vocabulary.
    """
    a, b = y + alpha, y_rest + alpha
    size, rest = n + alpha_total, n_rest + alpha_total
    delta = np.asarray(np.log(a / (size - a)) - np.log(b / (rest - b)))
    ratio = _likelihood_ratio(a, size, b, rest)
    differs = (np.abs(delta) > _SAME) & (ratio > 0)
    wald = 1.0 / a + 1.0 / (size - a) + 1.0 / b + 1.0 / (rest - b)
    return LogOdds(
        delta=delta, variance=np.where(differs, delta**2 / np.where(differs, ratio, 1.0), wald)
    )


def wald_variance(y: Floats, y_rest: Floats, alpha: Floats) -> Floats:
    """Return Monroe, Colaresi and Quinn's variance of delta (equations 19 and 20)."""
    return np.asarray(1.0 / (y + alpha) + 1.0 / (y_rest + alpha))


def _likelihood_ratio(a: Floats, size: Floats, b: Floats, rest: Floats) -> Floats:
    """Return 2 sum(seen ln(seen / expected)) of a in size and b in rest, against one share."""
    share = (a + b) / (size + rest)

    def part(seen: Floats, expected: Floats) -> Floats:
        x = (seen - expected) / expected
        # (1 + x) ln(1 + x) - x keeps its digits near zero; the x sum to nothing.
        return np.asarray(expected * ((1.0 + x) * np.log1p(x) - x))

    words = part(a, share * size) + part(b, share * rest)
    others = part(size - a, (1 - share) * size) + part(rest - b, (1 - share) * rest)
    return np.asarray(2.0 * (words + others))


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
