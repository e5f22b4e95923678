"""What the steps have left of one model's variants, each only where it is current.

varied = read_varied(study, spec, missing)
varied.stance, varied.completions, varied.scores
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import structs

from mores.measure.stance.item import StanceItem
from mores.measure.stance.run import VARIANTS as STANCE_VARIANTS
from mores.measure.stance.run import pair_variants, read_stance, stance_step
from mores.measure.toxicity.run import iter_scores, score_step
from mores.records import Completion, Variant
from mores.report.model import Missing
from mores.report.scores import Scores
from mores.sample.run import iter_completions
from mores.sample.varied import VARIANTS, variants_step
from mores.study import ModelSpec, Study
from mores.study.variants import outdated
from mores.tune.base import away


@dataclass(frozen=True)
class Varied:
    """Results on variants of one base model; empty where the study has none."""

    variants: dict[str, Variant] = field(default_factory=dict)
    """By id; those that nobody has read are not among them."""
    stance: tuple[StanceItem, ...] = ()
    completions: tuple[Completion, ...] = ()
    """Without their texts."""
    scores: dict[str, Scores] = field(default_factory=dict)
    """Scorer → its scores of these completions."""


def read_varied(study: Study, spec: ModelSpec, missing: list[Missing]) -> Varied:
    """Read what there is, and say what is missing.

    Args:
        study: as it is now.
        spec: one of its models.
        missing: gets a line for what is not there or not current.
    """
    if not study.variants or not study.config.variants.enabled or spec.imported:
        return Varied()
    unread = sum(v.unread for v in study.variants)
    if unread:
        why = f"{unread} were written by a model, and nobody has read them"
        missing.append(Missing(what="Variants of questions", why=why))
    questions = {p.id: p.text for p in study.prompts} | {p.id: p.prompt for p in study.stance}
    if old := sum(outdated(v, questions[v.varies]) for v in study.variants):
        why = f"{old} were made from another wording than there is now: run `mores vary`"
        missing.append(Missing(what="Variants of questions as they are now", why=why))
    if not spec.prefills and (given := sum(bool(v.prefill) for v in study.variants)):
        why = f"{given} give the beginning of an answer, which a service does not take"
        missing.append(Missing(what=f"Answers of {spec.name} to some variants", why=why))
    rows = _completions(study, spec, missing)
    return Varied(
        variants={v.id: v for v in study.variants if not v.unread},
        stance=_stance(study, spec, missing),
        completions=rows,
        scores=scores_of(study, spec, rows, VARIANTS, "under variants", missing) if rows else {},
    )


def _stance(study: Study, spec: ModelSpec, missing: list[Missing]) -> tuple[StanceItem, ...]:
    of = pair_variants(study)
    if not of.pairs:
        return ()
    stale = stance_step(study, spec, of=of).stale()
    why = f"`mores measure stance` {stale}" if stale else ""
    if not spec.here:
        why = away(spec)
    if why:
        missing.append(Missing(what="Stance under variants", why=why))
        return ()
    return tuple(read_stance(study, spec.name, STANCE_VARIANTS))


def _completions(study: Study, spec: ModelSpec, missing: list[Missing]) -> tuple[Completion, ...]:
    step = variants_step(study, spec)
    if step is None:
        return ()
    if stale := step.stale():
        missing.append(Missing(what="Answers to variants", why=f"`mores sample` {stale}"))
        return ()
    rows = iter_completions(study, spec.name, VARIANTS)
    return tuple(structs.replace(c, text="") for c in rows)


def scores_of(
    study: Study,
    spec: ModelSpec,
    rows: Sequence[Completion],
    of: str,
    where: str,
    missing: list[Missing],
) -> dict[str, Scores]:
    """Return each scorer's scores of answers that are no answers to the study's own prompts.

    Args:
        study: as it is now.
        spec: one of its models.
        rows: the answers, which are current.
        of: which they are: ``variants`` or ``log``.
        where: the same in words, such as ``on the log``.
        missing: gets a line for each scorer whose scores are not current.
    """
    places = {row.id: place for place, row in enumerate(rows)}
    scores: dict[str, Scores] = {}
    for name in study.config.toxicity.scorers:
        if stale := score_step(study, spec, name, of=of).stale():
            why = f"`mores measure toxicity` {stale}"
            missing.append(Missing(what=f"Toxicity {where} by {name}", why=why))
            continue
        scores[name] = Scores.read(places, iter_scores(study, spec.name, name, of))
    return scores
