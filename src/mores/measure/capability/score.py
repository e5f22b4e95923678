"""Log-probabilities of continuations: a context once, its choices as branches.

Log-probabilities are those of the continuation's tokens given the context, with
the tokens that the whole text has (as the lm-evaluation-harness splits them). An
empty context is the beginning-of-text token, or the end-of-text token for models
that have none.

    results = score_items(loaded, task)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mores.measure.capability.task import Item, Task
from mores.weights.attention import Layout, Tree

if TYPE_CHECKING:
    from mores.weights.load import LoadedModel

PASS_TOKENS = 2048
"""Tokens in one forward pass; bounds memory."""
BLOCK = 512
"""Positions whose logits exist at the same time."""


@dataclass(frozen=True)
class ItemResult:
    """One item's value, or why there is none."""

    item_id: str
    value: float | None
    """1 right, 0 wrong; for prose, bits per byte."""
    logprob: float | None
    """Log-probability of the right continuation, in nats."""
    reason: str = ""


@dataclass(frozen=True)
class _Encoded:
    item: Item
    context: tuple[int, ...]
    choices: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        return len(self.context) + sum(map(len, self.choices))


OnItems = Callable[[int], None]


@torch.inference_mode()
def score_items(
    loaded: LoadedModel, task: Task, *, on_items: OnItems | None = None
) -> list[ItemResult]:
    """Score every item of a task, in task order.

    An item that does not fit the model's context has no value, and says so; nothing is cut.
    """
    encoded = [_encode(loaded, item) for item in task.items]
    results: dict[int, ItemResult] = {}
    for block in _passes(encoded, loaded.context, results):
        for index, result in zip(
            block, _score_block(loaded, task, [encoded[i] for i in block]), strict=True
        ):
            results[index] = result
        if on_items:
            on_items(len(block))
    return [results[i] for i in range(len(encoded))]


def _encode(loaded: LoadedModel, item: Item) -> _Encoded:
    tokenizer = loaded.tokenizer
    if not item.context:
        start = tokenizer.bos_token_id
        context = (int(start if start is not None else loaded.eos),)
        choices = [tokenizer(c, add_special_tokens=False)["input_ids"] for c in item.choices]
        return _Encoded(item, context, tuple(tuple(c) for c in choices))
    context = tuple(tokenizer(item.context)["input_ids"])
    whole = [tokenizer(item.context + c)["input_ids"] for c in item.choices]
    return _Encoded(item, context, tuple(tuple(w[len(context) :]) for w in whole))


def _passes(
    encoded: Sequence[_Encoded], limit: int, results: dict[int, ItemResult]
) -> Iterator[list[int]]:
    """Group items of similar size into passes; settle those that cannot be scored."""
    block: list[int] = []
    size = 0
    for index in sorted(range(len(encoded)), key=lambda i: (encoded[i].size, i)):
        one = encoded[index]
        longest = len(one.context) + max(map(len, one.choices))
        if longest > limit or not all(one.choices):
            why = f"{longest} tokens, the model reads {limit}" if longest > limit else "no tokens"
            results[index] = ItemResult(one.item.id, None, None, why)
            continue
        if block and size + one.size > PASS_TOKENS:
            yield block
            block, size = [], 0
        block.append(index)
        size += one.size
    if block:
        yield block


def _score_block(loaded: LoadedModel, task: Task, block: Sequence[_Encoded]) -> list[ItemResult]:
    layout = Layout(tuple(Tree(len(e.context), tuple(map(len, e.choices))) for e in block))
    ids = [t for e in block for part in (e.context, *e.choices) for t in part]
    hidden = loaded.hidden(torch.tensor(ids), layout)
    sources: list[int] = []
    targets: list[int] = []
    at = 0
    for one in block:
        last = at + len(one.context) - 1
        start = last + 1
        for choice in one.choices:
            # The context's last state predicts a choice's first token, its own states the rest.
            sources += [last, *range(start, start + len(choice) - 1)]
            targets += choice
            start += len(choice)
        at = start
    logprobs, greedy = _token_logprobs(loaded, hidden[torch.tensor(sources)], torch.tensor(targets))
    results = []
    at = 0
    for one in block:
        sums, hits = [], []
        for choice in one.choices:
            part = slice(at, at + len(choice))
            sums.append(float(logprobs[part].sum()))
            hits.append(bool(greedy[part].all()))
            at += len(choice)
        results.append(_result(task, one.item, sums, hits))
    return results


def _token_logprobs(
    loaded: LoadedModel, hidden: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of each target in nats, and whether it is the likeliest token."""
    logprobs, greedy = [], []
    for start in range(0, len(targets), BLOCK):
        part = targets[start : start + BLOCK].to(hidden.device)
        logits = loaded.logits(hidden[start : start + BLOCK]).float()
        picked = logits.gather(-1, part[:, None])[:, 0]
        logprobs.append((picked - logits.logsumexp(-1)).double().cpu())
        greedy.append((logits.argmax(-1) == part).cpu())
    return torch.cat(logprobs), torch.cat(greedy)


def _result(task: Task, item: Item, sums: list[float], hits: list[bool]) -> ItemResult:
    right = sums[item.gold]
    if not all(map(math.isfinite, sums)):
        # Every comparison with NaN is false: a broken model would else get full marks for pairs.
        return ItemResult(item.id, None, None, "the model's log-probability is not a number")
    if task.kind == "text":
        size = len(item.choices[0].encode("utf-8"))
        return ItemResult(item.id, -right / math.log(2) / size, right)
    if task.kind == "last_word":
        return ItemResult(item.id, float(hits[0]), right)
    marks = sums
    if task.by_length:
        marks = [s / len(c.encode("utf-8")) for s, c in zip(sums, item.choices, strict=True)]
    best = max(range(len(marks)), key=marks.__getitem__)
    return ItemResult(item.id, float(best == item.gold), right)
