"""Positions, samples, prompts and pairs: lists of them, and one with all that is said about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from mores import store
from mores.curate.text import words
from mores.desk import drafts as work
from mores.desk.call import Call
from mores.desk.content import FIELDS, Content, Name, findings_of
from mores.desk.drafts import Draft
from mores.desk.entries import said
from mores.desk.pages.signing import thing_of
from mores.errors import DataError, MoresError
from mores.records import Finding
from mores.web.call import RefusedError, page, redirect


def listing(call: Call) -> Response:
    """All records of one file, or of one position in it."""
    part = part_of(call)
    content = call.content
    category = call.query.get("category", "")
    with call.site.database.read() as tx:
        open_drafts = [d for d in work.drafts(tx) if d.name.part == part and waits(d)]
    rows = [
        _row(content, name, record)
        for name, record in content.of(part)
        if category in ("", record.get("category", name.id))
    ]
    return page(
        call,
        "records.html",
        part=part,
        rows=rows,
        drafts=open_drafts,
        category=category,
        categories=content.study.charter.positions,
        lengths=_lengths(content) if part in ("values", "control") else None,
        trouble=call.site.shelf.trouble,
        texts_lang=content.study.charter.language,
    )


def one(call: Call) -> Response:
    """One record, or a draft of one that is not there yet."""
    name = call.name
    part_of(call)
    return _show(call, name, number=int(call.query["draft"]) if _draft_asked(call) else None)


def comment(call: Call) -> Response:
    """Say something about a record or a draft of it."""
    part_of(call)
    parent = call.number("draft") if call.get("draft") else None
    if parent is not None:
        _draft(call, parent)  # or there is none
    elif call.name not in call.content.records:
        raise RefusedError("not_found", 404)
    if not call.get("text").strip():
        raise RefusedError("bad_form", 400)
    call.save("comment", str(call.name), call.get("text"), parent=parent)
    return _back(call, parent)


def review(call: Call) -> Response:
    """Say of a draft that it is fine, or what is to change."""
    draft = _waiting(call)
    verdict = call.get("verdict")
    if verdict not in (work.CHANGES, work.FINE):
        raise RefusedError("bad_form", 400)
    if verdict == work.CHANGES and not call.get("text").strip():
        raise RefusedError("bad_form", 400, "Say what is to change.")
    if draft.person == call.person.id:
        raise RefusedError("bad_form", 400, "Somebody else reviews what one has written.")
    call.save("review", str(draft.name), call.get("text"), value=verdict, parent=draft.number)
    return _back(call, draft.number)


def decide(call: Call) -> Response:
    """Put a draft into the study's file, or decline it."""
    draft = _waiting(call)
    number = draft.number
    if call.get("verdict") == work.DECLINED:
        call.save("decision", str(draft.name), call.get("text"), value=work.DECLINED, parent=number)
        return _back(call, number)
    if call.get("verdict") != work.ACCEPTED:
        raise RefusedError("bad_form", 400)
    keep = {field: call.get(f"keep_{field}") for field in FIELDS[draft.name.part]}
    day = _day(call.now)
    try:
        work.accept(call.site.shelf, draft, keep=keep, day=day)
    except DataError as error:
        return _show(call, draft.name, number=number, fault=error, http=409)
    digest = call.content.digest(draft.name)
    call.save("decision", str(draft.name), value=work.ACCEPTED, digest=digest, parent=number)
    return _back(call, number)


def all_drafts(call: Call) -> Response:
    """Everything that waits for somebody."""
    with call.site.database.read() as tx:
        found = work.drafts(tx)
    return page(
        call,
        "drafts.html",
        waiting=[d for d in found if waits(d)],
        done=[d for d in found if not waits(d)][:50],
    )


def findings(call: Call) -> Response:
    """What `mores check` says of the files."""
    content = call.content
    groups: dict[str, list[Finding]] = {"error": [], "warning": [], "info": []}
    for finding in content.findings:
        if not finding.suppressed:
            groups[finding.severity].append(finding)
    return page(call, "findings.html", groups=groups, trouble=call.site.shelf.trouble)


# Pieces ------------------------------------------------------------------------------------


def part_of(call: Call) -> str:
    """The file that an address names; refused where there is none of that name."""
    part = call.params["part"]
    if part not in FIELDS:
        raise RefusedError("not_found", 404)
    return part


def waits(draft: Draft) -> bool:
    """Whether nobody has decided on a draft."""
    return draft.state not in (work.ACCEPTED, work.DECLINED)


def _draft_asked(call: Call) -> bool:
    text = call.query.get("draft", "")
    return text.isascii() and text.isdecimal() and len(text) <= 12


def _draft(call: Call, number: int) -> Draft:
    with call.site.database.read() as tx:
        return work.draft_of(tx, number)


