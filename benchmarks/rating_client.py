"""A simulated rater who speaks HTTP to a running rating app, and never takes no answer for one.

    ledger = Ledger()
    asyncio.run(Rater(Browser(port), "/r/<token>", ledger, random.Random(1)).run())
    ledger.given["<key>"].value

Nothing of mores is imported: all that a rater knows is what the pages say. A form whose fate is
unknown (connection lost, 429, 5xx) is sent again, unchanged, until the server has answered; only
what was answered with 303 is written into the ledger as acknowledged.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from html.parser import HTMLParser
from typing import TextIO
from urllib.parse import urlencode

import msgspec

HOST = "127.0.0.1"
PATIENCE = 30.0
"""Seconds until a request without an answer counts as lost."""
GIVE_UP = 180.0
"""Seconds of nothing but failures until a rater stops the whole run."""
REASON = {"cannot": "incoherent"}


class LostError(Exception):
    """The connection ended before the answer was whole: nobody knows what was done."""


class RefusedError(Exception):
    """An answer that no rater should ever get."""


@dataclass(frozen=True)
class Page:
    """One answer of the server."""

    status: int
    location: str
    text: str


class Browser:
    """One keep-alive connection and one cookie."""

    def __init__(
        self, port: int, *, address: str | None = None, timed: Timed | None = None
    ) -> None:
        self.port = port
        self.address = address
        """Where the connection comes from, such as 127.0.0.7 (Linux): limits count by it."""
        self.cookie = ""
        self.timed = timed
        self._pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str) -> Page:
        """Ask for a page."""
        return await self._ask("GET", path, b"")

    async def post(self, path: str, fields: Mapping[str, str]) -> Page:
        """Send a form, once."""
        return await self._ask("POST", path, urlencode(fields).encode())

    def close(self) -> None:
        """Hang up."""
        if self._pair is not None:
            self._pair[1].close()
        self._pair = None

    async def _ask(self, method: str, path: str, body: bytes) -> Page:
        head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}:{self.port}"]
        head += ["Sec-Fetch-Site: same-origin", "Accept-Language: en"]
        if self.cookie:
            head.append(f"Cookie: {self.cookie}")
        if method == "POST":
            head.append("Content-Type: application/x-www-form-urlencoded")
            head.append(f"Content-Length: {len(body)}")
        sent = "\r\n".join([*head, "", ""]).encode() + body
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                page = await self._exchange(sent)
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError) as error:
            self.close()
            raise LostError(str(error)) from error
        except BaseException:
            self.close()
            raise
        if self.timed is not None:
            self.timed(method, path, page.status, time.perf_counter() - began)
        return page

    async def _exchange(self, sent: bytes) -> Page:
        if self._pair is not None and self._pair[0].at_eof():
            self.close()  # the server hung up while nothing was asked, as after 20 idle seconds
        if self._pair is None:
            where = (self.address, 0) if self.address else None
            self._pair = await asyncio.open_connection(HOST, self.port, local_addr=where)
        reader, writer = self._pair
        writer.write(sent)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        lines = [line.partition(":") for line in head[1:] if line]
        headers = {name.strip().lower(): value.strip() for name, _, value in lines}
        body = await reader.readexactly(int(headers["content-length"]))
        if "set-cookie" in headers:
            self.cookie = headers["set-cookie"].partition(";")[0]
        if headers.get("connection") == "close":
            self.close()
        return Page(status, headers.get("location", ""), body.decode())


Ask = Callable[[], Awaitable[Page]]
Timed = Callable[[str, str, int, float], None]
"""Called with method, path, status and seconds of every answer."""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.radios: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif tag == "input" and given.get("type") == "hidden" and self.forms:
            self.forms[-1][1][given["name"]] = given.get("value", "")
        elif tag == "input" and given.get("type") == "radio":
            self.radios.append(given["name"])


def forms(html: str) -> dict[str, dict[str, str]]:
    """Address → hidden fields, of every form of a page."""
    parser = _Forms()
    parser.feed(html)
    return dict(parser.forms)


def heading(html: str) -> str:
    """The first heading of a page, without its markup."""
    return re.sub(r"<[^>]+>|\s+", " ", html.partition("<h1>")[2].partition("</h1>")[0]).strip()


# What was acknowledged -----------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """An answer that the server said it has kept."""

    key: str
    person: int
    """Number of the simulated rater."""
    item: str
    revision: int
    """The one that this answer became: 1 for the first, 2 for a change of it."""
    kind: str
    value: int | None


@dataclass
class Ledger:
    """What all raters of one study were told, kept outside the server's reach."""

    file: TextIO | None = None
    given: dict[str, Given] = field(default_factory=dict)
    """Key → answer, acknowledged."""
    counts: Counter[str] = field(default_factory=Counter)
    """``lost`` connections, ``status 503`` and so on, ``twice``: acknowledged twice on purpose."""
    faults: list[str] = field(default_factory=list)
    """What no rater should ever see."""

    def acknowledge(self, answer: Given) -> None:
        """Note an answer that the server confirmed."""
        if answer.key in self.given:
            self.counts["twice"] += 1
            return
        self.given[answer.key] = answer
        if self.file is not None:
            self.file.write(msgspec.json.encode(asdict(answer)).decode() + "\n")
            self.file.flush()


