"""Forced choices → log-probabilities of both answers for base and every tuned arm.

    scores = score_choices(context, resolved, asked_of(context)[0], progress)

Kept in ``gates/choices``, those of the harms of narrow tuning in ``gates/harms``, one file an arm
until all are done, so that a stopped run goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mores import store
from mores.measure.gates.context import STEP, Context
from mores.measure.gates.harm_sets import harm_choices
from mores.measure.gates.prompts import Choice, choices
from mores.progress import Progress
from mores.records import Arm, Record
from mores.step import Made, Step
from mores.study import ArmKey
from mores.tune.run import tuned_folders, weight_digests

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel
    from mores.weights.resolve import ResolvedModel

CHOICES = f"{STEP}/choices"
HARMS = f"{STEP}/harms"
SCORES = "scores.jsonl"


class ChoiceScore(Record, frozen=True, kw_only=True):
    """One arm's log-probabilities of the two answers to one question, in nats."""

    id: str
    arm: Arm
    seed: int
    kept: float
    other: float

    @property
    def log_odds(self) -> float:
        """Of the answer that most people would call right, against the other."""
        return self.kept - self.other


@dataclass(frozen=True)
class Asked:
    """Choices that are put to a model in one step."""

    step: str
    """Its name and its folder below the model's."""
    choices: Sequence[Choice]


def asked_of(context: Context) -> list[Asked]:
    """Everything that is put to a model: of drift, and of the harms where they are asked for.

    Raises:
        DataError: a local file is missing or a row cannot be used.
    """
    asked = [Asked(CHOICES, choices(context.study))]
    if context.asks_harms:
        asked.append(Asked(HARMS, harm_choices(context.study)))
    return asked


def choices_step(context: Context, base: str | None, asked: Asked) -> Step:
    """What the scores of one model come from; see `mores.tune.run.known_base` for ``base``."""
    study, spec = context.study, context.spec
    return Step(
        asked.step,
        context.folder / asked.step,
        inputs={
            "model": base,
            **weight_digests(study, spec),
            "choices": store.digest(asked.choices),
        },
        config={"arms": [key.name for key in context.keys], "format": spec.format},
        seed=study.config.seed,
        log=study.run_folder,
        in_parts=True,
    )


def score_choices(
    context: Context, resolved: ResolvedModel, asked: Asked, progress: Progress
) -> list[ChoiceScore]:
    """Return the scores of all arms, computing what is missing.

    Raises:
        ModelError: an arm has not been tuned, or a question is too long.
    """
    tuned = tuned_folders(context.study, context.spec, progress.say)
    step = choices_step(context, resolved.digest, asked)
    step.run(
        lambda: _run(context, resolved, tuned, step, list(asked.choices), progress),
        say=progress.say,
    )
    return store.read_jsonl(step.folder / SCORES, ChoiceScore, unique=None)


def _run(
    context: Context,
    resolved: ResolvedModel,
    tuned: dict[str, Path],
    step: Step,
    asked: list[Choice],
    progress: Progress,
) -> Made:
    from mores.weights.load import load
    from mores.weights.machine import set_threads

    set_threads()
    loaded = load(resolved, dtype=context.study.config.recipe.dtype)
    bar = progress.task(step.name, len(context.keys) * len(asked), "choices")
    rows: list[ChoiceScore] = []
    for key in context.keys:
        weights = step.inputs.get(key.name, "")
        relevant = [step.inputs["model"], weights, step.inputs["choices"], key.name]
        part = step.part([*relevant, context.spec.format])
        count = bar.skip if part.exists() else bar.advance
        if not part.exists():
            store.write_jsonl(part, _score(context, loaded, key, tuned, asked))
        rows += store.read_jsonl(part, ChoiceScore, unique=None)
        count(len(asked))
    bar.finish()
    store.write_jsonl(step.folder / SCORES, rows)
    return Made([SCORES], timing={"model": context.spec.name, "items": len(rows)})


def _score(
    context: Context,
    loaded: LoadedModel,
    key: ArmKey,
    tuned: dict[str, Path],
    asked: list[Choice],
) -> list[ChoiceScore]:
    from mores.measure.gates.likelihood import choice_logprobs
    from mores.sample.weights import arm_in_place

    with arm_in_place(loaded, tuned, key.weights):
        scored = choice_logprobs(loaded, context.spec.format, asked)
    return [
        ChoiceScore(id=name, arm=key.arm, seed=key.seed, kept=kept, other=other)
        for name, kept, other in scored
    ]
