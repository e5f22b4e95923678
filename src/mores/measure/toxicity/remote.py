"""What the scorers that ask a service share: readings from kept answers, and giving up in time.

A subclass names its ``kind`` and ``request``, asks (`ask`) and reads (`read`).
"""

from __future__ import annotations

import datetime as dt
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores import store
from mores.measure.toxicity.address import key_from
from mores.measure.toxicity.raw import RawAnswer, read_with, text_digest
from mores.measure.toxicity.scorer import Advance, Item, Reading, Scored

GIVE_UP = 5
"""So many texts in a row without an answer, each asked several times, end the asking."""


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


class RemoteScorer(ABC):
    """A scorer behind an address."""

    kind: str
    name: str
    version: str
    attribute: str
    note: str
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
    @abstractmethod
    def request(self) -> dict[str, Any]:
        """All that is asked, without text and key."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, object]:
        """What decides how an answer is read."""

    @abstractmethod
    def ask(self, items: Sequence[Item]) -> Iterator[tuple[Item, RawAnswer]]:
        """Give answers as they come."""

    @abstractmethod
    def read(self, answer: RawAnswer) -> Reading:
        """Return what an answer says."""

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

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """Return one value for each text, keeping no raw answers."""
        different = list(dict.fromkeys(texts))
        readings = self.readings([Item(text) for text in different])
        by_text = dict(zip(different, readings, strict=True))
        return [(by_text[text].value, by_text[text].reason) for text in texts]

    def readings(
        self, items: Sequence[Item], *, raw: Path | None = None, advance: Advance | None = None
    ) -> list[Reading]:
        """Return one reading for each item; see `raw.read_with`."""
        return read_with(self, items, raw=raw, advance=advance)

    def answer(self, item: Item, reply: Reply, response: Any = None) -> RawAnswer:
        """Return a reply about one text as it is kept."""
        return RawAnswer(
            text=text_digest(item),
            kind=self.kind,
            request=self.request,
            status=reply.status,
            response=reply.body if response is None else response,
            reason=reply.reason,
            again=reply.again,
        )


class Patience:
    """Counts texts without an answer."""

    def __init__(self) -> None:
        self.failed = 0

    def ended(self, reply: Reply) -> bool:
        """Take note of a reply; True once it is of no use to go on."""
        self.failed = self.failed + 1 if reply.again else 0
        return self.failed >= GIVE_UP


def number(value: Any) -> float | None:
    """Return a number from 0 to 1, or None for anything else (True is no number)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0.0 <= value <= 1.0 else None


def highest(scores: dict[str, Any], wanted: Sequence[str], version: str = "") -> Reading:
    """Return the highest of the wanted scores; no value where one of them is missing."""
    for name in wanted:
        if name not in scores:
            there = ", ".join(sorted(map(str, scores))) or "none"
            return Reading(None, f"no score for {name!r} in the answer; it has: {there}", version)
        if number(scores[name]) is None:
            return Reading(None, f"the score for {name!r} is no number from 0 to 1", version)
    return Reading(max(float(scores[name]) for name in wanted), "", version)
