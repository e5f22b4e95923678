"""One service within its budget: metered requests, and when it is of no use to go on.

    asker = Asker(endpoint, folder)
    reply = asker.post("chat/completions", payload, read=200, drawn=64, used=tokens)
    asker.note(reply, asked=payload["model"])

Engines and judges ask through it; `Asker.each` has several threads share it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mores import store
from mores.errors import ServiceError
from mores.remote.address import key_from
from mores.remote.reply import Clock, Reply
from mores.remote.service import Service
from mores.sample.endpoint.ask import ask_all
from mores.sample.endpoint.ledger import Ledger, Metered
from mores.study.elsewhere import Endpoint

A = TypeVar("A")
B = TypeVar("B")
GIVE_UP = 5
"""So many requests in a row without an answer, each sent several times, end the asking."""
REFUSED_FIRST = 3
"""So many requests refused before any was answered: it is not the questions' fault."""


class Asker:
    """Asks one endpoint; threads may share it."""

    def __init__(self, endpoint: Endpoint, folder: Path) -> None:
        """Set up; nothing is asked yet.

        Args:
            endpoint: the service.
            folder: where the account of what was spent is kept.

        Raises:
            ServiceError: an address that may not be asked, or no key where one is named.
        """
        per_minute = endpoint.requests_per_minute
        self.endpoint = endpoint
        self.name = f"{folder.name} at {endpoint.url}"
        self.service = Service(
            endpoint.url,
            key=key_from(endpoint.key_env, needed=bool(endpoint.key_env), where=endpoint.url),
            timeout=endpoint.timeout,
            interval=60 / per_minute if per_minute else 0.0,
            clock=Clock(),
        )
        self.ledger = Ledger(
            folder,
            prices=endpoint.prices,
            most_tokens=endpoint.most_tokens,
            most_money=endpoint.most_money,
            name=self.name,
        )
        self.models: set[str] = set()
        """Names under which it answered."""
        self.fingerprints: set[str] = set()
        """What it said of the system that answered."""
        self._turn = threading.Lock()
        self._failed = self._refused = self._answered = 0

    def each(self, ask: Callable[[A], B | str], asked: Sequence[A]) -> Iterator[tuple[A, B]]:
        """Ask for each, several at a time, and hand over what comes.

        Args:
            ask: returns what came; a text says why nothing did, so that another run may ask again.
            asked: its arguments.

        Raises:
            ServiceError: something did not come, said when all else has; or what ``ask`` raises.
        """
        lacking: list[str] = []
        for one, came in ask_all(ask, asked, self.endpoint.concurrency):
            if isinstance(came, str):
                lacking.append(came)
            else:
                yield one, came
        if lacking:
            raise ServiceError(
                f"{len(lacking)} of {len(asked)} answers did not come ({lacking[-1]})",
                where=self.name,
                fix="run the same command again: only those are asked for, the others are kept",
            )

    def post(
        self,
        path: str,
        payload: dict[str, Any],
        *,
        read: int,
        drawn: int,
        used: Callable[[Any], tuple[int | None, int | None]],
    ) -> Reply:
        """Post a request; each attempt is in the account before it is sent.

        Args:
            path: below the address.
            payload: what is asked.
            read: most tokens that it can have.
            drawn: most tokens that can be drawn.
            used: what an answer says of both.

        Raises:
            ServiceError: it could pass the budget, or the service refuses for good.
        """
        name = store.digest([self.endpoint.url, payload])
        meter = Metered(self.ledger, name, read=read, drawn=drawn, used=used)
        return self.service.call("POST", path, payload, meter=meter)

    def note(self, reply: Reply, *, asked: str, fault: str = "") -> None:
        """Take in what came of a request.

        Args:
            reply: what came.
            asked: the model's name in the request.
            fault: why the answer is none, although the service sent one.

        Raises:
            ServiceError: nothing comes any more, everything is refused, or another model answers.
        """
        with self._turn:
            if reply.again or fault:
                self._failed += 1
                if self._failed >= GIVE_UP:
                    raise ServiceError(
                        f"{GIVE_UP} requests in a row had no answer ({fault or reply.reason})",
                        where=self.endpoint.url,
                        fix="run the same command again later: what was answered is kept",
                    )
                return
            self._failed = 0
            if reply.reason:
                self._refused += 1
                if not self._answered and self._refused >= REFUSED_FIRST:
                    raise ServiceError(
                        f"it refuses every request ({reply.reason})",
                        where=self.endpoint.url,
                        fix="see what it says about the request; the endpoint's api, served and "
                        "extra decide what is sent",
                    )
                return
            self._answered += 1
            self._same_model(said_of(reply, "model"), asked)
            self.fingerprints |= {said_of(reply, "system_fingerprint")} - {""}

    def _same_model(self, name: str, asked: str) -> None:
        if not answers_to(self.endpoint, asked, name):
            raise ServiceError(
                f"{name[:100]!r} answered where {asked!r} was asked",
                where=self.endpoint.url,
                fix=f'if that is the same model, add answers_as = ["{name[:100]}"] to the endpoint',
            )
        self.models |= {name} - {""}


def answers_to(endpoint: Endpoint, asked: str, name: str) -> bool:
    """Whether a model's name is the one asked for, or that with a date or number of a version."""
    known = (asked, *endpoint.answers_as)
    return not name or name in known or re.match(re.escape(asked) + r"-\d", name) is not None


def said_of(reply: Reply, key: str) -> str:
    """Return a text at the top of an answer; empty where there is none."""
    value = reply.body.get(key) if isinstance(reply.body, dict) else ""
    return value if isinstance(value, str) else ""


def bytes_of(texts: Sequence[str], frame: int) -> int:
    """Most tokens that messages can have: a token is at least a byte, and each has a frame."""
    return sum(len(text.encode("utf-8")) + frame for text in texts)
