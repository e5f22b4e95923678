"""Sign-off on the desk: who has signed what, and signing what is on the page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from mores.desk.call import Call
from mores.desk.content import Content, Name
from mores.errors import StudyError
from mores.study.signoff import ThingState, sign, sign_off
from mores.web import audit
from mores.web.call import RefusedError, page, redirect

DECISIONS = ("accept", "reserve", "object")
THINGS = {"charter": "positions", "values": "values", "control": "control"}


def listing(call: Call) -> Response:
    """Everything that can be signed, and by whom it was."""
    found = sign_off(call.content.study)
    return page(
        call,
        "signatures.html",
        lines=found.lines,
        faults=found.faults,
        things=found.things,
        key=call.key,
        may_sign=call.person.role in ("owner", "reviewer"),
    )


def signed(call: Call) -> Response:
    """Sign one thing as it was on the page; refused where it has changed since."""
    what, digest = call.get("what"), call.get("digest")
    role, checked, reason = (call.get(name).strip() for name in ("role", "checked", "reason"))
    decision: Any = call.get("decision")
    if decision not in DECISIONS or not role or not checked:
        raise RefusedError("bad_form", 400, "Say in which role, and what you checked.")
    if decision != "accept" and not reason:
        raise RefusedError("bad_form", 400, "A reservation or an objection needs a reason.")
    now = datetime.fromtimestamp(call.now, UTC)
    try:
        sign(
            call.content.study,
            {what: digest},
            by=call.person.label,
            role=role[:120],
            checked=checked[:2000],
            now=now,
            decision=decision,
            reason=reason[:2000],
        )
    except StudyError as error:
        raise RefusedError("refused", 409, str(error), form=call.form) from None
    with call.site.database.write() as tx:
        detail = {"what": what, "decision": decision, "digest": digest}
        audit.append(tx, now=call.now, actor=call.person.id, action="sign", detail=detail)
    call.site.shelf.forget()
    back = call.get("back")
    return redirect(back if back.startswith("/records/") else "/signatures")


def thing_of(content: Content, name: Name) -> ThingState | None:
    """The state of a record's signatures; None for what is signed as a set, or is not there."""
    kind = THINGS.get(name.part)
    return content.signed.get(f"{kind}:{name.id}") if kind else None
