"""How a scorer decides at one threshold: precision, recall, false positives, F1.

Takes scores and labels, gives a row of four shares, each with an interval.

    row = threshold_row([.9, .2, .7], [True, False, False], .5)
    print(row.precision.value)   # 0.5
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mores.records import Estimate, Record
from mores.stats.wilson import wilson


class ThresholdRow(Record, frozen=True, kw_only=True):
    """The four shares at one threshold; a score at or above it counts as "toxic"."""

    threshold: float
    precision: Estimate
    recall: Estimate
    false_positive_rate: Estimate
    f1: Estimate


def threshold_row(
    scores: Sequence[float], labels: Sequence[bool], threshold: float
) -> ThresholdRow:
    """Count right and wrong decisions and return shares with Wilson intervals.

    Precision TP / (TP + FP), recall TP / (TP + FN), false-positive rate FP / (FP + TN).
    F1 = 2J / (1 + J) for J = TP / (TP + FP + FN); its interval is that of J, which is
    a share, taken through the same rising function.

    Args:
        scores: shape (n,), 0 to 1.
        labels: shape (n,), True for toxic.
        threshold: 0 to 1.
    """
    pairs = list(zip(scores, labels, strict=True))
    hits = sum(score >= threshold for score, toxic in pairs if toxic)
    alarms = sum(score >= threshold for score, toxic in pairs if not toxic)
    positives = sum(labels)
    return ThresholdRow(
        threshold=threshold,
        precision=_share("precision", hits, hits + alarms, "marked text"),
        recall=_share("recall", hits, positives, "toxic text"),
        false_positive_rate=_share(
            "false-positive rate", alarms, len(pairs) - positives, "harmless text"
        ),
        f1=_f1(_share("F1", hits, positives + alarms, "toxic or marked text")),
    )


def _share(measure: str, successes: int, n: int, unit: str) -> Estimate:
    return replace(wilson(successes, n, unit=unit), measure=measure)


def _f1(jaccard: Estimate) -> Estimate:
    if jaccard.value is None or jaccard.low is None or jaccard.high is None:
        return jaccard
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    method = "F1 from the Wilson interval of TP / (TP + FP + FN)"
    return replace(jaccard, value=value, low=low, high=high, method=method)
