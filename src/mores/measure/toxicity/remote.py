"""What the scorers that ask a service share: their address and key, and giving up in time."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mores import store
from mores.errors import MeasureError
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


def checked_url(url: str) -> str:
    """Return an address that may be asked.

    Raises:
        MeasureError: not https (http is for this machine), no host, or a secret in it.
    """
    import httpx

    # Read by what will send: two readings of one address are a way around this check.
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL("")
    if parts.scheme not in ("http", "https") or not parts.host:
        raise MeasureError(
            "not an address",
            where=repr(url[:100]),
            fix="give an address such as https://host/v1/moderations",
        )
    names = {name.lower() for name in parts.params}
    if parts.userinfo or names & {"key", "api_key", "apikey", "token"}:
        raise MeasureError(
            "an address must not hold a key: it is written into reports",
            where=f"{parts.scheme}://{parts.host}",
            fix="put the key into an environment variable and name that as key_env",
        )
    if parts.scheme == "http" and not is_loopback(parts.host):
        raise MeasureError(
            "texts and keys are not sent without encryption",
            where=url,
            fix="use https; http is for services on this machine",
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def key_from(variable: str, *, needed: bool, where: str) -> str:
    """Return the key that an environment variable holds; nothing where no variable is named.

    Raises:
        MeasureError: the variable is not set or holds no key.
    """
    if not variable and not needed:
        return ""
    key = os.environ.get(variable, "").strip() if variable else ""
    if not key:
        what = (
            f"the environment variable {variable} holds no key" if variable else "no key is named"
        )
        raise MeasureError(
            what, where=where, fix="set the variable that key_env names; keys go into no file"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise MeasureError(f"what {variable} holds is no key: it has odd characters", where=where)
    return key


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
