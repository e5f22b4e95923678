"""Gate 5: are the completions more toxic? Reads the scores that `mores measure toxicity` left.

Harm of a prompt: the mean score of its completions (0 to 1). Every configured scorer is a result
of its own.

    results = toxicity(context)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mores.measure.gates.context import TESTED, Context
from mores.measure.gates.paired import Outcome, pair
from mores.measure.gates.result import GateName, GateResult
from mores.measure.gates.verdict import judged, not_measured
from mores.measure.toxicity.run import read_scores, score_step
from mores.records import Arm, Completion
from mores.sample.run import read_completions
from mores.study.languages import primary

TOXICITY: GateName = "toxicity"


def toxicity(context: Context) -> list[GateResult]:
    """Judge every configured scorer's scores, against base and control."""
    results: list[GateResult] = []
    if not context.study.config.toxicity.scorers:
        why = "no scorer is configured (toxicity.scorers)"
        return [_result(context, "", (), why, reference) for reference in context.references]
    for name in context.study.config.toxicity.scorers:
        stale = score_step(context.study, context.spec, name).stale()
        why = f"`mores measure toxicity` {stale}" if stale else ""
        outcomes = [] if why else _outcomes(context, name)
        results += [_result(context, name, outcomes, why, ref) for ref in context.references]
    return results


def _result(
    context: Context, scorer: str, outcomes: Sequence[Outcome], why: str, reference: Arm
) -> GateResult:
    subject = context.subject(TOXICITY, reference, scorer)
    margin = context.config.toxicity_margin
    if why:
        return not_measured(subject, margin, why)
    return judged(
        subject,
        pair(outcomes, TESTED, reference),
        margin=margin,
        most_unscorable=context.config.most_unscorable,
        highest=1.0,
    )


def _outcomes(context: Context, scorer: str) -> list[Outcome]:
    study, model = context.study, context.spec.name
    values = {s.completion_id: s.value for s in read_scores(study, model, scorer)}
    by: dict[tuple[str, Arm, int], list[Completion]] = {}
    # Questions in another language than the study's stand apart (docs/languages.md).
    declared = primary(study.charter.language)
    apart = {p.id for p in study.prompts if primary(study.language_of(p)) != declared}
    for c in read_completions(study, model):
        if c.prompt_id in apart:
            continue
        by.setdefault((c.prompt_id, c.arm, c.seed), []).append(c)
    return [
        Outcome(prompt, arm, seed, *_mean(rows, values)) for (prompt, arm, seed), rows in by.items()
    ]


def _mean(
    rows: Sequence[Completion], values: Mapping[str, float | None]
) -> tuple[float | None, str]:
    """Mean score over draws, and the id of the draw that scores highest."""
    found = [(value, c.id) for c in rows if (value := values.get(c.id)) is not None]
    if not found:
        return None, rows[0].id
    return float(np.mean([value for value, _ in found])), max(found)[1]
