"""What participants of a consultation saved, as the records that `mores.consult` analyses.

answers_of(tx)          participants, votes and proposals, with whoever took everything back
questions_for(...)      what somebody is asked, in an order of their own
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from mores.consult import (
    Answers,
    Consultation,
    Participant,
    Proposal,
    Statement,
    Vote,
    asked,
    statements_of,
    wording_of,
)
from mores.desk.entries import said
from mores.desk.tables import declared, person


def when(at: float) -> str:
    """A time as the records have it: UTC, ISO 8601, to the second."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def answers_of(tx: sa.Connection) -> Answers:
    """Everything that participants left; of those who took it back, that they did."""
    told: dict[str, dict[str, str]] = {}
    for row in tx.execute(sa.select(declared)):
        told.setdefault(row.person, {})[row.question] = row.answer
    guests = sa.select(person).where(
        person.c.role == "participant", person.c.consented.is_not(None)
    )
    rows = tx.execute(guests.order_by(person.c.pseudonym)).all()
    people = [
        Participant(
            id=row.pseudonym,
            joined=when(row.joined)[:10],
            by="open link" if row.came_by == "open" else "invitation",
            declared=told.get(row.id, {}),
            withdrawn=row.left is not None,
        )
        for row in rows
    ]
    names = {row.id: row.pseudonym for row in rows if row.left is None}
    votes = [
        Vote(
            participant=names[row.person],
            statement=row.about,
            wording=row.digest,
            choice=row.value,
            why=row.text or "",
            quote=bool(row.may_quote and row.text),
            time=when(row.at),
        )
        for row in said(tx, "vote")
        if row.person in names
    ]
    return Answers(
        participants=tuple(people), votes=tuple(votes), proposals=proposals_of(tx, names)
    )


def proposals_of(tx: sa.Connection, names: Mapping[str, str] | None = None) -> tuple[Proposal, ...]:
    """Statements that participants proposed, each with the last decision on it.

    Args:
        tx: a view.
        names: person → pseudonym of participants who have not taken everything back; None: all
            proposals, under the ids of the database, for the desk's own pages.
    """
    decided = {row.parent: row for row in said(tx, "moderation")}
    found = []
    for row in said(tx, "proposal"):
        if not row.text or (names is not None and row.person not in names):
            continue
        last = decided.get(row.id)
        found.append(
            Proposal(
                id=f"p-{row.id}",
                participant=row.person if names is None else names[row.person],
                text=row.text,
                about=(last.about if last is not None else row.about).removeprefix("-"),
                time=when(row.at),
                state=last.value if last is not None else "pending",
                moderator=last.label if last is not None else "",
                decided=when(last.at) if last is not None else "",
                reason=(last.text or "") if last is not None else "",
            )
        )
    return tuple(found)


def own_votes(
    tx: sa.Connection, who: str, found: Sequence[Statement], consultation: Consultation
) -> dict[str, Any]:
    """Somebody's last vote on each statement as it is worded now, with its words."""
    now = {one.id: wording_of(one, consultation.statements) for one in found}
    mine = said(tx, "vote", person=who)
    return {row.about: row for row in mine if now.get(row.about) == row.digest}


def questions_for(
    consultation: Consultation, proposals: Sequence[Proposal], who: str
) -> list[Statement]:
    """What somebody is asked, in an order of their own, so that none is always last."""

    def place(statement: Statement) -> bytes:
        return hashlib.sha256(f"{who}/{statement.id}".encode()).digest()

    return sorted(asked(statements_of(consultation, proposals)), key=place)
