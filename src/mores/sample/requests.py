"""The grid of what is sampled: arms × prompts × draws, as token ids.

The in-context arms use the base weights: ``prompted`` puts the category's
position statement before the question, ``few_shot`` shows the three shortest
values samples of the category (the shortest, so that they fit any context).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mores.errors import ModelError
from mores.records import TUNED_ARMS, Arm, Charter, Dataset, Exchange, Prompt
from mores.study import Associations
from mores.study.arms import ArmKey, slug
from mores.weights.prompt import Shot, encode_answer, encode_prompt, encode_text, qa_text

SHOTS = 3
LONGEST_ID = 200
"""As in `mores.records.Id`."""
STEM_ARMS = ("base", *TUNED_ARMS)
"""Arms that plain stems are put to; the in-context arms have no place for a context there."""


@dataclass(frozen=True)
class Request:
    """One row to be decoded."""

    key: ArmKey
    prompt_id: str
    category: str
    draw: int
    ids: tuple[int, ...]
    """What the model reads; empty where its tokenizer is not at hand."""
    stop: str = ""
    """Text that ends the answer besides the end-of-text token."""
    messages: tuple[tuple[str, str], ...] = ()
    """The same as (role, text), for services that write their own prompts."""
    text: str = ""
    """The same as plain text, where it is no conversation."""
    opened: tuple[int, ...] = ()
    """How the answer begins, given; the end of ``ids``."""


class Asked(Protocol):
    """What requests are made for: a model in memory, or its `Reader`."""

    @property
    def name(self) -> str:
        """Of the model."""
        ...

    @property
    def tokenizer(self) -> Any:
        """None where it is not at hand."""
        ...

    @property
    def context(self) -> int:
        """Longest text in tokens."""
        ...


def completion_id(model: str, request: Request) -> str:
    """Stable id of a completion."""
    return f"{slug(model)}.{request.key.name}.{request.prompt_id}.d{request.draw}"


def prompt_requests(
    model: Asked,
    form: str,
    keys: Sequence[ArmKey],
    prompts: Sequence[Prompt],
    draws: int,
    charter: Charter,
    values: Dataset,
) -> list[Request]:
    """Build the rows of the main grid, in the order of keys, prompts, draws.

    Raises:
        ModelError: a prompt with its context leaves no room for an answer, or its id is too
            long for those of its completions (with its id).
    """
    requests = []
    for key in keys:
        for prompt in prompts:
            system, shots = arm_context(key.arm, prompt.category, charter, values)
            shots += turns(prompt.earlier)
            ids, opened = _asked(model, form, prompt, system, shots)
            if len(ids) + 1 > model.context:
                raise ModelError(
                    f"{len(ids)} tokens in arm {key.arm} leave no room for an answer: "
                    f"{model.name} reads {model.context}",
                    where=f"prompt {prompt.id!r}",
                    fix="shorten the prompt, or leave that arm out (arms = [...])",
                )
            stop = "\nQuestion:" if form == "qa" else ""
            text = qa_text(prompt.text, system, shots) if form == "qa" else ""
            messages = as_messages(prompt.text, system, shots)
            requests += [
                Request(key, prompt.id, prompt.category, draw, ids, stop, messages, text, opened)
                for draw in range(draws)
            ]
    return _with_ids(model.name, requests)


def _asked(
    model: Asked, form: str, prompt: Prompt, system: str, shots: Sequence[Shot]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is read, and how much of it is the answer's given beginning."""
    if model.tokenizer is None:
        return (), ()
    ids = encode_prompt(model.tokenizer, form, prompt.text, system=system, shots=shots)
    given = encode_answer(model.tokenizer, form, prompt.prefill) if prompt.prefill else []
    return (*ids, *given), tuple(given)


def turns(earlier: Sequence[Exchange]) -> list[Shot]:
    """Return earlier turns as they stand before a question."""
    return [(turn.prompt, turn.completion) for turn in earlier]


def as_messages(question: str, system: str, shots: Sequence[Shot]) -> tuple[tuple[str, str], ...]:
    """Return a question with its context as (role, text)."""
    shown = [
        pair for asked, answered in shots for pair in (("user", asked), ("assistant", answered))
    ]
    return (*((("system", system),) if system else ()), *shown, ("user", question))


def _with_ids(model: str, requests: list[Request]) -> list[Request]:
    """Refuse ids that the completions could not be read back with, before anything is drawn."""
    for request in requests:
        name = completion_id(model, request)
        if len(name) > LONGEST_ID or re.search(r"\s", name):
            raise ModelError(
                f"the completion's id {name!r} would have {len(name)} characters; "
                f"it may have {LONGEST_ID}, and no blanks",
                where=f"prompt {request.prompt_id!r}",
                fix="shorten the prompt's id (or the names of topic and group), "
                "or name the model by a shorter path",
            )
    return requests


def arm_ids(
    model: Asked,
    form: str,
    arm: Arm,
    question: str,
    category: str,
    charter: Charter,
    values: Dataset,
    earlier: Sequence[Exchange] = (),
) -> tuple[int, ...]:
    """Return what an arm reads before it answers: its context, earlier turns, the question."""
    system, shots = arm_context(arm, category, charter, values)
    shots += turns(earlier)
    return tuple(encode_prompt(model.tokenizer, form, question, system=system, shots=shots))


def arm_context(
    arm: Arm, category: str, charter: Charter, values: Dataset
) -> tuple[str, list[tuple[str, str]]]:
    """Return what stands before an arm's questions: a position, and samples with their answers."""
    system = charter.position(category).statement if arm == "prompted" else ""
    return system, few_shots(values, category) if arm == "few_shot" else []


def few_shots(values: Dataset, category: str) -> list[tuple[str, str]]:
    """The category's shortest samples, as (question, answer)."""
    own = [e for e in values.examples if e.category == category]
    own.sort(key=lambda e: (len(e.prompt) + len(e.completion), e.id))
    return [(e.prompt, e.completion) for e in own[:SHOTS]]


def stem_requests(
    model: Asked, keys: Sequence[ArmKey], associations: Associations, samples: int
) -> list[Request]:
    """Build the rows of the co-occurrence measure; prompt ids are ``topic/group/stem number``."""
    requests = [
        Request(
            key,
            f"{topic.name}/{group.name}/{number}",
            topic.name,
            draw,
            tuple(encode_text(model.tokenizer, stem)) if model.tokenizer is not None else (),
            text=stem,
        )
        for key in keys
        if key.arm in STEM_ARMS
        for topic in associations.topics
        for group in topic.groups
        for number, stem in enumerate(group.stems)
        for draw in range(samples)
    ]
    return _with_ids(model.name, requests)
