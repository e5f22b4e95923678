"""What the scorers that ask a service share: their address and key, and giving up in time."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mores import store
from mores.measure.toxicity.address import key_from
from mores.measure.toxicity.raw import AskingScorer, RawAnswer
from mores.measure.toxicity.scorer import Item, Reading

GIVE_UP = 5
"""So many requests in a row without an answer, each sent several times, end the asking."""


class Clock:
    """The machine's clock; tests give one that need not be waited for."""

    now = staticmethod(time.monotonic)
    """Seconds that only ever grow."""
    sleep = staticmethod(time.sleep)

    def utc(self) -> dt.datetime:
        """Return date and time, UTC."""
        return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Reply:
    """What came of one request."""

    status: int = 0
    body: Any = None
    """Parsed JSON, or None."""
    reason: str = ""
    """Why there is no usable body."""
    again: bool = False
    """It may pass."""
    wait: float | None = None
    """Seconds that the service asks to wait."""


Post = Callable[[dict[str, Any]], Reply]
"""Sends JSON to a service."""


class RemoteScorer(AskingScorer):
    """A scorer behind an address."""

    url: str
    key_needed = False
    key_in_url = False
    interval = 0.0
    takes_prompt = False

    def __init__(self, *, key_env: str, timeout: float, clock: Clock | None) -> None:
        self.key_env = key_env
        self.timeout = timeout
        self.clock = clock or Clock()

    @property
    def digest(self) -> str:
        """Digest of the request: the service's weights are not known."""
        return store.digest([self.kind, self.request])

    def ready(self) -> None:
        """Check the key.

        Raises:
            MeasureError: the variable that is named holds none.
        """
        key_from(self.key_env, needed=self.key_needed, where=self.name)

    def kept(self, item: Item, reply: Reply, response: Any = None) -> RawAnswer:
        """Return a reply about one text as it is kept."""
        return self.answer(
            item,
            reply.body if response is None else response,
            status=reply.status,
            reason=reply.reason,
            again=reply.again,
        )


class Patience:
    """Counts requests without an answer."""

    def __init__(self) -> None:
        self.failed = 0

    def ended(self, reply: Reply) -> bool:
        """Take note of a reply; True once it is of no use to go on."""
        self.failed = self.failed + 1 if reply.again else 0
        return self.failed >= GIVE_UP


def highest(scores: dict[str, Any], wanted: Sequence[str], version: str = "") -> Reading:
    """Return the highest of the wanted scores; no value where one of them is missing."""
    for name in wanted:
        if name not in scores:
            there = ", ".join(sorted(map(str, scores))) or "none"
            return Reading(None, f"no score for {name!r} in the answer; it has: {there}", version)
        score = scores[name]
        # True is no number.
        if type(score) not in (int, float) or not 0.0 <= score <= 1.0:
            return Reading(None, f"the score for {name!r} is no number from 0 to 1", version)
    return Reading(max(float(scores[name]) for name in wanted), "", version)
