"""What the scorers that ask a service share: their address and key, and giving up in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mores import store
from mores.measure.toxicity.raw import AskingScorer, RawAnswer
from mores.measure.toxicity.scorer import Item, Reading
from mores.remote.address import key_from
from mores.remote.reply import Clock, Reply

if TYPE_CHECKING:
    from mores.remote.service import Service

GIVE_UP = 5
"""So many requests in a row without an answer, each sent several times, end the asking."""


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
            ServiceError: the variable that is named holds none.
        """
        key_from(self.key_env, needed=self.key_needed, where=self.name)

    def service(self) -> Service:
        """Return the service with its key, read now and kept nowhere else."""
        from mores.remote.service import Service

        return Service(
            self.url,
            key=key_from(self.key_env, needed=self.key_needed, where=self.name),
            key_in_url=self.key_in_url,
            timeout=self.timeout,
            interval=self.interval,
            clock=self.clock,
        )

    def kept(self, item: Item, reply: Reply, response: Any = None) -> RawAnswer:
        """Return a reply about one text as it is kept."""
        return self.answer(
            item,
            reply.body if response is None else response,
            status=reply.status,
            reason=reply.reason,
            again=reply.again,
        )


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
