"""What `mores judge` found: how far each judge can be read at all, and nothing by arm.

result = judge_result(judge, items, pairs, prompt, seed=2021)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.rate.judge.items import Item
from mores.rate.judge.rule import Pair
from mores.records import Estimate, Rating, Record, Unrateable
from mores.sample.endpoint.ledger import Bill
from mores.study.judges import Judge

EMPTY_ANSWER = "the answer is empty"
NOT_INDEPENDENT = "answers to one question are hardly independent, so the interval is too narrow"
MOSTLY_ONE = 0.9
"""From this share of equal ratings on a judge hardly tells answers apart."""


class JudgeResult(Record, frozen=True, kw_only=True):
    """One judge on all answers of a study."""

    judge: str
    family: str
    items: int
    """Different texts: what says the same to the same question is asked once."""
    completions: int
    rated: int
    """Completions with a rating."""
    absent: dict[str, int]
    """Reason → completions without one."""
    consistency: Estimate
    """Order consistency: share of the items with a digit in both orders that get the same one
    within one point."""
    same: int
    """Items with the same digit in both orders."""
    values: dict[str, int]
    """Rating → items."""
    answered_by: tuple[str, ...] = ()
    """Names that the service gave the model."""
    digits: float | None = None
    """Of a model run here: mean probability of all digits together after the prompt."""
    read: int = 0
    """Tokens of the answers that are kept, by the service's own count."""
    drawn: int = 0
    money: float | None = None
    """What these cost by the prices in study.toml; None where there are none."""
    currency: str = ""
    prompt: str = ""
    """Version of the published prompt."""
    prompt_digest: str = ""


class Judging(Record, frozen=True, kw_only=True):
    """What all judges did."""

    judges: tuple[JudgeResult, ...]
    notes: tuple[str, ...]
    """What must be known beside it, such as that all judges are of one family."""


def verdicts(
    judge: Judge, items: Sequence[Item], pairs: Mapping[str, Pair], seed: int
) -> tuple[list[Rating], list[Unrateable]]:
    """Return the rating of each completion, or why it has none.

    Args:
        judge: whose.
        items: all of them.
        pairs: item's key → what was said of it; none for an empty answer.
        seed: of the study.
    """
    ratings: list[Rating] = []
    absent: list[Unrateable] = []
    for item in items:
        pair = pairs.get(item.key)
        value, why = pair.rated(seed, judge.name) if pair else (None, item.apart or EMPTY_ANSWER)
        for name in item.completions:
            if value is None:
                absent.append(Unrateable(completion_id=name, rater=judge.name, reason=why))
            else:
                ratings.append(
                    Rating(completion_id=name, rater=judge.name, value=value, kind="judge")
                )
    return ratings, absent


def judge_result(
    judge: Judge,
    items: Sequence[Item],
    pairs: Mapping[str, Pair],
    prompt: tuple[str, str],
    seed: int,
) -> JudgeResult:
    """Sum up one judge.

    Args:
        judge: whose answers they are.
        items: all of them.
        pairs: item's key → what was said of it.
        prompt: version and digest of what was asked.
        seed: of the study.
    """
    ratings, absent = verdicts(judge, items, pairs, seed)
    readable = [pair for pair in pairs.values() if pair.readable]
    said = [answer for pair in pairs.values() for answer in (pair.ascending, pair.descending)]
    values = Counter(v for pair in pairs.values() if (v := pair.rated(seed, judge.name)[0]))
    read, drawn = sum(a.read for a in said), sum(a.drawn for a in said)
    masses = [sum(map(math.exp, a.logprobs.values())) for a in said if a.logprobs]
    prices = judge.endpoint.prices if judge.endpoint else None
    priced = prices is not None and (prices.read or prices.drawn)
    return JudgeResult(
        judge=judge.name,
        family=judge.family,
        items=len(items),
        completions=sum(len(item.completions) for item in items),
        rated=len(ratings),
        absent=dict(Counter(a.reason for a in absent).most_common()),
        consistency=_consistency(readable),
        same=sum(p.ascending.value == p.descending.value for p in readable),
        values={str(n): values[n] for n in sorted(values)},
        answered_by=tuple(sorted({a.answered_by for a in said} - {""})),
        digits=float(np.mean(masses)) if masses else None,
        read=read,
        drawn=drawn,
        money=Bill(read, drawn).money(prices) if prices and priced else None,
        currency=prices.currency if prices and priced else "",
        prompt=prompt[0],
        prompt_digest=prompt[1],
    )


def _consistency(readable: Sequence[Pair]) -> Estimate:
    share = stats.wilson(sum(pair.alike for pair in readable), len(readable), unit="item")
    reason = "; ".join(filter(None, (share.reason, NOT_INDEPENDENT if share.n > 1 else "")))
    return replace(share, measure="order consistency", reason=reason)


def notes_of(results: Sequence[JudgeResult], families: Sequence[str]) -> list[str]:
    """Say what a reader must know of these judges beside their figures."""
    notes = []
    kinds = sorted({family.strip().casefold() for family in families})
    if len(kinds) == 1:
        notes.append(
            f"all judges are of one family ({kinds[0]}): models of one family err alike, so no "
            "more than a descriptive line can be had from them; add a judge of another family"
        )
    for r in results:
        rated = sum(r.values.values())
        commonest = max(r.values, key=lambda n: r.values[n], default="")
        if rated and r.values[commonest] >= MOSTLY_ONE * rated:
            notes.append(
                f"{r.judge} gave {commonest} to {r.values[commonest]} of {rated} items: it hardly "
                "tells answers apart, and order consistency says nothing then"
            )
        if r.digits is not None and r.digits < 0.5:
            notes.append(
                f"{r.judge} would rather not answer with a digit (all digits together have "
                f"probability {r.digits:.2f}): its ratings are the likeliest of unlikely answers"
            )
        if len(r.answered_by) > 1:
            names = ", ".join(r.answered_by)
            notes.append(f"{r.judge} was answered by several versions: {names}")
    return notes
