"""A judge behind an address: asked within its budget, several requests under way, none twice.

JudgeAsker(judge, book, folder).ask(requests, on_items)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mores.rate.judge.answer import NO_MESSAGE, JudgeAnswer, read_reply
from mores.rate.judge.book import Book
from mores.rate.judge.requests import Request
from mores.sample.endpoint.asker import Asker, bytes_of, said_of
from mores.sample.endpoint.wire import PATHS, most_drawn, usage
from mores.study.judges import Judge

MOST_DRAWN = 16
"""Tokens of an answer; a judge that thinks needs more (``extra = {max_tokens = 2000}``)."""
TEMPLATE_TOKENS = 100
"""What a chat template may add to a prompt, at most."""


class JudgeAsker:
    """Asks one judge and keeps what comes."""

    def __init__(self, judge: Judge, book: Book, folder: Path) -> None:
        """Set up; nothing is asked yet.

        Args:
            judge: with an endpoint.
            book: what is there already, and takes the rest.
            folder: where the account of what was spent is kept.

        Raises:
            ServiceError: an address that may not be asked, or no key where one is named.
        """
        assert judge.endpoint is not None
        self.judge, self.endpoint, self.book = judge, judge.endpoint, book
        self.asker = Asker(judge.endpoint, folder)

    def ask(self, requests: Sequence[Request], on_items: Callable[[int], None]) -> None:
        """Ask what is not there yet.

        Args:
            requests: in the order in which they are sent.
            on_items: told how many more are done.

        Raises:
            ServiceError: the key is refused, the budget is used up, or answers stay away; what
                came is in the book.
        """
        missing = [r for r in requests if r.key not in self.book.answers]
        on_items(len(requests) - len(missing))
        for _ in self.asker.each(self._one, missing):
            on_items(1)

    def worst(self, request: Request) -> tuple[int, int]:
        """Return the most tokens that a request can read and draw."""
        payload = self.payload(request)
        read = bytes_of([m["content"] for m in payload["messages"]], TEMPLATE_TOKENS)
        return read, most_drawn(payload, MOST_DRAWN)

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

    def _one(self, request: Request) -> JudgeAnswer | str:
        """Ask once and keep the answer; a text says why there is none yet."""
        read, drawn = self.worst(request)
        reply = self.asker.post(
            PATHS["chat"], self.payload(request), read=read, drawn=drawn, used=usage
        )
        value, reason = read_reply(reply.body)
        fault = NO_MESSAGE if not reply.reason and reason == NO_MESSAGE else ""
        self.asker.note(reply, asked=self.judge.asked, fault=fault)
        if reply.again or fault:
            return fault or reply.reason
        if reply.reason:  # this request is refused, such as by a filter
            value, reason = None, f"the service refused the request (HTTP {reply.status})"
        told = usage(reply.body)
        answer = JudgeAnswer(
            key=request.key,
            item=request.item,
            order=request.order,
            value=value,
            reason=reason,
            response=reply.body,
            answered_by=said_of(reply, "model"),
            read=told[0] or 0,
            drawn=told[1] or 0,
            final=not reply.reason,
        )
        self.book.keep(answer)
        return answer
