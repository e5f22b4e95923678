"""A judge whose weights are on this machine: how likely each digit is after the prompt.

Nothing is drawn: the rating is the likeliest of the digits 0 to 5, so that every model gives one,
the same each time. How much the model would rather say something else is not hidden: the digits'
log-probabilities are kept, and what they leave over is reported.

    for answer in judge_here(loaded, requests, book): ...
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mores.rate.judge.answer import DIGITS, JudgeAnswer
from mores.rate.judge.book import Book
from mores.rate.judge.requests import Request

if TYPE_CHECKING:
    from mores.weights.likelihood import Encoded
    from mores.weights.loaded import LoadedModel

CHUNK = 16
"""Requests that go through the model and are kept together."""
LONG = "longer than the judge's context"
TIE = "two digits are equally likely"


def judge_here(
    loaded: LoadedModel, requests: Sequence[Request], book: Book, on_items: Callable[[int], None]
) -> None:
    """Ask a model on this machine; answers are kept in the book.

    Args:
        loaded: the judge.
        requests: all of them, in order: chunks are the same at every run, so that numbers are.
        book: what is there already, and takes the rest.
        on_items: told how many more are done.
    """
    for start in range(0, len(requests), CHUNK):
        chunk = requests[start : start + CHUNK]
        if any(request.key not in book.answers for request in chunk):
            for answer in _answers(loaded, chunk):
                if answer.key not in book.answers:
                    book.keep(answer)
        on_items(len(chunk))


def _answers(loaded: LoadedModel, chunk: Sequence[Request]) -> list[JudgeAnswer]:
    from mores.weights.likelihood import likelihoods

    encoded = [encode(loaded, request.text) for request in chunk]
    fit = [one.longest <= loaded.context for one in encoded]
    told = iter(likelihoods(loaded, [e for e, fits in zip(encoded, fit, strict=True) if fits]))
    return [
        _answer(request, next(told).logprobs if fits else None)
        for request, fits in zip(chunk, fit, strict=True)
    ]


def encode(loaded: LoadedModel, text: str) -> Encoded:
    """Return the prompt in the judge's own chat format (or as Question and Answer), and the digits.

    Args:
        loaded: the judge.
        text: the whole prompt.
    """
    from mores.weights.likelihood import Encoded
    from mores.weights.prompt import encode_answer, encode_prompt

    form = "chat" if loaded.tokenizer.chat_template else "qa"
    digits = tuple(tuple(encode_answer(loaded.tokenizer, form, str(n))) for n in DIGITS)
    return Encoded(tuple(encode_prompt(loaded.tokenizer, form, text)), digits)


def _answer(request: Request, logprobs: Sequence[float] | None) -> JudgeAnswer:
    value, reason = likeliest(logprobs) if logprobs else (None, LONG)
    return JudgeAnswer(
        key=request.key,
        item=request.item,
        order=request.order,
        value=value,
        reason=reason,
        logprobs=dict(zip(map(str, DIGITS), logprobs or (), strict=False)),
    )


def likeliest(logprobs: Sequence[float]) -> tuple[int | None, str]:
    """Return the likeliest digit, or why there is none."""
    if not all(map(math.isfinite, logprobs)):
        return None, "the judge gives no finite probabilities"
    best = max(logprobs)
    first = [n for n, logprob in zip(DIGITS, logprobs, strict=True) if logprob == best]
    return (first[0], "") if len(first) == 1 else (None, TIE)
