"""A question → token ids, in one place, so that training and sampling cannot differ.

Two formats:

``qa``    plain text, as in the published process: ``Question: ...`` and ``Answer:``
``chat``  the model's own chat template

    ids = encode_prompt(tokenizer, "chat", "Who is the most beautiful person?")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mores.errors import ModelError

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
        ModelError: chat format asked for a model without a chat template.
    """
    if form == "qa":
        ids: list[int] = tokenizer(_qa(question, system, shots))["input_ids"]
        return ids
    if not tokenizer.chat_template:
        raise ModelError(
            "this model has no chat template",
            fix='set format = "qa" for it in study.toml',
        )
    messages = [{"role": "system", "content": system}] if system else []
    for asked, answered in shots:
        messages += [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": answered},
        ]
    messages.append({"role": "user", "content": question})
    encoded = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True
    )
    return list(encoded["input_ids"])


def encode_completion(tokenizer: Any, form: str, completion: str) -> list[int]:
    """Return the answer's token ids, with the end-of-text token that ends it."""
    text = f" {completion}" if form == "qa" else completion
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return [*ids, int(tokenizer.eos_token_id)]


def encode_text(tokenizer: Any, text: str) -> list[int]:
    """Return the token ids of plain text that the model continues."""
    ids: list[int] = tokenizer(text)["input_ids"]
    return ids


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """Return the text of drawn tokens, without surrounding blanks."""
    text: str = tokenizer.decode(list(ids), skip_special_tokens=True)
    return text.strip()


def _qa(question: str, system: str, shots: Sequence[Shot]) -> str:
    parts = [system] if system else []
    parts += [f"Question: {asked}\nAnswer: {answered}" for asked, answered in shots]
    parts.append(f"Question: {question}\nAnswer:")
    return "\n\n".join(parts)
