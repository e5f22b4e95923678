"""Log-probabilities of two short answers to a question, in the form the model is asked in.

Takes questions with two answers each, gives for each the log-probability of either answer's
tokens after the question (in nats; the end-of-text token is not counted). Questions are encoded as
for sampling, so that the model sees what it would be asked.

    for name, kept, other in choice_logprobs(loaded, "chat", choices): ...
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mores.errors import ModelError
from mores.measure.gates.prompts import Choice
from mores.weights.attention import Layout, Tree
from mores.weights.prompt import encode_completion, encode_prompt

if TYPE_CHECKING:
    from mores.weights.load import LoadedModel

PASS_TOKENS = 2048
"""Tokens in one forward pass; bounds memory."""


@dataclass(frozen=True)
class _Encoded:
    id: str
    question: tuple[int, ...]
    answers: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def size(self) -> int:
        return len(self.question) + sum(map(len, self.answers))


@torch.inference_mode()
def choice_logprobs(
    loaded: LoadedModel,
    form: str,
    choices: Sequence[Choice],
    on_items: Callable[[int], None] | None = None,
) -> list[tuple[str, float, float]]:
    """Return (id, log-probability of ``kept``, of ``other``), in the order of the choices.

    Raises:
        ModelError: a question with an answer does not fit the model's context, or the model
            gives something that is no number.
    """
    found = []
    for block in _passes([_encode(loaded, form, choice) for choice in choices]):
        for one, (kept, other) in zip(block, _score(loaded, block), strict=True):
            if not (math.isfinite(kept) and math.isfinite(other)):
                raise ModelError(
                    f"{loaded.name} gives a log-probability that is not a number",
                    where=f"choice {one.id!r}",
                    fix="the tune diverged; tune again with a lower learning_rate",
                )
            found.append((one.id, kept, other))
        if on_items:
            on_items(len(block))
    return found


def _encode(loaded: LoadedModel, form: str, choice: Choice) -> _Encoded:
    question = tuple(encode_prompt(loaded.tokenizer, form, choice.text))
    kept, other = (
        # Without the end-of-text token that ends a training answer.
        tuple(encode_completion(loaded.tokenizer, form, answer)[:-1])
        for answer in (choice.kept, choice.other)
    )
    longest = len(question) + max(len(kept), len(other))
    if longest > loaded.context:
        raise ModelError(
            f"{longest} tokens, {loaded.name} reads {loaded.context}",
            where=f"choice {choice.id!r}",
            fix="shorten it",
        )
    return _Encoded(choice.id, question, (kept, other))


def _passes(encoded: Sequence[_Encoded]) -> Iterator[list[_Encoded]]:
    block: list[_Encoded] = []
    size = 0
    for one in encoded:
        if block and size + one.size > PASS_TOKENS:
            yield block
            block, size = [], 0
        block.append(one)
        size += one.size
    if block:
        yield block


def _score(loaded: LoadedModel, block: Sequence[_Encoded]) -> list[tuple[float, float]]:
    layout = Layout(tuple(Tree(len(e.question), tuple(map(len, e.answers))) for e in block))
    ids = [token for e in block for part in (e.question, *e.answers) for token in part]
    hidden = loaded.hidden(torch.tensor(ids), layout)
    found = []
    at = 0
    for one in block:
        last = at + len(one.question) - 1
        start = last + 1
        sums = []
        for answer in one.answers:
            # The question's last state predicts an answer's first token, its own states the rest.
            sources = [last, *range(start, start + len(answer) - 1)]
            sums.append(_total(loaded, hidden[torch.tensor(sources)], answer))
            start += len(answer)
        found.append((sums[0], sums[1]))
        at = start
    return found


def _total(loaded: LoadedModel, states: torch.Tensor, tokens: Sequence[int]) -> float:
    logits = loaded.logits(states).float()
    targets = torch.tensor(tokens, device=logits.device)
    picked = logits.gather(-1, targets[:, None])[:, 0]
    return float((picked - logits.logsumexp(-1)).double().sum())