def _waiting(call: Call) -> Draft:
    """The draft that a form is about; refused where somebody has decided on it."""
    draft = _draft(call, call.number("draft"))
    if not waits(draft):
        raise RefusedError("refused", 409, "Somebody has decided on this draft meanwhile.")
    return draft


def _back(call: Call, draft: int | None) -> Response:
    more = f"?draft={draft}" if draft is not None else ""
    return redirect(f"/records/{call.name.part}/{call.name.id}{more}")


def _day(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def _row(content: Content, name: Name, record: dict[str, Any]) -> dict[str, Any]:
    found = [f for f in content.about(name) if not f.suppressed]
    return {
        "name": name,
        "record": record,
        "words": len(words(record.get("completion", ""))),
        "errors": sum(f.severity == "error" for f in found),
        "warnings": sum(f.severity == "warning" for f in found),
    }


def _lengths(content: Content) -> dict[str, list[int]]:
    """Samples of both sets by their answers' words: 0 to 39, 40 to 79, ... 320 and more."""
    subject = content.subject
    places = {
        part: [min(len(item.answer_words) // 40, 8) for item in items]
        for part, items in (("values", subject.values), ("control", subject.control))
    }
    return {part: [own.count(place) for place in range(9)] for part, own in places.items()}


def _show(
    call: Call,
    name: Name,
    *,
    number: int | None = None,
    fault: MoresError | None = None,
    http: int = 200,
) -> Response:
    content = call.content
    record = content.records.get(name)
    with call.site.database.read() as tx:
        found = work.drafts(tx, name)
        talk = said(tx, ("comment", "review", "decision"), str(name))
    draft = next((d for d in found if d.number == number), None)
    if record is None and not found:
        raise RefusedError("not_found", 404)
    if draft is None and record is None:
        draft = found[0]
    return page(
        call,
        "record.html",
        http,
        name=name,
        record=record,
        fields=FIELDS[name.part],
        draft=draft,
        changed=_changed(draft, name.part) if draft else [],
        conflicts=_conflicts(draft, record or {}),
        others=[d for d in found if draft is None or d.number != draft.number],
        findings=said_of(
            call, content, name, {"author": draft.author, **draft.fields} if draft else None
        ),
        position=position_of(content, name, draft.fields if draft else record or {}),
        pair=_counterpart(content, name),
        signed=thing_of(content, name),
        talk=talk,
        key=call.key,
        saved="saved" in call.query,
        fault=fault,
        trouble=call.site.shelf.trouble,
        mine=draft is not None and draft.person == call.person.id,
        waits=draft is not None and waits(draft),
        texts_lang=content.study.charter.language,
    )


def _conflicts(draft: Draft | None, record: dict[str, Any]) -> list[str]:
    if draft is None or not waits(draft):
        return []
    return [conflict.field for conflict in work.together(draft, record)[1]]


def _changed(draft: Draft, part: str) -> list[str]:
    return [f for f in FIELDS[part] if draft.fields.get(f, "") != draft.base.get(f, "")]


def said_of(
    call: Call, content: Content, name: Name, fields: dict[str, Any] | None
) -> list[Finding]:
    """What is said of the record, or of a draft of it."""
    if name.part == "charter":
        return []
    if fields is None:
        return content.about(name)
    key = store.digest([content.stamp, str(name), fields])
    known: Any = call.site.cache.get(key)
    if known is None:
        try:
            known = findings_of(content, name, {**fields, "id": name.id})
        except DataError as error:  # no record of its file: that is what is to be said
            known = [
                Finding(
                    rule="M000",
                    name="record",
                    severity="error",
                    message=error.message,
                    fix=error.fix or "",
                    ids=(name.id,),
                )
            ]
        if len(call.site.cache) > 200:
            call.site.cache.clear()
        call.site.cache[key] = known
    return list(known)


def position_of(content: Content, name: Name, fields: dict[str, Any]) -> Any:
    """The position that a record belongs to, or None."""
    category = name.id if name.part == "charter" else fields.get("category", "")
    known = content.study.charter.categories
    return content.study.charter.position(category) if category in known else None


def _counterpart(content: Content, name: Name) -> dict[str, Any] | None:
    """The sample of the other set in the same place of its position: the sets are alike in size."""
    if name.part not in ("values", "control") or name not in content.records:
        return None
    other = "control" if name.part == "values" else "values"
    category = content.records[name]["category"]
    own = [n for n, r in content.of(name.part) if r["category"] == category]
    rows = [(n, r) for n, r in content.of(other) if r["category"] == category]
    place = own.index(name)
    if place >= len(rows):
        return None
    return {"name": rows[place][0], "record": rows[place][1]}
