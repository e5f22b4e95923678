"""Pairs of answers → how likely an arm finds each: mean log-likelihood a token, in nats.

    for told in score_pairs(loaded, "chat", "base", pairs, charter, values):
        told.aligned, told.opposed    # -2.31, -2.68

The mean a token, not the sum, so that an answer which happens to have a token more is not the less
likely for it (Holtzman et al. 2021, section 3.1, "average log-likelihood"). What ends the answer is
not counted: it says how long answers are, not what is in them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mores.records import Arm, Charter, Dataset, StancePair
from mores.sample.requests import arm_ids
from mores.weights.likelihood import Encoded, likelihoods
from mores.weights.prompt import encode_answer

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

SHARED = 64
"""Tokens of a common context from which several pairs are read behind it at once."""
AT_ONCE = 10
"""Pairs behind one context."""
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
    on_items: Callable[[float], None] | None = None,
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
        on_items: told how many pairs are done, after each forward pass.
    """
    asked = [
        _Asked(
            _before(loaded, form, arm, pair, charter, values),
            tuple(
                _answer(loaded, form, pair.prefill, text) for text in (pair.aligned, pair.opposed)
            ),
        )
        for pair in pairs
    ]
    reasons = [one.unscorable(loaded.context) for one in asked]
    fit = [i for i, why in enumerate(reasons) if not why]
    blocks = list(_blocks([pairs[i].category for i in fit], [asked[i] for i in fit]))
    each = len(fit) / max(1, len(blocks))
    told = likelihoods(
        loaded,
        [encoded for _, encoded in blocks],
        (lambda done: on_items(done * each)) if on_items else None,
    )
    results = [PairResult(None, None, why) for why in reasons]
    for (places, _), one in zip(blocks, told, strict=True):
        sums = iter(one.logprobs)
        for place in places:
            question = 0.0 if len(places) == 1 else next(sums)
            pair = asked[fit[place]]
            results[fit[place]] = _result(pair, [next(sums) - question for _ in pair.answers])
    return results


def _before(
    loaded: LoadedModel, form: str, arm: Arm, pair: StancePair, charter: Charter, values: Dataset
) -> tuple[int, ...]:
    """What the arm reads before the answers part: context, conversation, their given beginning."""
    ids = arm_ids(loaded, form, arm, pair.prompt, pair.category, charter, values, pair.earlier)
    return ids + (_answer(loaded, form, "", pair.prefill) if pair.prefill else ())


def _answer(loaded: LoadedModel, form: str, given: str, text: str) -> tuple[int, ...]:
    """An answer's tokens, or those of its rest after a given beginning."""
    if not given:
        return tuple(encode_answer(loaded.tokenizer, form, text))
    whole = encode_answer(loaded.tokenizer, form, f"{given} {text}")
    return tuple(whole[len(encode_answer(loaded.tokenizer, form, given)) :])


@dataclass(frozen=True)
class _Asked:
    """A pair as token ids."""

    question: tuple[int, ...]
    """With whatever the arm reads before it."""
    answers: tuple[tuple[int, ...], ...]

    def unscorable(self, limit: int) -> str:
        """Say why the model cannot be asked, or nothing."""
        longest = len(self.question) + max(map(len, self.answers))
        if longest > limit:
            return f"{longest} tokens, the model reads {limit}"
        return "" if all(self.answers) else "an answer has no tokens"


def _blocks(
    categories: Sequence[str], asked: Sequence[_Asked]
) -> Iterator[tuple[list[int], Encoded]]:
    """Pairs and how they are read: one by one, or several behind a long context that they share.

    In a block of several each question is a branch too, so that an answer's log-probability is that
    of question and answer less that of the question.
    """
    by: dict[str, list[int]] = {}
    for place, category in enumerate(categories):
        by.setdefault(category, []).append(place)
    for own in by.values():
        shared = _common([asked[i].question for i in own])
        at_once = AT_ONCE if shared >= SHARED else 1
        for start in range(0, len(own), at_once):
            block = own[start : start + at_once]
            if len(block) == 1:
                yield block, Encoded(asked[block[0]].question, asked[block[0]].answers)
                continue
            rests = [(asked[i].question[shared:], asked[i].answers) for i in block]
            branches = [b for rest, answers in rests for b in (rest, *(rest + a for a in answers))]
            yield block, Encoded(asked[block[0]].question[:shared], tuple(branches))


def _common(sequences: Sequence[tuple[int, ...]]) -> int:
    """Length of the longest beginning that all share, less one: a question is never empty."""
    shortest = min(map(len, sequences))
    same = 0
    while same < shortest and len({s[same] for s in sequences}) == 1:
        same += 1
    return min(same, shortest - 1)


def _result(one: _Asked, logprobs: Sequence[float]) -> PairResult:
    means = [total / len(tokens) for total, tokens in zip(logprobs, one.answers, strict=True)]
    if not all(map(math.isfinite, means)):
        return PairResult(None, None, NOT_A_NUMBER)
    return PairResult(means[0], means[1])
