"""Pairs of answers → how likely an arm finds each: mean log-likelihood a token, in nats.

    for told in score_pairs(loaded, "chat", "base", pairs, charter, values):
        told.aligned, told.opposed    # -2.31, -2.68

The mean a token, not the sum, so that an answer which happens to have a token more is not the less
likely for it (Holtzman et al. 2021, section 3.1, "average log-likelihood"). What ends the answer is
not counted: it says how long answers are, not what is in them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mores.records import Arm, Charter, Dataset, StancePair
from mores.sample.requests import arm_ids
from mores.weights.likelihood import Encoded, OnItems, likelihoods
from mores.weights.prompt import encode_answer

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

NOT_A_NUMBER = "the model's log-likelihood is not a number"


@dataclass(frozen=True)
class PairResult:
    """What a model makes of the two answers of a pair, or why that cannot be said."""

    aligned: float | None
    """Mean log-likelihood of its tokens, in nats a token."""
    opposed: float | None
    reason: str = ""


def score_pairs(
    loaded: LoadedModel,
    form: str,
    arm: Arm,
    pairs: Sequence[StancePair],
    charter: Charter,
    values: Dataset,
    *,
    on_items: OnItems | None = None,
) -> list[PairResult]:
    """Score both answers of every pair, in order, as the arm would read the question.

    A pair that does not fit the model's context has no value, and says so; nothing is cut.

    Args:
        loaded: the model, with the arm's weights in place.
        form: ``chat`` or ``qa``, as in training and sampling.
        arm: decides what stands before the question (see `mores.sample.requests.arm_ids`).
        pairs: questions with two answers.
        charter: gives the statement of the ``prompted`` arm.
        values: gives the samples of the ``few_shot`` arm.
        on_items: told how many are done, after each forward pass.
    """
    encoded = [_encode(loaded, form, arm, pair, charter, values) for pair in pairs]
    reasons = [_unscorable(one, loaded.context) for one in encoded]
    fit = [one for one, why in zip(encoded, reasons, strict=True) if not why]
    told = iter(likelihoods(loaded, fit, on_items))
    return [
        PairResult(None, None, why) if why else _result(one, next(told).logprobs)
        for one, why in zip(encoded, reasons, strict=True)
    ]


def _encode(
    loaded: LoadedModel,
    form: str,
    arm: Arm,
    pair: StancePair,
    charter: Charter,
    values: Dataset,
) -> Encoded:
    question = arm_ids(loaded, form, arm, pair.prompt, pair.category, charter, values)
    answers = (pair.aligned, pair.opposed)
    return Encoded(
        question, tuple(tuple(encode_answer(loaded.tokenizer, form, text)) for text in answers)
    )


def _unscorable(one: Encoded, limit: int) -> str:
    if one.longest > limit:
        return f"{one.longest} tokens, the model reads {limit}"
    return "" if all(one.continuations) else "an answer has no tokens"


def _result(one: Encoded, logprobs: Sequence[float]) -> PairResult:
    means = [total / len(tokens) for total, tokens in zip(logprobs, one.continuations, strict=True)]
    if not all(map(math.isfinite, means)):
        return PairResult(None, None, NOT_A_NUMBER)
    return PairResult(means[0], means[1])
