"""Drafts of records: written, discussed, accepted into the study's files.

    drafts(tx, content)           all that are open, newest first
    accept(shelf, draft, ...)     into the file, atomically, with author, reviewer and date

A draft keeps what the file said when it was begun, so that a change made outside meanwhile is
seen: fields that only one side changed are put together, others are shown, never overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mores.desk.content import Content, Name, Shelf
from mores.desk.entries import said
from mores.errors import DataError
from mores.study.merge import Conflict, merge
from mores.study.parts import digests, write_parts

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
        state, reader = states.get(row.parent, (OPEN, ""))
        if state in (ACCEPTED, DECLINED):
            continue  # decided is decided
        if row.kind == "review":
            reader = row.label if row.value == FINE else ""
        states[row.parent] = (row.value, reader)
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


def accept(shelf: Shelf, draft: Draft, *, keep: dict[str, str], day: str) -> None:
    """Write a draft into its file.

    Args:
        shelf: the study's files.
        draft: what is accepted.
        keep: for each field that both sides changed, ``draft`` or ``file``.
        day: date of acceptance, ISO 8601.

    Raises:
        DataError: a file is not in order, a conflict that nobody decided, or no valid record.
    """
    with shelf.writing:
        seen = digests(shelf.content().study.folder)
        shelf.forget()
        content = shelf.content()
        if shelf.trouble:
            raise DataError(
                f"nothing was written: {shelf.trouble}", fix="put the file in order, then accept"
            )
        record = result(content, draft, keep)
        if draft.name.part != "charter":
            # Whoever read an earlier wording has not read this one.
            people = {"author": record.get("author") or draft.author, "reviewer": draft.reviewer}
            record = {**record, "accepted": day, **people}
        _write(content, draft.name, record, seen)
        shelf.forget()


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
    both, found = together(draft, theirs)
    for conflict in found:
        choice = keep.get(conflict.field)
        if choice not in ("draft", "file"):
            raise DataError(
                f"{conflict.field!r} of {draft.name.id!r} was changed in the file and in the draft",
                fix="choose which of the two is to stand",
            )
        both[conflict.field] = conflict.theirs if choice == "draft" else conflict.ours
    return both


def together(draft: Draft, now: dict[str, Any]) -> tuple[dict[str, Any], tuple[Conflict, ...]]:
    """Put a draft and the file's record together; say which fields both changed.

    Args:
        draft: one side ("theirs").
        now: the record in the file ("ours"); empty where there is none.
    """
    key = draft.name.key
    own = {key: draft.name.id}
    base, mine, there = ([{**row, **own}] if row else [] for row in (draft.base, draft.fields, now))
    done = merge(base, mine, there, key=key)
    return dict(done.rows[0]) if done.rows else {}, done.conflicts


def _write(
    content: Content, name: Name, record: dict[str, Any], seen: Mapping[str, str | None]
) -> None:
    """Put a record into its file, if the study is in order with it and nobody wrote meanwhile."""
    record = {field: value for field, value in record.items() if value not in (None, "")}
    rows = [row for _, row in content.of(name.part)]
    new = [record if row[name.key] == name.id else row for row in rows]
    new += [] if name in content.records else [record]
    part: Any = "positions" if name.part == "charter" else name.part
    write_parts(content.study, {part: new}, seen)
