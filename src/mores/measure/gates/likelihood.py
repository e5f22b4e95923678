"""Log-probabilities of two short answers to a question, in the form the model is asked in.

Takes questions with two answers each, gives for each the log-probability of either answer's
tokens after the question (in nats; the end-of-text token is not counted). Questions are encoded as
for sampling, so that the model sees what it would be asked.

    for name, kept, other in choice_logprobs(loaded, "chat", choices): ...
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mores.errors import ModelError
from mores.measure.gates.prompts import Choice
from mores.weights.likelihood import Encoded, likelihoods
from mores.weights.prompt import encode_answer, encode_prompt

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel


def choice_logprobs(
    loaded: LoadedModel, form: str, choices: Sequence[Choice]
) -> list[tuple[str, float, float]]:
    """Return (id, log-probability of ``kept``, of ``other``), in the order of the choices.

    Raises:
        ModelError: a question with an answer does not fit the model's context, or the model
            gives something that is no number.
    """
    encoded = [_encode(loaded, form, choice) for choice in choices]
    rows = []
    for choice, told in zip(choices, likelihoods(loaded, encoded), strict=True):
        kept, other = told.logprobs
        if not (math.isfinite(kept) and math.isfinite(other)):
            raise ModelError(
                f"{loaded.name} gives a log-probability that is not a number",
                where=f"choice {choice.id!r}",
                fix="the tune diverged; tune again with a lower learning_rate",
            )
        rows.append((choice.id, kept, other))
    return rows


def _encode(loaded: LoadedModel, form: str, choice: Choice) -> Encoded:
    answers = (
        tuple(encode_answer(loaded.tokenizer, form, answer))
        for answer in (choice.kept, choice.other)
    )
    encoded = Encoded(tuple(encode_prompt(loaded.tokenizer, form, choice.text)), tuple(answers))
    if encoded.longest > loaded.context:
        raise ModelError(
            f"{encoded.longest} tokens, {loaded.name} reads {loaded.context}",
            where=f"choice {choice.id!r}",
            fix="shorten it",
        )
    return encoded
