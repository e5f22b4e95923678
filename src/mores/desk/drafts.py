"""Drafts of records: written, discussed, accepted into the study's files.

    drafts(tx, content)           all that are open, newest first
    accept(shelf, draft, ...)     into the file, atomically, with author, reviewer and date

A draft keeps what the file said when it was begun, so that a change made outside meanwhile is
seen: fields that only one side changed are put together, others are shown, never overwritten.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mores import store
from mores.desk.content import KINDS, Content, Name, Shelf, conflicts, merged
from mores.desk.entries import said
from mores.errors import DataError

OPEN, CHANGES, FINE, ACCEPTED, DECLINED = "open", "changes", "fine", "accepted", "declined"


@dataclass(frozen=True)
class Draft:
    """What somebody proposes for one record."""

    number: int
    name: Name
    base: dict[str, Any]
    """The record as it was when the draft was begun; empty for a new one."""
    fields: dict[str, Any]
    person: str
    author: str
    at: float
    state: str
    """``open``, ``changes`` (asked for), ``fine``, ``accepted``, ``declined``."""
    reviewer: str = ""

    @property
    def is_new(self) -> bool:
        """Whether the record is not in the file yet."""
        return not self.base


def text_of(base: dict[str, Any], fields: dict[str, Any]) -> str:
    """A draft as it is saved."""
    return json.dumps({"base": base, "fields": fields}, ensure_ascii=False, sort_keys=True)


def drafts(tx: sa.Connection, name: Name | None = None) -> list[Draft]:
    """All drafts that a later one of the same person has not replaced, newest first."""
    latest: dict[tuple[str, str], Any] = {}
    for row in said(tx, "draft", str(name) if name else None):
        if row.text:  # words of somebody who was forgotten are gone
            latest[row.about, row.person] = row
    states: dict[int, tuple[str, str]] = {}
    for row in said(tx, ("review", "decision")):
        if row.parent is not None:
            who = row.label if row.kind == "review" else states.get(row.parent, ("", ""))[1]
            states[row.parent] = (row.value, who)
    found = []
    for row in latest.values():
        part, _, own = row.about.partition("/")
        told = json.loads(row.text)
        state, reviewer = states.get(row.id, (OPEN, ""))
        found.append(
            Draft(
                row.id,
                Name(part, own),
                told["base"],
                told["fields"],
                row.person,
                row.label,
                row.at,
                state,
                reviewer,
            )
        )
    return sorted(found, key=lambda draft: -draft.number)


def draft_of(tx: sa.Connection, number: int) -> Draft:
    """Return one draft.

    Raises:
        DataError: there is none, or a later one has replaced it.
    """
    for draft in drafts(tx):
        if draft.number == number:
            return draft
    raise DataError(f"no draft {number}, or a later one of the same person has replaced it")


def accept(shelf: Shelf, draft: Draft, *, keep: dict[str, str], day: str) -> dict[str, Any]:
    """Write a draft into its file; return the record as it is there now.

    Args:
        shelf: the study's files.
        draft: what is accepted.
        keep: for each field that both sides changed, ``draft`` or ``file``.
        day: date of acceptance, ISO 8601.

    Raises:
        DataError: a file is not in order, a conflict that nobody decided, or no valid record.
    """
    with store.lock(shelf.content().study.folder) as free:
        if not free:
            raise DataError(
                "another command is writing this study",
                fix="nothing was written; accept again when it has ended",
            )
        shelf.forget()
        content = shelf.content()
        if shelf.trouble:
            raise DataError(
                f"nothing was written: {shelf.trouble}", fix="put the file in order, then accept"
            )
        record = result(content, draft, keep) | {"accepted": day}
        record |= {"author": draft.author} if draft.author and not record.get("author") else {}
        record |= {"reviewer": draft.reviewer} if draft.reviewer else {}
        _write(content, draft.name, record)
        shelf.forget()
    return record


def result(content: Content, draft: Draft, keep: dict[str, str]) -> dict[str, Any]:
    """What the record would be.

    Raises:
        DataError: a conflict that nobody decided.
    """
    theirs = content.records.get(draft.name, {})
    if draft.base and not theirs:
        raise DataError(
            f"{draft.name.id!r} was taken out of {draft.name.part} since the draft was begun",
            fix="write it as a new record, or decline the draft",
        )
    both = merged(draft.base, draft.fields, theirs)
    for field in conflicts(draft.base, draft.fields, theirs):
        choice = keep.get(field)
        if choice not in ("draft", "file"):
            raise DataError(
                f"{field!r} of {draft.name.id!r} was changed in the file and in the draft",
                fix="choose which of the two is to stand",
            )
        if choice == "file":
            both[field] = theirs.get(field)
    return {field: value for field, value in both.items() if value not in (None, "")}


def _write(content: Content, name: Name, record: dict[str, Any]) -> None:
    """Put a record into its file; every other line stays as it is, byte for byte."""
    store.as_record(record, KINDS[name.part])
    path = content.study.folder / f"{name.part}.jsonl"
    lines = store.read_text(path).splitlines() if path.exists() else []
    text = json.dumps(record, ensure_ascii=False)
    number = content.lines.get(name)
    if number is None:
        lines.append(text)
    else:
        lines[number - 1] = text
    store.write_text(path, "\n".join(lines) + "\n")
