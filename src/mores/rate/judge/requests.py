"""Items → what one judge is asked, in an order drawn at random from the study's seed.

requests = judge_requests(items, prompt, "qwen3-32b", identity, seed=2021)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mores import store
from mores.rate.judge.items import Item
from mores.rate.judge.prompt import ORDERS, Order, Prompt


@dataclass(frozen=True)
class Request:
    """One item in one order."""

    key: str
    """Digest of the judge and of all that it reads."""
    item: str
    order: Order
    text: str


def judge_requests(
    items: Sequence[Item], prompt: Prompt, judge: str, identity: str, seed: int
) -> list[Request]:
    """Return both orders of every item that is not empty, shuffled.

    Args:
        items: what is rated.
        prompt: filled in.
        judge: its name; the order follows from it and the seed.
        identity: digest of the judge.
        seed: of the study.
    """
    requests = [
        Request(store.digest([identity, text := prompt.text(item, order)]), item.key, order, text)
        for item in items
        if item.answer
        for order in ORDERS
    ]
    return sorted(requests, key=lambda one: store.digest([seed, judge, one.item, one.order]))
