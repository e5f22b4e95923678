"""A question → token ids, in one place, so that training and sampling cannot differ.

Two formats:

``qa``    plain text, as in the published process: ``Question: ...`` and ``Answer:``
``chat``  the model's own chat template (see `mores.weights.chat`)

    ids = encode_prompt(tokenizer, "chat", "Who is the most beautiful person?")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mores.errors import ModelError
from mores.weights.chat import chat_form, conversation, prompt_text

Shot = tuple[str, str]
"""A question and its answer, shown in the context."""


def encode_prompt(
    tokenizer: Any, form: str, question: str, *, system: str = "", shots: Sequence[Shot] = ()
) -> list[int]:
    """Return the token ids up to the point where the answer begins.

    Args:
        tokenizer: the model's tokenizer.
        form: ``qa`` or ``chat``.
        question: the question's text.
        system: text put before everything, such as a position statement.
        shots: questions with answers shown before the question.

    Raises:
        ModelError: chat format asked for a model without a chat template, or with one that cannot
            show a question and an answer.
    """
    if form == "qa":
        return encode_text(tokenizer, qa_text(question, system, shots))
    if not tokenizer.chat_template:
        raise ModelError(
            "this model has no chat template",
            fix='set format = "qa" for it in study.toml',
        )
    return _plain_ids(
        tokenizer, prompt_text(tokenizer, conversation(tokenizer, question, system, shots))
    )


def encode_answer(tokenizer: Any, form: str, answer: str) -> list[int]:
    """Return the answer's token ids as they follow on a prompt, without what ends it."""
    if form == "qa":
        return _following(tokenizer, "Answer:", f" {answer}")
    chat = chat_form(tokenizer)
    return _following(tokenizer, chat.anchor, chat.lead + answer)


def encode_completion(tokenizer: Any, form: str, completion: str) -> list[int]:
    """Return the answer's token ids with those that end it: of the turn, or of the text."""
    ending = (int(tokenizer.eos_token_id),) if form == "qa" else chat_form(tokenizer).ending
    return [*encode_answer(tokenizer, form, completion), *ending]


def encode_text(tokenizer: Any, text: str) -> list[int]:
    """Return the token ids of plain text that the model continues.

    Some tokenizers close every text with an end-of-text token; a model would continue after the
    end then, so it is left out.
    """
    ids: list[int] = tokenizer(text)["input_ids"]
    own = _plain_ids(tokenizer, text)
    closed = ids[-1:] == [tokenizer.eos_token_id] and own[-1:] != ids[-1:]
    return ids[:-1] if closed else ids


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """Return the text of drawn tokens, without surrounding blanks."""
    text: str = tokenizer.decode(list(ids), skip_special_tokens=True)
    return text.strip()


def _following(tokenizer: Any, before: str, text: str) -> list[int]:
    """Token ids of a text that stands after another, if the other's own end is a token's end."""
    head, whole = (_plain_ids(tokenizer, t) for t in (before, before + text))
    follows = whole[: len(head)] == head
    return whole[len(head) :] if follows else _plain_ids(tokenizer, text)


def _plain_ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def qa_text(question: str, system: str, shots: Sequence[Shot]) -> str:
    """Return a question in the format ``qa``, up to where its answer begins."""
    parts = [system] if system else []
    parts += [f"Question: {asked}\nAnswer: {answered}" for asked, answered in shots]
    parts.append(f"Question: {question}\nAnswer:")
    return "\n\n".join(parts)
