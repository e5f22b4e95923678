"""Pages for people who are not signed in: they hold a link."""

from __future__ import annotations

from starlette.responses import Response

from mores.rate.db.progress import share_of_one
from mores.rate.db.raters import (
    OWNER_SESSION,
    RATER_SESSION,
    end_session,
    join,
    new_session,
    open_link,
)
from mores.rate.web.call import Call
from mores.web import audit
from mores.web.call import page, redirect
from mores.web.links import hashed
from mores.web.security import set_cookie

PANEL = ("PROLIFIC_PID", "SESSION_ID", "STUDY_ID")
"""What Prolific puts into the address of a participant."""


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
