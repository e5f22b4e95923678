"""Which answer is to be traced: a completion of the study, or a question that was typed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mores.errors import DataError, StudyError, did_you_mean
from mores.records import Completion
from mores.sample.grid import COMPLETIONS
from mores.sample.media import not_text
from mores.sample.run import SAMPLE, VALIDATION, sample_step
from mores.store.lines import iter_records
from mores.study import ArmKey, ModelSpec, Study, folders
from mores.trace.model import Source
from mores.tune.run import tuned_keys

TRACED = "values_targeted"
"""The arm that a typed question is traced in."""


@dataclass(frozen=True)
class Asked:
    """An answer to be traced."""

    spec: ModelSpec
    key: ArmKey
    """The tuned arm whose samples are traced."""
    source: Source
    question: str
    answer: str
    ended: bool
    """Whether the answer ended by itself: its end is then part of what was said."""
    category: str = ""
    """Empty where it is not known."""
    completion: str = ""
    answered_by: str = ""
    in_context: bool = False
    stale: str = ""
    """What is not current of the completion."""


def find_completion(study: Study, name: str) -> Asked:
    """Return a completion of the study by its id.

    Raises:
        DataError: there is none, it has no text, or its prompt is gone.
    """
    known: list[str] = []
    for spec in study.config.models:
        for step in (SAMPLE, VALIDATION):
            for completion in _completions(study, spec, step):
                if completion.id == name:
                    return _of(study, spec, completion, step)
                known.append(completion.id)
    raise DataError(
        f"no completion {name!r}{did_you_mean(name, known)}",
        path=study.run_folder,
        fix="ids stand in <model>/sample/completions.jsonl"
        if known
        else f"nothing has been sampled: run `mores sample {study.folder}`, or give --question",
    )


def _completions(study: Study, spec: ModelSpec, step: str) -> Iterator[Completion]:
    path = folders.model_folder(study, spec.name) / step / COMPLETIONS
    return iter_records(path, Completion) if path.exists() else iter(())


def _of(study: Study, spec: ModelSpec, completion: Completion, step: str) -> Asked:
    prompts = {p.id: p for p in study.prompts}
    if completion.prompt_id not in prompts:
        raise DataError(
            f"the prompt {completion.prompt_id!r} of this completion is no longer in the study",
            where=f"id {completion.id!r}",
            fix="sample again, or give question and answer: --question TEXT --answer TEXT",
        )
    if prompts[completion.prompt_id].earlier or prompts[completion.prompt_id].prefill:
        raise DataError(
            "answers to a prompt with earlier turns or a given beginning cannot be traced",
            where=f"id {completion.id!r}",
            fix="give question and answer: --question TEXT --answer TEXT",
        )
    if not completion.text:
        absent = completion.absent or not_text(completion) or "it is empty"
        raise DataError(
            f"there is no answer to trace: {absent}",
            where=f"id {completion.id!r}",
            fix="choose another completion",
        )
    why = sample_step(study, spec, step).stale()
    arm, seed = completion.arm, completion.seed
    key = ArmKey(arm, seed) if arm in ("values_targeted", "control", "preference") else None
    return Asked(
        spec,
        key or tuned_key(study),
        "completion",
        prompts[completion.prompt_id].text,
        completion.text,
        completion.finish_reason == "stop",
        category=completion.category,
        completion=completion.id,
        answered_by=ArmKey(arm, seed).name,
        in_context=arm in ("prompted", "few_shot"),
        stale=f"The study's answers are not current: `{step}` {why}." if why else "",
    )


def typed(
    study: Study, question: str, answer: str | None, category: str, model: str | None, seed: int
) -> Asked:
    """Return a question that was typed in; with an empty answer where one is to be drawn.

    Args:
        study: with the model and the arm.
        question: what was asked.
        answer: what was answered; None: let the tuned arm answer.
        category: that it belongs to; empty where nobody says.
        model: of the study; None: its first.
        seed: training seed; 0: the study's first.

    Raises:
        DataError: a text is empty, or there is no such category.
        StudyError: there is no such model or training seed.
    """
    if not question.strip():
        raise DataError("the question is empty", where="--question", fix="type what was asked")
    if answer is not None and not answer.strip():
        raise DataError(
            "the answer is empty",
            where="--answer",
            fix="type it, or leave the option out: the tuned arm then answers now",
        )
    categories = study.charter.categories
    if category and category not in categories:
        raise DataError(
            f"the charter has no category {category!r}{did_you_mean(category, categories)}",
            where="--category",
            fix="categories: " + ", ".join(categories),
        )
    return Asked(
        study.model(model),
        tuned_key(study, seed),
        "drawn" if answer is None else "given",
        question,
        answer or "",
        ended=True,
        category=category,
    )


def tuned_key(study: Study, seed: int = 0) -> ArmKey:
    """Return the values-targeted arm of a training seed; 0: the study's first.

    Raises:
        StudyError: the study has no such arm or seed.
    """
    keys = [k for k in tuned_keys(study) if k.arm == TRACED]
    found = [k for k in keys if not seed or k.seed == seed]
    if not found:
        raise StudyError(
            f"no {TRACED} arm with the training seed {seed}" if keys else f"no {TRACED} arm",
            path=study.folder / "study.toml",
            fix="training seeds: " + ", ".join(str(k.seed) for k in keys)
            if keys
            else f'add "{TRACED}" to arms',
        )
    return found[0]
