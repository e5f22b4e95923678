"""Forced choices → log-probabilities of both answers for base and every tuned arm.

    scores = score_choices(context, progress)

Kept in ``gates/choices``, one file an arm until all are done, so that a stopped run goes on.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores import step as steps
from mores import store
from mores.measure.gates.context import STEP, Context
from mores.measure.gates.prompts import Choice, choices
from mores.progress import Progress
from mores.records import Arm, Manifest, Record
from mores.study import folders
from mores.study.arms import ArmKey

if TYPE_CHECKING:
    from mores.weights.load import LoadedModel

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


def score_choices(context: Context, progress: Progress) -> list[ChoiceScore]:
    """Return the scores of all arms, computing what is missing.

    Raises:
        ModelError: an arm has not been tuned, or a question is too long.
        DataError: a local file is missing or a row cannot be used.
    """
    asked = choices(context.study)
    folder = context.folder / STEP / "choices"
    inputs = {
        "model": context.model_digest,
        **context.arm_digests,
        "choices": store.digest(asked),
    }
    config: dict[str, Any] = {
        "arms": [key.name for key in context.keys],
        "format": context.spec.format,
    }
    why = folders.outdated(folder, inputs, config)
    progress.say(f"{STEP}/choices: {why or 'done before, nothing changed'}")
    if why is not None:
        _run(context, asked, folder, inputs, progress)
        _finish(context, folder, inputs, config)
    return store.read_jsonl(folder / SCORES, ChoiceScore, unique=None)


def _run(
    context: Context, asked: list[Choice], folder: Path, inputs: dict[str, str], progress: Progress
) -> None:
    from mores.weights.load import load
    from mores.weights.machine import set_threads
    from mores.weights.resolve import resolve

    set_threads()
    start = time.perf_counter()
    loaded = load(resolve(context.spec.name), dtype=context.study.config.recipe.dtype)
    bar = progress.task(f"{STEP}/choices", len(context.keys) * len(asked), "choices")
    rows: list[ChoiceScore] = []
    for key in context.keys:
        relevant = [inputs["model"], inputs.get(key.name, ""), inputs["choices"], key.name]
        name = store.digest([*relevant, context.spec.format]).removeprefix("sha256:")[:24]
        part = folder / "parts" / f"{name}.jsonl"
        if not part.exists():
            store.write_jsonl(part, _score(context, loaded, key, asked))
        rows += store.read_jsonl(part, ChoiceScore, unique=None)
        bar.advance(len(asked))
    bar.finish()
    store.write_jsonl(folder / SCORES, rows)
    step = f"{STEP}/choices {context.spec.name}"
    steps.log_timing(context.study.run_folder, step, time.perf_counter() - start, items=len(rows))


def _score(
    context: Context, loaded: LoadedModel, key: ArmKey, asked: list[Choice]
) -> list[ChoiceScore]:
    from mores.measure.gates.likelihood import choice_logprobs
    from mores.sample.run import weights_in_place

    tuned = {key.name: folders.tune_folder(context.study, context.spec.name, key)}
    with weights_in_place(loaded, tuned, {key.weights}) as slices:
        slices[:] = [(key.weights, 0, 1 << 40)]
        scored = choice_logprobs(loaded, context.spec.format, asked)
    return [
        ChoiceScore(id=name, arm=key.arm, seed=key.seed, kept=kept, other=other)
        for name, kept, other in scored
    ]


def _finish(context: Context, folder: Path, inputs: dict[str, str], config: dict[str, Any]) -> None:
    manifest = Manifest(
        step=f"{STEP}/choices",
        inputs=inputs,
        outputs={SCORES: store.digest_file(folder / SCORES)},
        config=config,
        seed=context.study.config.seed,
        versions=steps.versions(),
    )
    steps.write_manifest(folder, manifest)
    shutil.rmtree(folder / "parts", ignore_errors=True)
