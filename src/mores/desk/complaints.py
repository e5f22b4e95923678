"""Complaints as records: from what people saved, and on to the rooms that read them."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from mores.curate.rules.personal_data import masked, personal_data
from mores.desk.entries import said
from mores.desk.tables import entry, words
from mores.errors import MoresError
from mores.study import Study
from mores.study.complaints import Complaint, Event, write_complaints
from mores.trace import trace


def complaints(tx: sa.Connection) -> list[Complaint]:
    """All complaints whose words were not forgotten, oldest first."""
    events: dict[int, list[Event]] = {}
    for row in said(tx, "case"):
        done = Event(deed=row.value, text=row.text or "", who=row.label, at=row.at)
        events.setdefault(row.parent, []).append(done)
    traced = {row.parent: row.text or "" for row in said(tx, "trace")}
    found = []
    for row in said(tx, "complaint"):
        if not row.text:
            continue
        told = msgspec.json.decode(row.text, type=dict[str, str])
        own = tuple(events.get(row.id, ()))
        state = own[-1].deed if own else "open"
        found.append(
            Complaint(
                number=row.id,
                category=told.get("category", ""),
                question=told["question"],
                answer=told["answer"],
                expected=told.get("expected", ""),
                at=row.at,
                state="open" if state == "reopened" else state,
                traced=traced.get(row.id, ""),
                events=own,
            )
        )
    return found


def traced(study: Study, complaint: Complaint) -> str:
    """Trace a complaint's answer back, in one paragraph; or say why it cannot be.

    Gradients that are not kept yet are not taken here: that takes longer than tuning did.
    """
    try:
        found = trace(
            study,
            question=complaint.question,
            answer=complaint.answer,
            category=complaint.category,
            gradients=False,
        )
    except MoresError as error:
        return f"It could not be traced: {error.message}"
    return found.paragraph


def personal(text: str, language: str) -> tuple[str, ...]:
    """What looks like personal data in a text, each kind with the data masked (rule M503)."""
    return tuple(f"{kind}: {masked(found)}" for kind, found in personal_data(text, language))


def delete(tx: sa.Connection, number: int) -> None:
    """Delete the words of a complaint and of all that was done about it."""
    own = sa.select(entry.c.id).where((entry.c.id == number) | (entry.c.parent == number))
    tx.execute(words.delete().where(words.c.entry.in_(own)))


def hand_on(tx: sa.Connection, study: Study) -> None:
    """Write what there is now into the study's folder, for `mores revise` and the report."""
    write_complaints(study, complaints(tx))
