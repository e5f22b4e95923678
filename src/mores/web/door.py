"""The app: one door that every request passes before its page.

    app = make_app(site, app)      a `Site` and the `App` whose pages it shows

In this order: known address and method, size, rate limit, origin of a form, session, role, form
token; then the page, in a thread. A page never sees a request that failed one of these.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mores.errors import MoresError, StoreError
from mores.web.call import App, Call, Page, RefusedError, Site, message, redirect
from mores.web.database import DatabaseBusyError, DatabaseFullError, DatabaseReadOnlyError
from mores.web.links import LinkError
from mores.web.security import (
    HEADERS,
    HSTS,
    MAX_BODY,
    Limiter,
    is_loopback,
    same_origin,
    same_secret,
)

LINKS = (60, 120.0)
"""Openings of links from one address: at once, a minute. A class sits behind one address."""
FORMS = (60, 120.0)
"""Forms of one session."""
READS = (240, 600.0)
"""Pages of one session, or of one address without a session."""

FIELDS = 200
"""Fields of a form."""


STATIC = Path(__file__).parent / "static"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def make_app(site: Site, app: App) -> Starlette:
    """Build the ASGI app of a site."""
    door = _Door(site, app)
    host = site.place.host
    hosts = [f"[{host}]" if ":" in host else host]
    if is_loopback(host):
        hosts = ["127.0.0.1", "localhost", "[::1]"]
    made = Starlette(
        routes=[Route(page.path, door.endpoint(page), methods=[page.method]) for page in app.pages],
        middleware=[
            Middleware(_Envelope, secure=site.place.secure, log=door.log),
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        ],
        exception_handlers={HTTPException: door.lost},
    )
    made.router.redirect_slashes = False
    return made


def static(call: Call) -> Response:
    """Style, script and icon; nothing else can be asked for."""
    found = _static(call.app.folder / "static").get(call.params["name"])
    if found is None:
        raise RefusedError("not_found", 404)
    return Response(found[0], media_type=found[1], headers={"cache-control": "max-age=600"})


@cache
def _static(own: Path) -> dict[str, tuple[bytes, str]]:
    return {
        path.name: (path.read_bytes(), KINDS[path.suffix])
        for folder in (STATIC, own)
        if folder.exists()
        for path in folder.iterdir()
        if path.suffix in KINDS
    }


def icon(_call: Call) -> Response:
    """Browsers ask for it unasked."""
    return redirect("/static/icon.svg")


def health(call: Call) -> Response:
    """Say that the app runs and its database answers."""
    with call.site.database.read() as tx:
        tx.exec_driver_sql("SELECT 1")
    return PlainTextResponse("ok\n")


def front(call: Call) -> Response:
    """Nothing is here without a link."""
    return message(call, "not_signed_in", 200)


SHARED: tuple[Page, ...] = (
    Page("GET", "/static/{name}", "static", static),
    Page("GET", "/favicon.ico", "static", icon),
    Page("GET", "/healthz", "static", health),
    Page("GET", "/", "public", front),
)
"""Addresses that every app has."""


class _Door:
    """Checks a request, then calls its page."""

    def __init__(self, site: Site, app: App) -> None:
        self.site, self.app = site, app
        self.log = logging.getLogger(app.name)
        self.links = Limiter(*LINKS)
        self.forms = Limiter(*FORMS)
        self.reads = Limiter(*READS)

    def endpoint(self, page: Page) -> Any:
        """The function that Starlette calls for one page."""

        async def answer(request: Request) -> Response:
            call = self._call(request, request.path_params)
            try:
                body = await _body(request, page.room or MAX_BODY) if page.method == "POST" else b""
            except RefusedError as refused:
                return message(call, refused.code, refused.status)
            return await run_in_threadpool(self.answer, page, call, self._client(request), body)

        return answer

    def answer(self, page: Page, call: Call, client: str, body: bytes) -> Response:
        """Do everything that a request asks for, or say why not. Runs in a thread."""
        try:
            call = self._admit(page, call, client, body)
            return page.handler(call)
        except RefusedError as refused:
            call = replace(call, form=call.form or refused.form)
            return message(call, refused.code, refused.status, refused.detail)
        except LinkError as error:
            return message(call, error.state, 404 if error.state == "link_unknown" else 403)
        except Exception as error:
            own = self.app.refusal(error)
            if own is not None:
                return message(call, own.code, own.status, own.detail)
            if isinstance(error, MoresError):
                return self._storage(call, error)
            # the pattern of the address, never a link's secret
            self.log.exception("%s %s", page.method, page.path)
            return message(call, "error", 500)

    def _storage(self, call: Call, error: MoresError) -> Response:
        known: tuple[tuple[type[MoresError], str, int], ...] = (
            (DatabaseFullError, "storage_full", 507),
            (DatabaseReadOnlyError, "storage_readonly", 503),
            (DatabaseBusyError, "storage_busy", 503),
            (StoreError, "error", 503),  # no answer: it may have been saved, and its key tells
        )
        for kind, code, status in known:
            if isinstance(error, kind):
                self.log.error("%s", error)
                return message(call, code, status)
        return message(call, "bad_form", 400, error.message)

    def _admit(self, page: Page, call: Call, client: str, body: bytes) -> Call:
        """Return the call with its session and form, or refuse it."""
        clock = time.monotonic()
        posts = page.method == "POST"
        if page.role == "static":
            return call
        if page.link and not self.links.allows(client, clock):
            raise RefusedError("too_many", 429)
        if posts and not same_origin(self.site.place, call.headers):
            raise RefusedError("origin", 403)
        if any("\x00" in value for value in call.params.values()):
            raise RefusedError("not_found", 404)  # PostgreSQL cannot even look for it
        who = None
        if call.cookie and page.role != "public":
            with self.site.database.read() as tx:
                who = self.app.whose(tx, call.cookie, call.now)
        if not page.link:
            limiter = self.forms if posts else self.reads
            # Made-up cookies share the limit of their address.
            if not limiter.allows(client if who is None else call.cookie, clock):
                raise RefusedError("too_many", 429)
        call = replace(call, who=who, form=_form(body))
        if page.role == "public":
            return call
        if who is None:
            raise RefusedError("not_signed_in", 401, form=call.form)
        if who.role not in page.role.split():
            raise RefusedError("not_allowed", 403, form=call.form)
        if posts and not same_secret(call.get("csrf"), who.csrf):
            raise RefusedError("csrf", 403, form=call.form)
        return call

    def _call(self, request: Request, params: dict[str, str]) -> Call:
        return self.app.call(
            site=self.site,
            app=self.app,
            path=request.scope["path"],
            params=params,
            query=dict(request.query_params),
            headers=request.headers,
            cookie=request.cookies.get(self.site.place.cookie, ""),
        )

    def _client(self, request: Request) -> str:
        """The address that limits count by: behind a proxy, what the proxy added last."""
        if self.site.behind_proxy:
            return request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or "proxy"
        return request.client.host if request.client else "unknown"

    async def lost(self, request: Request, error: Exception) -> Response:
        """An address or method that is not in the list."""
        assert isinstance(error, HTTPException)
        code = "method" if error.status_code == 405 else "not_found"
        response = message(self._call(request, {}), code, error.status_code)
        if error.status_code == 405:  # Starlette names the methods of one route only
            methods = [
                set(route.methods or ())
                for route in request.app.routes
                if route.matches(request.scope)[0] is not Match.NONE
            ]
            response.headers["allow"] = ", ".join(sorted(set[str]().union(*methods)))
        return response


async def _body(request: Request, room: int) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise RefusedError("bad_form", 415)
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > room:
            raise RefusedError("too_large", 413)
    return data


def _form(body: bytes) -> dict[str, list[str]]:
    """The fields of a form; NUL, which PostgreSQL cannot hold, becomes U+FFFD."""
    text = body.decode("utf-8", "replace")
    try:
        form = parse_qs(text, keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError:
        raise RefusedError("bad_form", 400) from None
    return {name: [one.replace("\x00", "\ufffd") for one in form[name]] for name in form}


class _Envelope:
    """The same headers on every response, whoever made it."""

    def __init__(self, app: ASGIApp, secure: bool, log: logging.Logger) -> None:
        self.app, self.log = app, log
        fixed = {**HEADERS, **({"strict-transport-security": HSTS} if secure else {})}
        self.fixed = [(name.encode(), value.encode()) for name, value in fixed.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: list[bool] = []

        async def sealed(start: Message) -> None:
            if start["type"] == "http.response.start":
                begun.append(True)
                own = [(name.lower(), value) for name, value in start["headers"]]
                named = {name for name, _ in own}
                start["headers"] = own + [pair for pair in self.fixed if pair[0] not in named]
            await send(start)

        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, sealed)
        except ClientDisconnect:
            pass
        except Exception:  # outside every page; the page's own errors are caught there
            self.log.exception("outside the pages")
            if not begun:
                await PlainTextResponse("Something went wrong.\n", 500)(scope, receive, sealed)
