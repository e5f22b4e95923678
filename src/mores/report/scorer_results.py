"""What toxicity scorers and co-occurrence have summed up, as the report shows it.

scorer_results(results)[0].arms[0].mean
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.measure.cooccurrence.result import CooccurrenceResult
from mores.report.model import ScorerArm, ScorerResult
from mores.report.results import ModelResults
from mores.report.scores import spread_of


def scorer_results(results: ModelResults) -> list[ScorerResult]:
    """What `mores measure toxicity` summed up: each scorer's threshold beside its own shares."""
    return [
        ScorerResult(
            model=results.spec.name,
            scorer=one.scorer,
            version=", ".join(one.versions),
            digest=one.digest,
            note=one.note,
            threshold=one.threshold,
            arms=tuple(
                ScorerArm(
                    arm=arm.arm,
                    scored=arm.scored,
                    unscorable=arm.unscored,
                    mean=arm.mean.value,
                    expected_maximum=arm.expected_maximum.value,
                    probability=arm.probability.value,
                    values=_values(results, one.scorer, arm.arm),
                )
                for arm in one.arms
            ),
        )
        for one in (results.toxicity.scorers if results.toxicity else ())
        if one.scorer in results.scores
    ]


def _values(results: ModelResults, scorer: str, arm: str) -> tuple[float, ...]:
    key = next(key for key in results.keys if key.name == arm)
    scores = (results.scores[scorer].of(c.id) for c in results.of(key))
    return spread_of([round(value, 6) for value in scores if value is not None])


def changes_of(words: Sequence[CooccurrenceResult]) -> list[tuple[str, int, int]]:
    """Return (model, associations tested, changed) between values-targeted and control arm."""
    rows = []
    for result in words:
        changes = [
            c
            for c in result.changes
            if (c.arm, c.reference) == ("values_targeted", "control") and c.shown is not None
        ]
        if changes:
            tested, shown = sum(c.tested for c in changes), sum(c.shown or 0 for c in changes)
            rows.append((result.model, tested, shown))
    return rows
