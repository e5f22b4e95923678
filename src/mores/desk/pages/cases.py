"""Complaints: what somebody was answered, what they expected, who answers for it, and how it ended.

A complaint is kept with what was asked and answered. It belongs to whoever answers for the position
(`accountable` in the charter), is answered and closed by the owner, and feeds `mores revise` as
evidence while it is open; it never becomes a test prompt.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from mores.desk.call import Call
from mores.desk.complaints import complaints, delete, hand_on, personal, traced
from mores.study.complaints import Complaint
from mores.trace.behind import answers_for
from mores.web import audit
from mores.web.call import RefusedError, page, redirect

MOST = 20_000
"""Characters of a field."""


def listing(call: Call) -> Response:
    """All complaints, open ones first."""
    with call.site.database.read() as tx:
        found = complaints(tx)
    return page(
        call, "cases.html", found=sorted(found, key=lambda c: (c.state == "closed", -c.number))
    )


def form(call: Call) -> Response:
    """An empty form."""
    return _form(call, {})


def complain(call: Call) -> Response:
    """Keep a complaint, once nothing personal is in it or the sender says that it must stay."""
    told = {name: call.get(name).strip() for name in ("question", "answer", "expected")}
    if max(map(len, told.values())) > MOST:
        raise RefusedError("too_large", 413, form=call.form)
    told["category"] = call.get("category")
    known = call.content.study.charter.categories
    if not told["question"] or not told["answer"] or told["category"] not in ("", *known):
        return _form(call, told, fault="empty")
    found = personal("\n".join(told.values()), call.content.study.charter.language)
    if found and call.get("keep") != "yes":
        return _form(call, told, fault="personal", found=found)
    text = msgspec.json.encode(told).decode()
    number = call.save("complaint", f"case/{told['category'] or '-'}", text)
    with call.site.database.write() as tx:
        detail = {"complaint": number, "category": told["category"]}
        audit.append(tx, now=call.now, actor=call.person.id, action="complain", detail=detail)
        hand_on(tx, call.content.study)
    return redirect(f"/cases/{number}")


def one(call: Call) -> Response:
    """A complaint, and what was done about it."""
    case = _case(call)
    charter = call.content.study.charter
    position = charter.position(case.category) if case.category in charter.categories else None
    return page(
        call,
        "case.html",
        case=case,
        position=position,
        accountable=answers_for(position.accountable if position else None),
        key=call.key,
        texts_lang=charter.language,
    )


def trace_it(call: Call) -> Response:
    """Say what tuning changed in the answer, and which samples are behind it."""
    case = _case(call)
    text = traced(call.content.study, case)
    call.save("trace", f"case/{case.number}", text, parent=case.number)
    with call.site.database.write() as tx:
        detail = {"complaint": case.number}
        audit.append(tx, now=call.now, actor=call.person.id, action="trace", detail=detail)
        hand_on(tx, call.content.study)
    return redirect(f"/cases/{case.number}")


def act(call: Call) -> Response:
    """Assign, answer, close or delete a complaint."""
    case = _case(call)
    deed = call.get("deed")
    if deed == "deleted":
        with call.site.database.write() as tx:
            delete(tx, case.number)
            detail = {"complaint": case.number, "deed": deed}
            audit.append(tx, now=call.now, actor=call.person.id, action="case", detail=detail)
            hand_on(tx, call.content.study)
        return redirect("/cases")
    if deed not in ("assigned", "answered", "closed", "reopened"):
        raise RefusedError("bad_form", 400)
    if not call.get("text").strip():
        raise RefusedError("bad_form", 400, "Say to whom, what, or why.")
    call.save("case", f"case/{case.number}", call.get("text"), value=deed, parent=case.number)
    with call.site.database.write() as tx:
        detail = {"complaint": case.number, "deed": deed}
        audit.append(tx, now=call.now, actor=call.person.id, action="case", detail=detail)
        hand_on(tx, call.content.study)
    return redirect(f"/cases/{case.number}")


def _case(call: Call) -> Complaint:
    number = call.number("number")
    with call.site.database.read() as tx:
        found = [c for c in complaints(tx) if c.number == number]
    if not found:
        raise RefusedError("not_found", 404)
    return found[0]


def _form(
    call: Call, told: dict[str, Any], *, fault: str = "", found: tuple[str, ...] = ()
) -> Response:
    return page(
        call,
        "complain.html",
        400 if fault == "empty" else 200,
        told=told,
        fault=fault,
        found=found,
        key=call.get("key") or call.key,
        categories=call.content.study.charter.positions,
    )
