"""One request as the pages see it, and the three kinds of answer they give.

page(call, "guess.html", items=[...])      redirect("/rate")      Response(...)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, Response

from mores.rate.db.engine import Database
from mores.rate.db.facts import Facts
from mores.rate.db.raters import Who
from mores.rate.web.i18n import LANGUAGES, environment, language, negotiate
from mores.rate.web.security import Place

if TYPE_CHECKING:
    from pathlib import Path

    from mores.study import Study


@dataclass(frozen=True)
class Site:
    """What all requests share."""

    database: Database
    facts: Facts
    place: Place
    study: Study | None = None
    """For unblinding: where the sealed key is. None where the app runs without the study."""
    backups: Path | None = None
    now: Callable[[], float] = time.time
    behind_proxy: bool = False


class RefusedError(Exception):
    """A request that gets a plain page instead of what it asked for; `code` of message.html."""

    def __init__(self, code: str, status: int, detail: str = "") -> None:
        self.code, self.status, self.detail = code, status, detail
        super().__init__(code)


@dataclass(frozen=True)
class Call:
    """One request."""

    site: Site
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
    def rater(self) -> Any:
        """The rater's row; only on pages for raters."""
        assert self.who is not None
        assert self.who.rater is not None
        return self.who.rater

    @property
    def study_texts(self) -> dict[str, Any]:
        """What pages need to show the study's own texts: their language, and where help is."""
        texts = self.site.facts.texts
        direction = language(texts.language.partition("-")[0]).direction
        return {"texts_lang": texts.language, "texts_dir": direction, "support": texts.support}

    @property
    def language(self) -> str:
        """Tag of the interface's language."""
        chosen = self.query.get("lang")
        if self.who is not None and self.who.rater is not None:
            chosen = self.who.rater.language
        return negotiate(self.headers.get("accept-language", ""), chosen)


def page(call: Call, template: str, http: int = 200, /, **context: Any) -> Response:
    """Render a template for this request."""
    tag = call.language
    context.setdefault("role", call.who.role if call.who else "public")
    text = (
        environment(tag)
        .get_template(template)
        .render(
            lang=tag,
            dir=language(tag).direction,
            languages=LANGUAGES,
            csrf=call.who.csrf if call.who else "",
            here=call.path,
            study=call.site.facts.title,
            **context,
        )
    )
    return HTMLResponse(text, status_code=http)


def redirect(where: str) -> Response:
    """Send the browser on with a GET (303)."""
    return Response(status_code=303, headers={"location": where})


def message(call: Call, code: str, status: int, detail: str = "") -> Response:
    """A refusal or an error as a page."""
    links = {
        "rater": [{"href": "/rate", "label_code": "rate"}],
        "owner": [{"href": "/owner", "label_code": "owner"}],
    }
    return page(
        call,
        "message.html",
        status,
        code=code,
        status=status,
        detail=detail,
        links=links.get(call.who.role if call.who else "", []),
    )
