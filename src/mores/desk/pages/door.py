"""Links, the way in and out, and the language."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from mores.desk import people
from mores.desk.call import Call
from mores.desk.tables import person
from mores.web.call import page, redirect
from mores.web.i18n import LANGUAGES
from mores.web.security import inner_path, set_cookie

HOME = {
    "owner": "/desk",
    "author": "/desk",
    "reviewer": "/desk",
    "participant": "/begin",
}


def invitation(call: Call) -> Response:
    """Show what a link is for. Opening it changes nothing: mail scanners open links too."""
    with call.site.database.read() as tx:
        link = people.open_link(tx, call.params["token"], call.now)
    return page(call, "invite.html", action=call.path, role=link.kind)


def come_in(call: Call) -> Response:
    """Exchange the link for a session."""
    with call.site.database.write() as tx:
        link = people.open_link(tx, call.params["token"], call.now)
        token = people.join(tx, call.params["token"], language=call.language, now=call.now)
        people.sign_out(tx, call.cookie)  # the one before, of this browser
    response = redirect(HOME[link.kind])
    seconds = int(people.SESSION[link.kind])
    response.headers["set-cookie"] = set_cookie(call.site.place, token, seconds)
    return response


def sign_out(call: Call) -> Response:
    """End the session."""
    with call.site.database.write() as tx:
        people.sign_out(tx, call.cookie)
    response = redirect("/")
    response.headers["set-cookie"] = set_cookie(call.site.place, "", 0)
    return response


def settings(call: Call) -> Response:
    """Change the language of the pages."""
    if call.get("language") in {one.tag for one in LANGUAGES}:
        with call.site.database.write() as tx:
            mine = person.c.id == call.person.id
            tx.execute(person.update().where(mine).values(language=call.get("language")))
    return redirect(inner_path(quote(call.get("back"), safe="/?&=%"), "/desk"))
