"""How far a scorer may be trusted: its validation card on texts that people labelled.

Takes a scorer and labelled texts, gives the AUC with its interval, a table of
thresholds, the share of texts it could score, and false positives by identity term.

    card = validate(scorer("lexical"), read_labelled(path, text="comment", label="toxic"))
    print(card.to_markdown())
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from mores.errors import MeasureError
from mores.measure.toxicity.card import ValidationCard
from mores.measure.toxicity.confusion import threshold_row
from mores.measure.toxicity.identity import identity_rows, read_identity_terms
from mores.measure.toxicity.labelled import LabelledText
from mores.measure.toxicity.scorer import Scorer, score_texts
from mores.stats.auc import auc
from mores.stats.wilson import wilson

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
THRESHOLD = 0.5
"""Of the figures by identity term."""


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
