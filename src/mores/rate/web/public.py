"""Pages for people who are not signed in: links, static files, health."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.responses import PlainTextResponse, Response

from mores.rate.db import audit
from mores.rate.db.progress import share_of_one
from mores.rate.db.raters import (
    OWNER_SESSION,
    RATER_SESSION,
    end_session,
    hashed,
    join,
    new_session,
    open_link,
)
from mores.rate.web.call import Call, RefusedError, message, page, redirect
from mores.rate.web.security import set_cookie

STATIC = Path(__file__).parent / "static"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PANEL = ("PROLIFIC_PID", "SESSION_ID", "STUDY_ID")
"""What Prolific puts into the address of a participant."""


@cache
def _static() -> dict[str, tuple[bytes, str]]:
    """All static files; nothing else can be asked for."""
    return {
        path.name: (path.read_bytes(), KINDS[path.suffix])
        for path in STATIC.iterdir()
        if path.suffix in KINDS
    }


def static(call: Call) -> Response:
    """Style, script and icon."""
    found = _static().get(call.params["name"])
    if found is None:
        raise RefusedError("not_found", 404)
    return Response(found[0], media_type=found[1], headers={"cache-control": "max-age=600"})


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


def invitation(call: Call) -> Response:
    """Show what the link is for. Opening it changes nothing: mail scanners open links too."""
    with call.site.database.read() as tx:
        open_link(tx, call.params["token"], ("personal", "open"), call.now)
        items, minutes = share_of_one(tx, call.site.facts)
    hidden = [(name, call.query[name]) for name in PANEL if name in call.query]
    return page(call, "invite.html", action=call.path, items=items, minutes=minutes, hidden=hidden)


def come_in(call: Call) -> Response:
    """Exchange the link for a session."""
    pid, session = call.get("PROLIFIC_PID"), call.get("SESSION_ID")
    outside = (pid, session) if pid or session else None
    with call.site.database.write() as tx:
        token = join(
            tx, call.params["token"], language=call.language, outside=outside, now=call.now
        )
        end_session(tx, call.cookie)  # the one before, of this browser
    return _signed_in(call, token, RATER_SESSION, "/begin")


def owner_link(call: Call) -> Response:
    """Show the owner's door."""
    with call.site.database.read() as tx:
        open_link(tx, call.params["token"], ("owner",), call.now)
    return page(
        call, "invite.html", role="owner", action=call.path, items=0, minutes=None, hidden=[]
    )


def owner_in(call: Call) -> Response:
    """Exchange the owner's link for a session."""
    with call.site.database.write() as tx:
        link = open_link(tx, call.params["token"], ("owner",), call.now)
        token = new_session(tx, "owner", None, call.now)
        end_session(tx, call.cookie)
        detail = {"invite": link.id, "session": hashed(hashed(token))[:12]}
        audit.append(tx, now=call.now, actor="owner", action="sign in", detail=detail)
    return _signed_in(call, token, OWNER_SESSION, "/owner")


def _signed_in(call: Call, token: str, seconds: float, where: str) -> Response:
    response = redirect(where)
    response.headers["set-cookie"] = set_cookie(call.site.place, token, int(seconds))
    return response


def sign_out(call: Call) -> Response:
    """End the session."""
    with call.site.database.write() as tx:
        end_session(tx, call.cookie)
    response = redirect("/")
    response.headers["set-cookie"] = set_cookie(call.site.place, "", 0)
    return response
