"""What the steps have left of one base model, each only where it is current. Computes nothing.

results = read_results(study, spec, ratings)
results.completions, results.scores, results.missing
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from mores.measure.capability.item import TaskItem
from mores.measure.capability.run import items_step, read_items
from mores.measure.coherence.item import CoherenceItem
from mores.measure.coherence.run import coherence_step, read_coherence
from mores.measure.cooccurrence.result import CooccurrenceResult
from mores.measure.cooccurrence.run import NO_BLANKS, NO_STEMS, read_cooccurrence, words_step
from mores.measure.gates.result import GateResult
from mores.measure.gates.run import outdated_gates, read_gates
from mores.measure.stance.item import StanceItem
from mores.measure.stance.run import read_stance, stance_step
from mores.measure.toxicity.result import ToxicitySummary
from mores.measure.toxicity.run import (
    iter_scores,
    read_toxicity_summary,
    summary_step,
)
from mores.records import Completion, Rating
from mores.report.model import Missing
from mores.report.own_log import own_log
from mores.report.robust_kind import OwnLog
from mores.report.scores import Scores
from mores.report.varied import Varied, read_varied
from mores.sample.media import not_text
from mores.sample.run import STEMS, iter_completions, sample_step
from mores.step import NOT_RUN
from mores.study import ArmKey, ModelSpec, Study, arm_keys
from mores.study.languages import unspaced
from mores.tune.base import away

WORDS = "Words that go with groups"


@dataclass(frozen=True)
class ModelResults:
    """Results of one base model: of the weights, answers and settings that there are now."""

    spec: ModelSpec
    keys: tuple[ArmKey, ...]
    completions: tuple[Completion, ...]
    """Without their texts (`mores.report.shown` reads those that are shown)."""
    ratings: tuple[Rating, ...]
    """By people, of these completions."""
    scores: dict[str, Scores]
    """Scorer → its scores."""
    toxicity: ToxicitySummary | None
    """The scorers side by side; None where there is no current score."""
    stance: tuple[StanceItem, ...]
    """Of the test pairs."""
    coherence: dict[str, CoherenceItem]
    """Completion id → its mark and loss."""
    items: tuple[TaskItem, ...]
    task_facts: dict[str, Any]
    """Task → metric, chance, number of items; empty where capability was not measured."""
    words: CooccurrenceResult | None
    stem_tokens: tuple[int, int]
    """Tokens drawn and read for the stems; zeros where there is no current result of them."""
    gates: tuple[GateResult, ...]
    own_log: OwnLog | None
    varied: Varied
    """The same questions asked in other ways."""
    withheld: int
    """Ratings by people of answers that are not current."""
    missing: tuple[Missing, ...]
    """What is not there or not current, and why."""

    def of(self, key: ArmKey) -> list[Completion]:
        """Return the completions of one arm."""
        return [c for c in self.completions if (c.arm, c.seed) == (key.arm, key.seed)]


def read_results(study: Study, spec: ModelSpec, ratings: Sequence[Rating]) -> ModelResults:
    """Read what there is of one model and leave out what is not current.

    Args:
        study: as it is now.
        spec: one of its models.
        ratings: all current ratings of the study.

    Raises:
        DataError: nothing has been sampled, or a file is damaged.
    """
    missing: list[Missing] = []
    rows = _without_texts(iter_completions(study, spec.name))
    why = sample_step(study, spec).stale()
    if why:
        missing.append(Missing(what=f"Answers of {spec.name}", why=f"`mores sample` {why}"))
    by_people = _by_people(ratings, rows)
    scores = _scores(study, spec, rows, missing)
    items, facts = _items(study, spec, missing)
    words = _words(study, spec, missing)
    return ModelResults(
        spec=spec,
        keys=tuple(arm_keys(study.config.arms, study.config.train_seeds)),
        completions=() if why else tuple(rows),
        ratings=() if why else by_people,
        scores=scores,
        toxicity=read_toxicity_summary(study, spec.name) if scores else None,
        stance=_stance(study, spec, missing),
        coherence=_coherence(study, spec, rows, missing),
        items=items,
        task_facts=facts,
        words=words,
        stem_tokens=_tokens(iter_completions(study, spec.name, STEMS)) if words else (0, 0),
        gates=_gates(study, spec, missing),
        own_log=own_log(study, spec, missing),
        varied=read_varied(study, spec, missing),
        withheld=len(by_people) if why else 0,
        missing=tuple(missing),
    )


def _without_texts(completions: Iterable[Completion]) -> list[Completion]:
    """What figures are made from; prompts, categories and models are kept once."""
    kept: dict[str, str] = {}

    def once(text: str) -> str:
        return kept.setdefault(text, text)

    return [
        structs.replace(
            c,
            prompt_id=once(c.prompt_id),
            category=once(c.category),
            model=once(c.model),
            text="",
        )
        for c in completions
    ]


def _tokens(completions: Iterable[Completion]) -> tuple[int, int]:
    drawn = read = 0
    for c in completions:
        drawn, read = drawn + c.tokens, read + c.prompt_tokens
    return drawn, read


def _by_people(ratings: Sequence[Rating], rows: Sequence[Completion]) -> tuple[Rating, ...]:
    ids = {row.id for row in rows}
    return tuple(r for r in ratings if r.completion_id in ids and r.kind == "human")


def _scores(
    study: Study, spec: ModelSpec, rows: Sequence[Completion], missing: list[Missing]
) -> dict[str, Scores]:
    scores: dict[str, Scores] = {}
    places = {row.id: place for place, row in enumerate(rows)}
    summary = summary_step(study, spec)
    of_all = summary.stale()
    for name, step in zip(study.config.toxicity.scorers, summary.rests_on, strict=True):
        # A scorer's own reason comes first; without the summary none has its figures.
        if why := step.stale() or of_all:
            missing.append(
                Missing(what=f"Toxicity by {name}", why=f"`mores measure toxicity` {why}")
            )
            continue
        scores[name] = Scores.read(places, iter_scores(study, spec.name, name))
    return scores


def _stance(study: Study, spec: ModelSpec, missing: list[Missing]) -> tuple[StanceItem, ...]:
    stale = stance_step(study, spec).stale()
    why = f"`mores measure stance` {stale}" if stale else ""
    if not study.pairs("test"):
        why = "no test pairs in stance.jsonl"
    if not spec.here:
        why = away(spec)
    if why:
        missing.append(Missing(what="Stance", why=why))
        return ()
    return tuple(read_stance(study, spec.name))


def _coherence(
    study: Study, spec: ModelSpec, rows: Sequence[Completion], missing: list[Missing]
) -> dict[str, CoherenceItem]:
    if why := coherence_step(study, spec).stale():
        missing.append(Missing(what="Coherence", why=f"`mores measure coherence` {why}"))
        return {}
    for why, count in Counter(filter(None, map(not_text, rows))).items():
        missing.append(Missing(what=f"Coherence of {count} answers of {spec.name}", why=why))
    return {item.completion_id: item for item in read_coherence(study, spec.name)}


def _items(
    study: Study, spec: ModelSpec, missing: list[Missing]
) -> tuple[tuple[TaskItem, ...], dict[str, Any]]:
    step = items_step(study, spec)
    stale = step.stale()
    why = f"`mores measure capability` {stale}" if stale else ""
    if not study.config.capability.tasks:
        why = "no tasks configured"
    elif not spec.here:
        why = away(spec)
    if why or step.manifest is None:
        missing.append(Missing(what="Capability", why=why))
        return (), {}
    return tuple(read_items(study, spec.name)), step.manifest.facts


def _words(study: Study, spec: ModelSpec, missing: list[Missing]) -> CooccurrenceResult | None:
    if study.associations is None:
        return None
    why = "no samples asked for (cooccurrence.samples_per_stem = 0)"
    if not spec.continues:
        why = NO_STEMS
    elif unspaced(study.charter.language):
        why = NO_BLANKS
    elif study.config.cooccurrence.samples_per_stem:
        stale = words_step(study, spec).stale()
        why = f"`mores measure cooccurrence` {stale}" if stale else ""
    if why:
        missing.append(Missing(what=WORDS, why=why))
        return None
    return read_cooccurrence(study, spec.name)


def _gates(study: Study, spec: ModelSpec, missing: list[Missing]) -> tuple[GateResult, ...]:
    why = outdated_gates(study, spec)
    if why == NOT_RUN and not study.config.gates.enabled:
        return ()  # not planned, so not missing; the section says so
    if why:
        missing.append(Missing(what="Do-no-harm gates", why=f"`mores measure gates` {why}"))
        return ()
    return tuple(read_gates(study, spec.name))
