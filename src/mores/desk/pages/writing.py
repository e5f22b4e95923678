"""Writing at the desk: the form of a record, what is said of it, and keeping it as a draft."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from msgspec import structs
from starlette.responses import Response

from mores.curate.text import words
from mores.desk import drafts as work
from mores.desk.call import Call
from mores.desk.content import FIELDS, KINDS, LONG, NEEDED, OPTIONS, Content, Name
from mores.desk.models import Natural, can_draft, first_answer, natural
from mores.desk.pages.records import part_of, position_of, said_of, waits
from mores.records import Finding, Position
from mores.web.call import RefusedError, page, redirect

SHORTEST = 20
"""Characters of a statement (`mores.records.Position`)."""
ID = r"\w[\w.-]{0,79}"
"""Of a new record: letters of any script, digits, points, hyphens."""


def new(call: Call) -> Response:
    """An empty form."""
    part = part_of(call)
    return _form(call, Name(part, ""), {"category": call.query.get("category", "")}, is_new=True)


def edit(call: Call) -> Response:
    """The form of a record, as its file or the person's own draft has it."""
    name = call.name
    part_of(call)
    record = call.content.records.get(name)
    with call.site.database.read() as tx:
        own = [d for d in work.drafts(tx, name) if d.person == call.person.id and waits(d)]
    if own:
        return _form(call, name, own[0].fields, base=own[0].base)
    if record is None:
        raise RefusedError("not_found", 404)
    return _form(call, name, record)


def save(call: Call) -> Response:
    """Keep a draft, or show it with what `mores check` says and keep nothing yet."""
    part = part_of(call)
    name = Name(part, call.params.get("id") or call.get("id").strip())
    content = call.content
    base = _base(call, name)
    fields = _typed(call, base)
    if part == "prompts" and not base:  # a new one belongs to the set that the study samples
        fields["presets"] = [content.study.config.sample.prompt_set]
    fault = _fault(call, content, name, is_new="id" not in call.params)
    deed = call.get("deed")
    if fault or deed != "save":
        is_new = "id" not in call.params
        if deed == "draft" and fault in ("", "empty") and call.get("prompt").strip():
            fields = fields | first_answer(content.study, fields)
            fault = ""
        read = natural(content.study, fields) if deed == "natural" and not fault else ()
        return _form(
            call,
            name,
            fields,
            base=base,
            fault=fault,
            looked=not fault,
            is_new=is_new,
            natural=read,
        )
    text = work.text_of(base, fields | {name.key: name.id})
    number = call.save("draft", str(name), text, digest=content.digest(name))
    return redirect(f"/records/{part}/{name.id}?draft={number}&saved=1")


def _base(call: Call, name: Name) -> dict[str, Any]:
    """What the form was begun from: the file then, if the form knows it, else the file now."""
    with call.site.database.read() as tx:
        own = [d for d in work.drafts(tx, name) if d.person == call.person.id and waits(d)]
    if own and own[0].base:
        return own[0].base
    if call.get("base"):
        try:
            told = json.loads(call.get("base"))
        except (ValueError, RecursionError):
            raise RefusedError("bad_form", 400) from None
        known = {field.name for field in structs.fields(KINDS.get(name.part, Position))}
        return {k: v for k, v in told.items() if k in known} if isinstance(told, dict) else {}
    return {}


def _typed(call: Call, base: dict[str, Any]) -> dict[str, Any]:
    """The form's fields on top of what the form does not show."""
    part = call.params["part"]
    shown = {
        field: call.get(field).replace("\r\n", "\n").strip()
        for field in FIELDS[part]
        if field in call.form
    }
    kept = {key: value for key, value in base.items() if key not in shown}
    return kept | {field: value for field, value in shown.items() if value}


def _fault(call: Call, content: Content, name: Name, *, is_new: bool) -> str:
    """What keeps a draft from being kept at all; most things are findings instead."""
    if is_new and not re.fullmatch(ID, name.id):
        return "id"
    if is_new and name in content.records:
        return "taken"
    lacking = [f for f in FIELDS[name.part] if f in NEEDED and not call.get(f).strip()]
    if lacking:
        return "empty"
    known = content.study.charter.categories
    if name.part != "charter" and call.get("category") not in known:
        return "category"
    if name.part == "charter" and len(call.get("statement").strip()) < SHORTEST:
        return "short"
    return ""


def _form(
    call: Call,
    name: Name,
    fields: dict[str, Any],
    *,
    base: dict[str, Any] | None = None,
    fault: str = "",
    looked: bool = False,
    is_new: bool = False,
    natural: Sequence[Natural] = (),
) -> Response:
    content = call.content
    base = content.records.get(name, {}) if base is None else base
    found: list[Finding] = []
    if looked and not fault and name.part != "charter":
        found = said_of(call, content, name, {"author": call.person.label, **fields})
    return page(
        call,
        "edit.html",
        400 if fault else 200,
        name=name,
        is_new=is_new,
        fields=FIELDS[name.part],
        values=fields,
        base=json.dumps(base, ensure_ascii=False),
        needed=NEEDED,
        long=LONG,
        options=OPTIONS,
        categories=content.study.charter.positions,
        position=position_of(content, name, fields),
        key=call.get("key") or call.key,
        fault=fault,
        looked=looked,
        findings=found,
        natural=natural,
        drafts=can_draft(content.study) and name.part == "values",
        words=len(words(str(fields.get("completion", "")))),
        texts_lang=content.study.charter.language,
    )
