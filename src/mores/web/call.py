"""One request as the pages see it, and the three kinds of answer they give.

page(call, "guess.html", items=[...])      redirect("/rate")      Response(...)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from starlette.responses import HTMLResponse, Response

from mores.web.database import Database
from mores.web.i18n import LANGUAGES, environment, language, negotiate
from mores.web.links import Who
from mores.web.security import Place


@dataclass(frozen=True)
class Page:
    """One address and method, and who may use it."""

    method: str
    path: str
    role: str
    """``static``, ``public``, or the app's own roles with a space between."""
    handler: Callable[[Any], Response]
    link: bool = False
    """Whether the address holds a secret that lets people in: limited by address."""
    room: int = 0
    """Bytes of a form where it may be larger than others; 0 for the limit of all."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What all requests of an app share."""

    database: Database
    place: Place
    title: str
    """Of the study, on every page."""
    now: Callable[[], float] = time.time
    behind_proxy: bool = False


class RefusedError(Exception):
    """A request that gets a plain page instead of what it asked for; `code` of message.html."""

    def __init__(
        self, code: str, status: int, detail: str = "", form: Mapping[str, list[str]] | None = None
    ) -> None:
        self.code, self.status, self.detail = code, status, detail
        self.form = form or {}
        """What was sent: shown again, so that nothing written is lost."""
        super().__init__(code)


@dataclass(frozen=True, kw_only=True)
class App:
    """What makes one app different from another."""

    name: str
    """Of its log."""
    folder: Path
    """With its ``templates`` and ``static``."""
    pages: tuple[Page, ...]
    call: type[Call]
    whose: Callable[[sa.Connection, str, float], Who | None]
    """From a session's secret and the time to the person."""
    refusal: Callable[[Exception], RefusedError | None]
    """From an error of its own rooms to the page that says so."""
    homes: Mapping[str, tuple[str, str]]
    """Role to (address, ``label_code`` of message.html) of the page to go on with."""
    texts: tuple[str, ...] = ()
    """Fields of forms that people write in: shown again where a form is refused."""
    script: str = ""
    """The one script of its pages, which all work without."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request."""

    site: Site
    app: App
    path: str
    params: Mapping[str, str]
    """What the address holds, such as ``token`` or ``item``."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    who: Who | None = None
    cookie: str = ""
    """The session's secret, or empty."""
    form: Mapping[str, list[str]] = field(default_factory=dict)

    @cached_property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.site.now()

    def get(self, name: str, default: str = "") -> str:
        """Return the last value of a form field."""
        values = self.form.get(name)
        return values[-1] if values else default

    @property
    def person(self) -> Any:
        """The row of who is signed in; only on pages whose role has one."""
        assert self.who is not None
        assert self.who.person is not None
        return self.who.person

    @property
    def language(self) -> str:
        """Tag of the interface's language."""
        chosen = self.query.get("lang")
        if self.who is not None and self.who.person is not None:
            chosen = self.who.person.language
        return negotiate(self.headers.get("accept-language", ""), chosen)


def page(call: Call, template: str, http: int = 200, /, **context: Any) -> Response:
    """Render a template for this request."""
    tag = call.language
    context.setdefault("role", call.who.role if call.who else "public")
    text = (
        environment(tag, call.app.folder / "templates")
        .get_template(template)
        .render(
            lang=tag,
            dir=language(tag).direction,
            languages=LANGUAGES,
            chooses=call.who is not None and call.who.person is not None,
            csrf=call.who.csrf if call.who else "",
            here=call.path,
            study=call.site.title,
            script=call.app.script,
            **context,
        )
    )
    return HTMLResponse(text, status_code=http)


def redirect(where: str) -> Response:
    """Send the browser on with a GET (303)."""
    return Response(status_code=303, headers={"location": quote(where, safe="/?&=#%:+,~")})


def message(call: Call, code: str, status: int, detail: str = "") -> Response:
    """A refusal or an error as a page; what people had written stands on it."""
    kept = [text for name in call.app.texts if (text := call.get(name).strip())]
    home = call.app.homes.get(call.who.role if call.who else "")
    links = [{"href": home[0], "label_code": home[1]}] if home else []
    return page(
        call,
        "message.html",
        status,
        code=code,
        status=status,
        detail=detail,
        links=links,
        kept=kept,
    )
