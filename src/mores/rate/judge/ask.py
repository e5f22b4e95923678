"""A judge behind an address: asked within its budget, several requests under way, none twice.

Each attempt is one request: its worst case is counted before it is sent and put right when the
reply is there. A reply that broke off, or came too late, is counted as paid; an error of the
service (429, 5xx) is not.

    Asker(judge, book, clock).ask(requests, on_items)
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

from mores.errors import ServiceError
from mores.rate.judge.answer import JudgeAnswer, read_reply, usage
from mores.rate.judge.book import Book
from mores.rate.judge.budget import Budget
from mores.rate.judge.requests import Request
from mores.remote.address import key_from
from mores.remote.reply import Clock, Reply
from mores.study.judges import Judge

ATTEMPTS = 4
GIVE_UP = 3
"""So many requests in a row without an answer, each tried several times, end the asking."""
LONGEST_WAIT = 120.0
"""A service that asks for more patience than this (seconds) is not waited for."""
MOST_DRAWN = 16
"""Tokens of an answer; a judge that thinks needs more (``extra = {max_tokens = 2000}``)."""
TEMPLATE_TOKENS = 100
"""What a chat template may add to a prompt, at most."""
ON = "what came is kept; run the same command again to go on"


@dataclass(frozen=True)
class _Try:
    request: Request
    number: int = 1
    delay: float = 0.0
    """Seconds to wait before it is sent."""


class Asker:
    """Asks one judge and keeps what comes."""

    def __init__(self, judge: Judge, book: Book, clock: Clock | None = None) -> None:
        """Set up; nothing is asked yet.

        Args:
            judge: with an endpoint.
            book: what is there already, and takes the rest.
            clock: for tests.

        Raises:
            ServiceError: an address that may not be asked, or no key where one is named.
        """
        from mores.remote.service import Service

        assert judge.endpoint is not None
        self.judge, self.endpoint, self.book = judge, judge.endpoint, book
        per_minute = self.endpoint.requests_per_minute
        self.service = Service(
            self.endpoint.url,
            key=key_from(self.endpoint.key_env, needed=False, where=self.endpoint.url),
            timeout=self.endpoint.timeout,
            interval=60.0 / per_minute if per_minute else 0.0,
            clock=clock or Clock(),
            attempts=1,  # each attempt is counted here
        )
        e = self.endpoint
        self.budget = Budget(e.most_tokens, e.most_money, e.prices, book.read, book.drawn)
        self.in_a_row = 0
        self.answered = bool(book.answers)
        self.failed: list[str] = []
        self.error: ServiceError | None = None

    def ask(self, requests: Sequence[Request], on_items: Callable[[int], None]) -> None:
        """Ask what is not there yet.

        Args:
            requests: in the order in which they are sent.
            on_items: told how many more are done.

        Raises:
            ServiceError: the key is refused, the budget is used up, or answers stay away; what
                came is in the book.
        """
        self.todo = deque(_Try(r) for r in requests if r.key not in self.book.answers)
        on_items(len(requests) - len(self.todo))
        under_way: dict[Future[Reply], _Try] = {}
        with ThreadPoolExecutor(self.endpoint.concurrency) as pool:
            while True:
                while self.error is None and self._may_send(under_way):
                    one = self.todo.popleft()
                    self._spend(*self.worst(one.request))
                    under_way[pool.submit(self._send, one)] = one
                if not under_way:
                    break
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    self._take(under_way.pop(future), future, on_items)
        if self.error is not None:
            raise self.error
        if self.failed:
            raise self._stopped(f"{len(self.failed)} requests were not answered", self.failed[-1])

    def worst(self, request: Request) -> tuple[int, int]:
        """Return the most tokens that a request can read and draw.

        A token stands for at least one byte, so that a text has no more tokens than bytes.
        """
        payload = self.payload(request)
        read = sum(len(m["content"].encode("utf-8")) for m in payload["messages"])
        most = [payload.get(name) for name in ("max_tokens", "max_completion_tokens")]
        drawn = max((n for n in most if isinstance(n, int)), default=MOST_DRAWN)
        answers = payload.get("n", 1)
        return read + TEMPLATE_TOKENS, drawn * (answers if isinstance(answers, int) else 1)

    def payload(self, request: Request) -> dict[str, Any]:
        """Return what is sent: all that the judge sees of an item."""
        extra = self.endpoint.extra
        own = {} if "max_completion_tokens" in extra else {"max_tokens": MOST_DRAWN}
        return {
            "model": self.judge.asked,
            "messages": [{"role": "user", "content": request.text}],
            "temperature": 0,
            **own,
            **extra,
        }

    def _may_send(self, under_way: dict[Future[Reply], _Try]) -> bool:
        if not self.todo or len(under_way) >= self.endpoint.concurrency:
            return False
        if self.budget.fits(*self.worst(self.todo[0].request)):
            return True
        if not under_way:  # else what is under way may turn out to cost less
            self.error = ServiceError(
                f"the budget does not cover another request ({self.budget.words} spent); "
                f"{len(self.todo)} are left",
                where=f"judge {self.judge.name}",
                fix="raise most_tokens or most_money of this judge's endpoint; what came is kept",
            )
        return False

    def _spend(self, read: int, drawn: int) -> None:
        self.budget.spend(read, drawn)
        self.book.reserve(read, drawn)

    def _send(self, one: _Try) -> Reply:
        if one.delay:
            self.service.clock.sleep(one.delay)
        return self.service.call("POST", "chat/completions", self.payload(one.request))

    def _take(self, one: _Try, future: Future[Reply], on_items: Callable[[int], None]) -> None:
        """Put the costs right, keep an answer, put back what may pass."""
        worst = self.worst(one.request)
        try:
            reply = future.result()
        except ServiceError as error:  # refused: no other request would fare better
            self._settle(None, worst, (0, 0))
            self.error = self.error or error
            return
        if not reply.again:
            answer = self._answer(one.request, reply)
            told = usage(reply.body)
            self._settle(answer, worst, (0, 0) if reply.reason else told or worst)
            self._check(reply)
            on_items(1)
            return
        # An error of the service costs nothing; what broke off may have been paid.
        self._settle(None, worst, (0, 0) if reply.status >= 400 else worst)
        if one.number < ATTEMPTS and (reply.wait or 0) <= LONGEST_WAIT:
            jitter = int(one.request.key[-4:], 16) / 0x10000
            pause = 2.0 ** (one.number - 1) + jitter if reply.wait is None else reply.wait
            self.todo.appendleft(replace(one, number=one.number + 1, delay=pause))
            return
        self.failed.append(reply.reason)
        self._count_failure(reply.reason)

    def _answer(self, request: Request, reply: Reply) -> JudgeAnswer:
        if reply.reason:  # this request is refused, such as by a filter
            value, reason = None, f"the service refused the request (HTTP {reply.status})"
        else:
            value, reason = read_reply(reply.body)
        read, drawn = usage(reply.body) or (0, 0)
        name = _model_of(reply)
        return JudgeAnswer(
            key=request.key,
            item=request.item,
            order=request.order,
            value=value,
            reason=reason,
            response=reply.body,
            answered_by=name,
            read=read,
            drawn=drawn,
            final=not reply.reason and answers_to(self.judge, name),
        )

    def _settle(
        self, answer: JudgeAnswer | None, worst: tuple[int, int], used: tuple[int, int]
    ) -> None:
        read, drawn = used[0] - worst[0], used[1] - worst[1]
        self.budget.spend(read, drawn)
        self.book.keep(answer, read, drawn)

    def _check(self, reply: Reply) -> None:
        """End the asking where nothing but refusals comes, or another model answers."""
        if reply.reason:
            if not self.answered:  # no request has fared better: it is not this text
                self._count_failure(reply.reason)
            return
        self.answered, self.in_a_row = True, 0
        name = _model_of(reply)
        if not answers_to(self.judge, name):
            self.error = self.error or ServiceError(
                f"another model answers: asked for {self.judge.asked!r}, found {name[:100]!r}",
                where=f"judge {self.judge.name}",
                fix=f'if that is the same model, set answers_as = ["{name[:100]}"] in its endpoint',
            )

    def _count_failure(self, reason: str) -> None:
        self.in_a_row += 1
        if self.in_a_row >= GIVE_UP:
            self.error = self.error or self._stopped(
                f"{self.in_a_row} requests in a row were not answered", reason
            )

    def _stopped(self, what: str, last: str) -> ServiceError:
        where = f"judge {self.judge.name} at {self.endpoint.url}"
        return ServiceError(f"{what}; the last: {last}", where=where, fix=ON)


def _model_of(reply: Reply) -> str:
    """What the service calls the model that answered; empty where it does not say."""
    name = reply.body.get("model") if isinstance(reply.body, dict) else ""
    return name if isinstance(name, str) else ""


def answers_to(judge: Judge, name: str) -> bool:
    """Whether a model's name is the one asked for, or that with a date or number of a version."""
    assert judge.endpoint is not None
    known = (judge.asked, *judge.endpoint.answers_as)
    return not name or name in known or re.match(re.escape(judge.asked) + r"-\d", name) is not None
