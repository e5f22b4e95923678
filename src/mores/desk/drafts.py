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
from msgspec.structs import replace

from mores import store
from mores.desk.content import KINDS, Content, Name, Shelf
from mores.desk.entries import said
from mores.errors import DataError
from mores.records import Position
from mores.study.merge import Conflict, merge
from mores.study.rewrite import rewrite_charter, rewrite_lines

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
        record = result(content, draft, keep)
        if draft.name.part != "charter":
            people = {"author": record.get("author") or draft.author, "reviewer": draft.reviewer}
            record |= {"accepted": day, **{k: v for k, v in people.items() if v}}
        _write(content, draft.name, record)
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
    return {field: value for field, value in both.items() if value not in (None, "")}


def together(draft: Draft, now: dict[str, Any]) -> tuple[dict[str, Any], tuple[Conflict, ...]]:
    """Put a draft and the file's record together; say which fields both changed.

    Args:
        draft: one side ("theirs").
        now: the record in the file ("ours"); empty where there is none.
    """
    key = "category" if draft.name.part == "charter" else "id"
    own = {key: draft.name.id}
    base, mine, there = ([{**row, **own}] if row else [] for row in (draft.base, draft.fields, now))
    done = merge(base, mine, there, key=key)
    return dict(done.rows[0]) if done.rows else {}, done.conflicts


def _write(content: Content, name: Name, record: dict[str, Any]) -> None:
    """Put a record into its file; what did not change stays as it is, byte for byte."""
    folder = content.study.folder
    if name.part == "charter":
        path = folder / "charter.toml"
        position = store.as_record(record, Position)
        charter = content.study.charter
        rows = [position if p.category == name.id else p for p in charter.positions]
        rows += [] if name in content.records else [position]
        text = rewrite_charter(
            store.read_text(path), replace(charter, positions=tuple(rows)), path=path
        )
    else:
        path = folder / f"{name.part}.jsonl"
        made = store.as_record(record, KINDS[name.part])
        old = [item.record for item in content.subject.part(name.part)]  # type: ignore[arg-type]
        new = [made if one.id == name.id else one for one in old]
        text = rewrite_lines(
            store.read_text(path) if path.exists() else "",
            new if name in content.records else [*old, made],
        )
    store.write_text(path, text)