# The rater -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Habits:
    """How a simulated person behaves; shares of all answers."""

    pace: float = 0.0
    """Mean seconds from one answer to the next; drawn evenly from half to one and a half."""
    change: float = 0.05
    """The answer before is changed."""
    again: float = 0.05
    """The same form is sent a second time, as by a double click."""
    cannot: float = 0.04
    """The text is said to be impossible to rate."""


class Rater:
    """One person with a link."""

    def __init__(
        self,
        browser: Browser,
        link: str,
        ledger: Ledger,
        rng: random.Random,
        *,
        number: int = 1,
        habits: Habits | None = None,
    ) -> None:
        self.browser = browser
        self.link = link
        self.ledger = ledger
        self.rng = rng
        self.number = number
        self.habits = habits or Habits()
        self.csrf = ""
        self.last = ""
        """The item answered last."""

    async def run(self) -> None:
        """Join, agree, practise, rate until nothing is left, guess."""
        await self._send(self.link, {})
        page = await self._get("/begin")
        while page.status == 200 or page.location != "/done":
            page = await self._step(page)
        self.browser.close()

    async def _step(self, page: Page) -> Page:
        """Do what a page asks for; return the next page."""
        if page.status == 303:
            return await self._get(page.location)
        shown = forms(page.text)
        for action in ("/begin", "/rate", "/guess", "/next"):
            if action not in shown:
                continue
            self.csrf = shown[action]["csrf"]
            if action == "/rate":
                return await self._rate(shown[action])
            if action == "/guess":
                return await self._send("/guess", {**shown[action], **self._guesses(page.text)})
            decision = {"decision": "agree"} if action == "/begin" else {}
            return await self._send(action, {**shown[action], **decision})
        raise RefusedError(f"rater {self.number}: nothing to do on the page {heading(page.text)!r}")

    def _guesses(self, html: str) -> dict[str, str]:
        parser = _Forms()
        parser.feed(html)
        names = [name for name in dict.fromkeys(parser.radios) if name.startswith("guess_")]
        return {name: self.rng.choice(("tuned", "untuned", "unsure")) for name in names}

    async def _rate(self, form: dict[str, str]) -> Page:
        if self.habits.pace:
            await asyncio.sleep(self.habits.pace * self.rng.uniform(0.5, 1.5))
        answered = await self._answer(form)
        if not answered.location.startswith("/feedback/"):
            if self.last and self.rng.random() < self.habits.change:
                await self._change(self.last)
            self.last = form["item"]
        return answered

    async def _change(self, item: str) -> None:
        """Give another answer to an item answered before; the one now held stays held."""
        page = await self._get(f"/answer/{item}")
        await self._answer(forms(page.text)["/rate"])

    async def _answer(self, form: dict[str, str]) -> Page:
        """Send an answer until it is acknowledged, and note that it was."""
        cannot = self.rng.random() < self.habits.cannot
        value = None if cannot else self.rng.randint(1, 5)
        kind = "cannot" if cannot else "rate"
        said = {"answer": str(value or kind), "cannot_reason": REASON["cannot"], "seconds": "9.5"}
        given = Given(
            key=form["key"],
            person=self.number,
            item=form["item"],
            revision=int(form["revision"]) + 1,
            kind=kind,
            value=value,
        )
        page = await self._send("/rate", {**form, **said})
        self.ledger.acknowledge(given)
        if self.rng.random() < self.habits.again:
            page = await self._send("/rate", {**form, **said})
            self.ledger.acknowledge(given)
        return page

    async def _get(self, path: str) -> Page:
        return await self._until(lambda: self.browser.get(path), (200, 303), path)

    async def _send(self, path: str, fields: dict[str, str]) -> Page:
        return await self._until(lambda: self.browser.post(path, fields), (303,), path)

    async def _until(
        self, ask: Callable[[], Awaitable[Page]], wanted: tuple[int, ...], path: str
    ) -> Page:
        """Ask until there is an answer that says what was done."""
        until = time.monotonic() + GIVE_UP
        wait = 0.03
        while time.monotonic() < until:
            try:
                page = await ask()
            except LostError:
                self.ledger.counts["lost"] += 1
            else:
                if page.status in wanted:
                    return page
                self.ledger.counts[f"status {page.status}"] += 1
                if page.status < 500 and page.status not in (408, 425, 429):
                    break
            await asyncio.sleep(wait * self.rng.uniform(0.5, 1.5))
            wait = min(0.5, wait * 1.5)
        else:
            raise RefusedError(f"rater {self.number}: no answer for {GIVE_UP:.0f} s, {path}")
        where = path.rpartition("/")[0] or path  # what comes last can be a secret
        raise RefusedError(f"rater {self.number}: {page.status} {heading(page.text)!r} at {where}")
