"""How far a scorer may be trusted: its validation card on texts that people labelled.

Takes a scorer and labelled texts, gives the AUC with its interval, a table of
thresholds, the share of texts it could score, and false positives by identity term.

    card = validate(scorer("lexical"), read_labelled(path, text="comment", label="toxic"))
    print(card.to_markdown())
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from importlib import resources

from msgspec.structs import replace

from mores.errors import MeasureError
from mores.measure.toxicity.card import IdentityRow, ThresholdRow, ValidationCard
from mores.measure.toxicity.labelled import LabelledText
from mores.measure.toxicity.scorer import Scorer, score_texts
from mores.records import Estimate
from mores.stats.auc import auc
from mores.stats.wilson import wilson

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
THRESHOLD = 0.5
"""Of the figures by identity term."""
FEWEST = 10
"""Fewer harmless texts with a term than this are "too few" to say anything."""


def validate(
    scorer: Scorer,
    rows: Sequence[LabelledText],
    *,
    source: str = "",
) -> ValidationCard:
    """Score labelled texts and say how well the scores agree with the labels.

    Args:
        scorer: what is validated.
        rows: texts with labels.
        source: what they are, for the card's heading.

    Returns:
        The card. A figure that cannot be computed (one class only, nothing marked) says why.

    Raises:
        MeasureError: no rows, or a defect of the scorer.
    """
    if not rows:
        raise MeasureError("no labelled texts to validate on", fix="give at least one")
    results = score_texts([row.text for row in rows], scorer)
    scored = [
        (row.text, value, row.toxic)
        for row, (value, _) in zip(rows, results, strict=True)
        if value is not None
    ]
    texts = [text for text, _, _ in scored]
    scores = [value for _, value, _ in scored]
    labels = [toxic for _, _, toxic in scored]
    return ValidationCard(
        source=source,
        scorer=scorer.name,
        version=scorer.version,
        digest=scorer.digest,
        attribute=scorer.attribute,
        note=scorer.note,
        texts=len(rows),
        toxic=sum(row.toxic for row in rows),
        coverage=replace(wilson(len(scored), len(rows), unit="text"), measure="coverage"),
        unscored=dict(Counter(reason for value, reason in results if value is None)),
        auc=replace(auc(scores, labels, unit="text"), measure="AUC"),
        thresholds=tuple(threshold_row(scores, labels, at) for at in THRESHOLDS),
        threshold=THRESHOLD,
        identity=identity_rows(
            texts, scores, labels, terms=read_identity_terms(), threshold=THRESHOLD
        ),
    )


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


def read_identity_terms() -> tuple[str, ...]:
    """Return the shipped terms, in file order."""
    place = resources.files("mores.measure.toxicity").joinpath("identity_terms.txt")
    lines = (line.strip() for line in place.read_text("utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def identity_rows(
    texts: Sequence[str],
    scores: Sequence[float],
    labels: Sequence[bool],
    *,
    terms: Sequence[str],
    threshold: float,
) -> tuple[IdentityRow, ...]:
    """Return a row for each term that occurs in a harmless text, in the order of terms.

    Args:
        texts: shape (n,).
        scores: shape (n,), 0 to 1.
        labels: shape (n,), True for toxic: these texts are left out.
        terms: words or phrases, matched as whole words in any case.
        threshold: a score at or above it counts as "toxic".
    """
    harmless = [
        (text, score >= threshold)
        for text, score, toxic in zip(texts, scores, labels, strict=True)
        if not toxic
    ]
    rows = []
    for term in terms:
        pattern = _pattern(term)
        marks = [marked for text, marked in harmless if pattern.search(text)]
        if marks:
            rows.append(_row(term, marks))
    return tuple(rows)


def _pattern(term: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in term.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def _row(term: str, marks: list[bool]) -> IdentityRow:
    rate = replace(
        wilson(sum(marks), len(marks), unit="harmless text"),
        measure="false-positive rate",
        category=term,
        reason="too few" if len(marks) < FEWEST else "",
    )
    return IdentityRow(term=term, texts=len(marks), marked=sum(marks), rate=rate)
