"""The owner's side of a consultation: who has answered, proposals, answers into the study."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mores import store
from mores.consult import consulted, read_consultation, statements_of, write_answers
from mores.consult.result import ConsultResult
from mores.desk import votes
from mores.desk.call import Call
from mores.study import folders
from mores.web import audit
from mores.web.call import RefusedError, page, redirect


def status(call: Call) -> Response:
    """How many have answered what, and which proposals wait. No figure of a small group."""
    study = call.content.study
    asked = read_consultation(study)
    with call.site.database.read() as tx:
        told = votes.answers_of(tx)
    rows: list[dict[str, Any]] = []
    if asked is not None:
        counts = {s.id: 0 for s in statements_of(asked, told.proposals)}
        for _, statement in {(v.participant, v.statement) for v in told.votes}:
            if statement in counts:
                counts[statement] += 1
        rows = [
            {"statement": s, "votes": counts[s.id]} for s in statements_of(asked, told.proposals)
        ]
    path = folders.consult_folder(study) / "result.json"
    result = store.as_record(store.read_json(path), ConsultResult) if path.exists() else None
    return page(
        call,
        "asking.html",
        asked=asked,
        people=sum(not p.withdrawn for p in told.participants),
        gone=sum(p.withdrawn for p in told.participants),
        rows=rows,
        pending=[p for p in told.proposals if p.state == "pending"],
        result=result,
        key=call.key,
        positions=study.charter.positions,
        written="written" in call.query,
        texts_lang=asked.language if asked else "en",
    )


def moderate(call: Call) -> Response:
    """Let a proposal be asked, or not, with a reason."""
    number, state = call.number("proposal"), call.get("state")
    if state not in ("accepted", "rejected"):
        raise RefusedError("bad_form", 400)
    if state == "rejected" and not call.get("text").strip():
        raise RefusedError("bad_form", 400, "Say why: whoever proposed it may ask.")
    if call.get("about") not in ("", *call.content.study.charter.categories):
        raise RefusedError("bad_form", 400)
    call.save("moderation", call.get("about") or "-", call.get("text"), value=state, parent=number)
    return redirect("/consult")


def write(call: Call) -> Response:
    """Write the answers into the study's folder, and analyse them."""
    study = call.content.study
    asked = read_consultation(study)
    if asked is None:
        raise RefusedError("refused", 404, "consult.toml is missing: `mores consult start`")
    with call.site.database.read() as tx:
        told = votes.answers_of(tx)
    write_answers(study, told)
    with call.site.database.write() as tx:
        detail = {"participants": len(told.participants), "votes": len(told.votes)}
        audit.append(tx, now=call.now, actor=call.person.id, action="write answers", detail=detail)
    consulted(study)
    return redirect("/consult?written=1")
