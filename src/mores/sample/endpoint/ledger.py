"""What was asked of a service and what it cost: on disk before a request is sent.

    ledger = Ledger(folder, prices=endpoint.prices, most_tokens=100_000)
    ledger.reserve("sha256:...", read=40, drawn=200)    # ServiceError: that could pass the budget
    ledger.settle("sha256:...", read=38, drawn=61)

A request whose answer never came (this process was killed, the line broke off) may have been
billed: it counts with the most that it can have cost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores.errors import ServiceError
from mores.records import Record
from mores.remote.reply import Reply
from mores.step import Journal
from mores.study.elsewhere import Prices

LEDGER = "ledger.jsonl"
LATE = frozenset({408, 502, 504})
"""Somebody between us and the model gave up waiting: it may have answered, and billed."""


@dataclass(frozen=True)
class Bill:
    """Tokens, and what they cost."""

    read: int = 0
    drawn: int = 0

    def plus(self, read: int, drawn: int) -> Bill:
        """Return the sum."""
        return Bill(self.read + read, self.drawn + drawn)

    @property
    def tokens(self) -> int:
        """Read and drawn together."""
        return self.read + self.drawn

    def money(self, prices: Prices) -> float:
        """What they cost by a table of prices for a million tokens."""
        return (self.read * prices.read + self.drawn * prices.drawn) / 1e6


class _Line(Record, frozen=True, kw_only=True):
    request: str
    read: int
    drawn: int
    settled: bool = False


class Ledger:
    """The account of one model of one study; threads may share it."""

    def __init__(
        self,
        folder: Path,
        *,
        prices: Prices,
        most_tokens: int = 0,
        most_money: float = 0.0,
        name: str = "",
    ) -> None:
        self.name = name
        self.prices, self.most_tokens, self.most_money = prices, most_tokens, most_money
        self._journal = Journal(folder / LEDGER)
        self._turn = threading.Condition()
        self._under_way: set[str] = set()
        self._open: dict[str, tuple[int, int]] = {}
        self._paid = Bill()
        for line in self._journal.records(_Line):
            self._take(line)

    @property
    def spent(self) -> Bill:
        """What was settled, and the most that unsettled requests can have cost."""
        found = self._paid
        for read, drawn in self._open.values():
            found = found.plus(read, drawn)
        return found

    def _take(self, line: _Line) -> None:
        if line.settled:
            self._open.pop(line.request, None)
            self._paid = self._paid.plus(line.read, line.drawn)
            return
        if line.request in self._open:  # sent before, and what came of it is not known
            self._paid = self._paid.plus(*self._open[line.request])
        self._open[line.request] = (line.read, line.drawn)

    def reserve(self, request: str, *, read: int, drawn: int) -> None:
        """Set aside the most that a request can cost, before it is sent.

        Waits where others of this process are under way, which may turn out to cost less.

        Raises:
            ServiceError: the budget could be passed.
        """
        with self._turn:
            while why := self._passes(self.spent.plus(read, drawn)):
                if not self._under_way - {request}:
                    raise ServiceError(
                        f"one more request ({read} tokens and at most {drawn} of its answer) could "
                        f"pass the budget: {why}",
                        where=self.name,
                        fix="raise most_tokens or most_money of this endpoint and run the same "
                        "command again: what was answered is kept",
                    )
                self._turn.wait()
            self._write(_Line(request=request, read=read, drawn=drawn))
            self._under_way.add(request)

    def settle(self, request: str, *, read: int, drawn: int) -> None:
        """Write down what a request did cost; nothing, where the service refused it."""
        with self._turn:
            self._write(_Line(request=request, read=read, drawn=drawn, settled=True))

    def leave(self, request: str) -> None:
        """Nothing more comes of a request now; where it was not settled, it counts in full."""
        with self._turn:
            self._under_way.discard(request)
            self._turn.notify_all()

    def _write(self, line: _Line) -> None:
        self._journal.append(line)
        self._take(line)

    def _passes(self, bill: Bill) -> str:
        spent, money = self.spent, bill.money(self.prices)
        if self.most_tokens and bill.tokens > self.most_tokens:
            return f"{spent.tokens:,} of {self.most_tokens:,} tokens are spent"
        if self.most_money and money > self.most_money:
            currency = self.prices.currency
            return (
                f"{spent.money(self.prices):.4f} of {self.most_money:g} {currency} are spent, "
                f"by the prices in study.toml"
            )
        return ""


@dataclass(frozen=True)
class Metered:
    """One request's place in the ledger; see `mores.remote.reply.Meter`."""

    ledger: Ledger
    request: str
    """Digest of what is asked."""
    read: int
    """Most tokens that the prompt can have."""
    drawn: int
    """Most tokens that can be drawn."""
    used: Callable[[Any], tuple[int | None, int | None]]
    """What an answer says of tokens read and drawn."""

    def before(self) -> None:
        """Set aside the most that it can cost."""
        self.ledger.reserve(self.request, read=self.read, drawn=self.drawn)

    def after(self, reply: Reply) -> None:
        """Write down what it did cost; an answer that cannot be read stays at the most."""
        try:
            if reply.reason and reply.status >= 400 and reply.status not in LATE:
                self.ledger.settle(self.request, read=0, drawn=0)
            elif not reply.reason:
                read, drawn = self.used(reply.body)
                self.ledger.settle(
                    self.request,
                    read=self.read if read is None else read,
                    drawn=self.drawn if drawn is None else drawn,
                )
        finally:  # others wait for it, whatever happens to the file
            self.ledger.leave(self.request)
