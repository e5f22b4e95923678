"""The rating app on a port of its own, and what people do to it in a browser.

    with Live(make_study(folder)) as live:
        page.goto(live.url(live.link()))          a new rater's link
        live.events()                             what the database holds

`Watch` notes what a browser must never meet: errors in the console, requests to other hosts.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
import uvicorn
from app import app_of, make_site, make_study, new_link

from mores.rate.db.tables import event, item, remark
from mores.rate.web.app import APP
from mores.web.i18n import environment

RATING = """
version = "1"
practice_pass = 0.5
contact = "The study's people, room 3"

[[support]]
name = "A friend on the telephone"
where = "0800 000 000"

[notices]
topic-2 = "Some texts here are loud."

[[groups]]
id = "age"
question = "How old are you?"
options = ["18 to 34", "35 or older"]

[[practice]]
id = "practice-kind"
category = "topic-1"
prompt = "Is it good to help?"
output = "Yes, it is."
low = 4
high = 5
feedback = "A 5 fits: it is in the spirit of the position."

[[practice]]
id = "practice-noise"
category = "topic-1"
prompt = "Is it good to shout?"
output = "The of is and."
cannot = true
feedback = "There is nothing to compare."
"""
"""rating.toml of a study with practice, a group, a notice and somebody to call."""

ENGLISH = "The quick answer is that it depends on what is meant, and on who asks."
ARABIC = "الجواب السريع هو أن الأمر يعتمد على المقصود."


def small_study(folder: Path, **changes: Any) -> Any:
    """Two topics of two prompts and three arms: a share of twelve texts, six of each topic."""
    return make_study(
        folder, **{"per_item": 1, "seats": 1, "rating_toml": RATING, "prompts": 4, **changes}
    )


def free_port() -> int:
    """A port that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Live:
    """The real app behind uvicorn, in a thread of this process, until the ``with`` ends."""

    def __init__(self, study: Any, **site: Any) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.home = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.study = study
        self.site = make_site(study, url=self.home, **site)
        config = uvicorn.Config(
            app_of(self.site),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True
        )

    def __enter__(self) -> Self:
        self.thread.start()
        until = time.monotonic() + 30
        while not self.server.started:
            if not self.thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("the server did not start")
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=30)
        self.socket.close()
        self.site.database.close()

    def url(self, path: str) -> str:
        """The whole address of a path."""
        return self.home + path

    def link(self, label: str = "Ada", **more: Any) -> str:
        """The whole address of a new rater's invitation."""
        return self.url("/r/" + new_link(self.site, label=label, **more))

    def owner_link(self) -> str:
        """The whole address of a new owner's link."""
        return self.url("/o/" + new_link(self.site, "owner", label="", days=1))

    def rows(self, query: Any) -> list[Any]:
        """Ask the database."""
        with self.site.database.read() as tx:
            return list(tx.execute(query))

    def events(self, *, practice: bool = False) -> list[Any]:
        """All answers, oldest first, with remarks and the item's text."""
        kinds = ("study", "gold", "practice") if practice else ("study", "gold")
        query = (
            sa.select(event, remark.c.text.label("remark"), item.c.output)
            .join(item, item.c.id == event.c.item)
            .outerjoin(remark, remark.c.event == event.c.id)
            .where(item.c.kind.in_(kinds))
            .order_by(event.c.id)
        )
        return self.rows(query)


class Watch:
    """What a browser context said and asked for."""

    def __init__(self, context: Any, home: str) -> None:
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.home = home
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.home + "/", "data:", "about:", "blob:")):
            self.elsewhere.append(request.url)

    def nothing(self, *, but: str = "") -> None:
        """Assert that all was quiet; `but` may stand in complaints that were provoked."""
        left = [one for one in self.complaints if not but or but not in one]
        assert (left, self.elsewhere) == ([], [])


@contextmanager
def person(browser: Any, live: Live, *, quiet: str = "", **options: Any) -> Iterator[Any]:
    """A page in a browser of its own, watched until the end.

    Args:
        browser: playwright's.
        live: the app.
        quiet: what may stand in the console, since the test provokes it.
        options: of the browser context.
    """
    context = browser.new_context(**options)
    context.set_default_timeout(20_000)
    watch = Watch(context, live.home)
    try:
        yield context.new_page()
        watch.nothing(but=quiet)
    finally:
        context.close()


def words(text: str, tag: str = "en", **values: Any) -> str:
    """A message in a language, as the pages show it."""
    source = "{% set shown = _(text) %}{{ shown }}" if not values else "{{ _(text, **values) }}"
    return (
        environment(tag, APP.folder / "templates")
        .from_string(source)
        .render(text=text, values=values)
    )


# What a rater does -------------------------------------------------------------------------


def press(page: Any, name: str, tag: str = "en") -> None:
    """Click the button that is called so, and wait for the page that follows."""
    page.get_by_role("button", name=words(name, tag), exact=True).click()


def enter(page: Any, link: str, tag: str = "en") -> None:
    """Open an invitation and agree to take part."""
    page.goto(link)
    press(page, "Continue", tag)
    press(page, "I agree and start", tag)


def begin(page: Any, link: str, tag: str = "en") -> None:
    """Come as far as the first text, in a study without practice."""
    enter(page, link, tag)
    press(page, "Show the next text", tag)


def practise(page: Any, tag: str = "en") -> None:
    """Answer both practice texts of `RATING` as expected; their order differs between raters."""
    press(page, "Show the next text", tag)
    for last in (False, True):
        practise_one(page, tag)
        press(page, "Start rating" if last else "Next text", tag)


def practise_one(page: Any, tag: str = "en", *, right: bool = True) -> str:
    """Answer the practice text on the screen; return what it says."""
    shown(page)
    said = str(page.locator(".output").inner_text())
    fits = "5" if said == "Yes, it is." else words("It cannot be rated", tag)
    page.get_by_role("radio", name=fits if right else "2").check()
    press(page, "Save and next", tag)
    return said


def shown(page: Any) -> str:
    """The opaque id of the text on the screen, once the page has loaded with its script."""
    name = str(page.locator("#rate [name=item]").input_value())
    page.wait_for_load_state("load")
    return name


def settled(page: Any, before: str) -> None:
    """Wait until something else than this text is on the screen."""
    page.wait_for_function(
        "before => { const now = document.querySelector('#rate [name=item]');"
        " return !now || now.value !== before; }",
        arg=before,
    )


def give(page: Any, value: int, tag: str = "en") -> str:
    """Rate the text on the screen; return its id once the next page is there."""
    name = shown(page)
    page.get_by_role("radio", name=str(value)).check()
    press(page, "Save and next", tag)
    settled(page, name)
    return name


def no_sideways(page: Any, width: int) -> None:
    """Nothing sticks out: the page is no wider than the screen (WCAG 1.4.10)."""
    size = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert size[0] <= width, f"{page.url}: {size[0]} px wide on a screen of {width}"
