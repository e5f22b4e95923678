"""Items of a task → a value for each, from the log-probabilities of its continuations.

Log-probabilities are those of the continuation's tokens given the context, with
the tokens that the whole text has (as the lm-evaluation-harness splits them). An
empty context is the beginning-of-text token, or the end-of-text token for models
that have none.

    results = score_items(loaded, task)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mores.measure.capability.task import Item, Task
from mores.weights.likelihood import Encoded, Likelihood, OnItems, likelihoods
from mores.weights.prompt import encode_text

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel


@dataclass(frozen=True)
class ItemResult:
    """One item's value, or why there is none."""

    item_id: str
    value: float | None
    """1 right, 0 wrong; for prose, bits per byte."""
    logprob: float | None
    """Log-probability of the right continuation, in nats."""
    reason: str = ""


def score_items(
    loaded: LoadedModel, task: Task, *, on_items: OnItems | None = None
) -> list[ItemResult]:
    """Score every item of a task, in task order.

    An item that does not fit the model's context has no value, and says so; nothing is cut.
    """
    encoded = [_encode(loaded, item) for item in task.items]
    reasons = [_unscorable(one, loaded.context) for one in encoded]
    fit = [one for one, why in zip(encoded, reasons, strict=True) if not why]
    told = iter(likelihoods(loaded, fit, on_items))
    return [
        ItemResult(item.id, None, None, why) if why else _result(task, item, next(told))
        for item, why in zip(task.items, reasons, strict=True)
    ]


def _encode(loaded: LoadedModel, item: Item) -> Encoded:
    tokenizer = loaded.tokenizer
    if not item.context:
        start = tokenizer.bos_token_id
        first = (int(start if start is not None else loaded.eos),)
        choices = [tokenizer(c, add_special_tokens=False)["input_ids"] for c in item.choices]
        return Encoded(first, tuple(tuple(c) for c in choices))
    context = tuple(encode_text(tokenizer, item.context))
    whole = [encode_text(tokenizer, item.context + c) for c in item.choices]
    return Encoded(context, tuple(tuple(w[len(context) :]) for w in whole))


def _unscorable(one: Encoded, limit: int) -> str:
    """Say why the model cannot be asked, or nothing."""
    if one.longest > limit:
        return f"{one.longest} tokens, the model reads {limit}"
    return "" if all(one.continuations) else "no tokens"


def _result(task: Task, item: Item, told: Likelihood) -> ItemResult:
    right = told.logprobs[item.gold]
    if not all(map(math.isfinite, told.logprobs)):
        # Every comparison with NaN is false: a broken model would else get full marks for pairs.
        return ItemResult(item.id, None, None, "the model's log-probability is not a number")
    if task.kind == "text":
        size = len(item.choices[0].encode("utf-8"))
        return ItemResult(item.id, -right / math.log(2) / size, right)
    if task.kind == "last_word":
        return ItemResult(item.id, float(told.greedy[0]), right)
    marks = told.logprobs
    if task.by_length:
        marks = [s / len(c.encode("utf-8")) for s, c in zip(marks, item.choices, strict=True)]
    best = max(range(len(marks)), key=marks.__getitem__)
    return ItemResult(item.id, float(best == item.gold), right)
