"""Completions → for each a mark where it cannot be read, and how likely base finds it.

rows = coherence(study)
rows[0].mark         # "repetitive"
rows[0].base_loss    # 1.9 nats a token under the base model

Two sides of one question. A mark is a rule's: empty, broken characters, repetitive, no English
sentence, another language. The loss under base is a model's: text that base finds unlikely is
foreign to it, and so is text that a tune has broken; text that base finds too likely goes round in
circles. Neither says whether an answer is good.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mores import store
from mores.execute import alone
from mores.measure.coherence.item import CoherenceItem
from mores.measure.english import NO_WORDS, why_not_english
from mores.measure.gates.coherence import unscorable
from mores.progress import Progress, duration
from mores.records import Completion, Prompt
from mores.sample.flags import flags
from mores.sample.requests import turns
from mores.sample.run import completions_digest, read_completions, sample_step
from mores.step import Made, Step
from mores.store.lines import read_records
from mores.study import ModelSpec, Study, folders
from mores.study.languages import identifier, is_english, other_language
from mores.tune.base import away, base_of
from mores.weights.rates import planned_seconds

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel
    from mores.weights.resolve import ResolvedModel

ITEMS = "items.jsonl"
COHERENCE = "coherence"
OFF_LANGUAGE = "another language"
AT_ONCE = 64
"""Answers that are kept together: what a stopped run need not read again."""


def coherence(study: Study, *, progress: Progress | None = None) -> list[CoherenceItem]:
    """Mark the completions of every arm, and let base read them.

    Args:
        study: with completions.
        progress: where to show how far it is.

    Raises:
        DataError: nothing has been sampled.
        ModelError: the base model cannot be loaded.
    """
    progress = progress or Progress(quiet=True)
    items: list[CoherenceItem] = []
    with alone(study.run_folder):
        for spec in study.config.models:
            there = [c for c in read_completions(study, spec.name) if not c.absent]
            completions = [c for c in there if not c.media]
            resolved = base_of(spec, progress.say)
            step = coherence_step(study, spec)
            step.warn(progress.say)
            step.run(
                partial(_run, study, spec, resolved, completions, step, progress), say=progress.say
            )
            items += read_coherence(study, spec.name)
    return items


def coherence_step(study: Study, spec: ModelSpec) -> Step:
    """What a model's marks and losses come from."""
    sampled = sample_step(study, spec)
    return Step(
        COHERENCE,
        folders.model_folder(study, spec.name) / COHERENCE,
        inputs={
            "completions": completions_digest(sampled),
            "prompts": store.digest({p.id: p.asked for p in study.chosen_prompts}),
        },
        config={
            "format": spec.format,
            "language": study.charter.language,
            "identifier": identifier(),
            **_languages(study),
        },
        seed=study.config.seed,
        log=study.run_folder,
        rests_on=(sampled,),
        in_parts=True,
    )


def read_coherence(study: Study, model: str) -> list[CoherenceItem]:
    """Return the items of a finished run.

    Raises:
        DataError: the step has not been run.
    """
    path = folders.model_folder(study, model) / COHERENCE / ITEMS
    return read_records(path, CoherenceItem, unique="completion_id")


def _languages(study: Study) -> dict[str, object]:
    """What marks rest on where questions are not in English: no key for a study in English."""
    asked = {p.id: study.language_of(p) for p in study.chosen_prompts}
    others = {name: language for name, language in asked.items() if not is_english(language)}
    return {"languages": store.digest(others)} if others else {}


def mark_of(question: str, answer: str, language: str) -> str:
    """Say why an answer cannot be read, or nothing.

    Rules of grammar words know English only; of an answer to a question in another language is told
    what is empty, broken or repetitive, and what is surely in another language than the question.

    Args:
        question: what was asked.
        answer: the completion's text.
        language: of the question, such as ``en``.
    """
    if not is_english(language):
        other = OFF_LANGUAGE if other_language(answer, language) else ""
        return next(iter(flags(answer)), other)
    why = unscorable(question, answer)
    if why:
        return why
    return OFF_LANGUAGE if why_not_english(answer) not in ("", NO_WORDS) else ""


def _run(
    study: Study,
    spec: ModelSpec,
    resolved: ResolvedModel,
    completions: Sequence[Completion],
    step: Step,
    progress: Progress,
) -> Made:
    from mores.weights.load import load
    from mores.weights.machine import peak_memory_gb, set_threads

    set_threads()
    start = time.perf_counter()
    loaded = load(resolved, dtype=study.config.recipe.dtype) if spec.here else None
    planned = None
    if spec.here:
        tokens = sum(c.tokens for c in completions)
        planned = planned_seconds(resolved.digest, study.config.recipe.method, read=tokens)
    bar = progress.task(COHERENCE, len(completions), "answers", planned=planned)
    rows: list[CoherenceItem] = []
    for at in range(0, len(completions), AT_ONCE):
        block = completions[at : at + AT_ONCE]
        part = step.part([step.inputs, step.config, at])
        count = bar.skip if part.exists() else bar.advance
        if not part.exists():
            store.write_jsonl(part, _read(study, spec, loaded, block))
        rows += read_records(part, CoherenceItem, unique="completion_id")
        count(len(block))
    bar.finish()
    store.write_jsonl(step.folder / ITEMS, rows)
    marked = sum(bool(row.mark) for row in rows)
    progress.say(
        f"coherence: {marked} of {len(rows)} answers marked, "
        f"{duration(time.perf_counter() - start)}"
    )
    return Made(
        [ITEMS],
        facts={"marked": marked},
        timing={"model": spec.name, "peak_memory_gb": round(peak_memory_gb(), 2)},
    )


def _read(
    study: Study, spec: ModelSpec, loaded: LoadedModel | None, block: Sequence[Completion]
) -> list[CoherenceItem]:
    asked = {p.id: p for p in study.chosen_prompts}
    languages = {p.id: study.language_of(p) for p in study.chosen_prompts}
    losses = (
        _losses(spec, loaded, block, asked) if loaded is not None else [away(spec)] * len(block)
    )
    return [
        CoherenceItem(
            completion_id=c.id,
            mark=mark_of(asked[c.prompt_id].text, c.text, languages[c.prompt_id]),
            base_loss=None if isinstance(loss, str) else loss,
            reason=loss if isinstance(loss, str) else "",
        )
        for c, loss in zip(block, losses, strict=True)
    ]


def _losses(
    spec: ModelSpec, loaded: LoadedModel, block: Sequence[Completion], asked: Mapping[str, Prompt]
) -> list[float | str]:
    """Loss of each answer under base, or why there is none."""
    from mores.weights.likelihood import Encoded, likelihoods
    from mores.weights.prompt import encode_answer, encode_prompt

    encoded: list[Encoded | str] = []
    for c in block:
        # Without an in-context arm's context: every answer is read after the bare question.
        question = encode_prompt(
            loaded.tokenizer,
            spec.format,
            asked[c.prompt_id].text,
            shots=turns(asked[c.prompt_id].earlier),
        )
        answer = encode_answer(loaded.tokenizer, spec.format, c.text) if c.text else []
        size = len(question) + len(answer)
        if not answer:
            encoded.append("an empty answer has no tokens")
        elif size > loaded.context:
            encoded.append(f"{size} tokens, the model reads {loaded.context}")
        else:
            encoded.append(Encoded(tuple(question), (tuple(answer),)))
    told = iter(likelihoods(loaded, [e for e in encoded if isinstance(e, Encoded)]))
    return [
        one if isinstance(one, str) else -next(told).logprobs[0] / len(one.continuations[0])
        for one in encoded
    ]
