"""Who may come to the desk: owner, authors, reviewers, participants of a consultation.

    token = invite_link(tx, "author", label="Ada", days=30, now=now, actor="owner")
    session = join(tx, token, language="en", now=now)
    who = whose(tx, session, now)

A link for one person brings the same person back, also on another device; a link for many makes a
new person each time. Withdrawing a link ends the sessions of all who came by it.
"""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa

from mores.desk.tables import declared, entry, invite, person, session, words
from mores.errors import DataError
from mores.web import audit, links
from mores.web.links import DAY, LinkError, Who, hashed, new_secret

SESSION = {"owner": DAY / 2, "author": 14 * DAY, "reviewer": 14 * DAY, "participant": 14 * DAY}
"""Seconds that a session lasts, by role."""


def invite_link(
    tx: sa.Connection,
    role: str,
    *,
    label: str,
    days: float,
    now: float,
    actor: str,
    places: int = 1,
) -> str:
    """Make a link; return its secret, which is not kept and cannot be shown again.

    Args:
        tx: a write.
        role: of whoever comes by it.
        label: what the owner calls the person or the place where the link is published.
        days: how long it works.
        now: seconds since 1970.
        actor: for the log.
        places: people whom it lets in; with one, it brings the same person back.
    """
    token, name = new_secret(), secrets.token_hex(8)
    tx.execute(
        invite.insert().values(
            id=name,
            secret=hashed(token),
            kind=role,
            label=label,
            many=int(places > 1),
            places=places,
            created=now,
            expires=now + days * DAY,
        )
    )
    detail = {"invite": name, "role": role, "days": days, "places": places}
    audit.append(tx, now=now, actor=actor, action="invite", detail=detail)
    return token


def revoke(tx: sa.Connection, name: str, *, now: float, actor: str) -> None:
    """Let a link work no longer, and end the sessions of everybody who came by it.

    Raises:
        DataError: no such link.
    """
    if tx.execute(sa.select(invite.c.id).where(invite.c.id == name)).first() is None:
        raise DataError(f"no invitation {name!r}")
    tx.execute(invite.update().where(invite.c.id == name).values(revoked=now))
    tx.execute(session.delete().where(session.c.invite == name))
    audit.append(tx, now=now, actor=actor, action="revoke", detail={"invite": name})


def open_link(tx: sa.Connection, token: str, now: float) -> Any:
    """Return the row of a link that works (see `mores.web.links.open_link`)."""
    return links.open_link(tx, invite, token, tuple(SESSION), now)


def join(tx: sa.Connection, token: str, *, language: str, now: float) -> str:
    """Come in by a link; return the secret of a session.

    Raises:
        LinkError: the link does not work, or has no place left.
    """
    link = open_link(tx, token, now)
    who = None if link.many else link.person
    if who is None:
        if link.many and _came(tx, link.id) >= link.places:
            raise LinkError("link_full")
        label = f"{link.id}:" if link.many else link.label
        came_by = "open" if link.many else "personal"
        who = new_person(tx, link.kind, label, language=language, came_by=came_by, now=now)
        if not link.many:
            tx.execute(invite.update().where(invite.c.id == link.id).values(person=who))
        # Who of the invited a participant is stands in no log: votes go by a pseudonym.
        known = {"invite": link.id} if link.kind != "participant" else {}
        detail = {"role": link.kind, **known}
        audit.append(tx, now=now, actor=who, action="come in", detail=detail)
    return links.new_session(
        tx, session, seconds=SESSION[link.kind], now=now, person=who, invite=link.id
    )


def new_person(
    tx: sa.Connection, role: str, label: str, *, language: str, came_by: str, now: float
) -> str:
    """Add a person; return the id. Answers to a consultation go out under a name of their own."""
    who = secrets.token_hex(8)
    tx.execute(
        person.insert().values(
            id=who,
            pseudonym=f"p-{secrets.token_hex(6)}",
            role=role,
            label=label,
            language=language,
            joined=now,
            came_by=came_by,
        )
    )
    return who


def _came(tx: sa.Connection, link: str) -> int:
    """How many came by a link for many."""
    count = sa.select(sa.func.count()).where(person.c.label == f"{link}:")
    return int(tx.execute(count).scalar_one())


def whose(tx: sa.Connection, token: str, now: float) -> Who | None:
    """Return who a session belongs to, or None where it ended or never was."""
    row = links.session_of(tx, session, token, now)
    if row is None:
        return None
    me = tx.execute(sa.select(person).where(person.c.id == row.person)).one()
    if me.left is not None:
        return None
    return Who(me.role, row.csrf, me)


def sign_out(tx: sa.Connection, token: str) -> None:
    """End a session."""
    links.end_session(tx, session, token)


def forget(tx: sa.Connection, who: str, *, now: float, actor: str) -> None:
    """Delete everything that somebody wrote and declared; end their sessions, withdraw their link.

    What they chose stays as rows without a name, and no longer counts.
    """
    link = invite.c.person == who
    tx.execute(invite.update().where(link & invite.c.revoked.is_(None)).values(revoked=now))
    tx.execute(session.delete().where(session.c.person == who))
    tx.execute(invite.update().where(link).values(label="", person=None))
    own = sa.select(entry.c.id).where(entry.c.person == who)
    tx.execute(words.delete().where(words.c.entry.in_(own)))
    tx.execute(declared.delete().where(declared.c.person == who))
    tx.execute(person.update().where(person.c.id == who).values(label="", left=now))
    audit.append(tx, now=now, actor=actor, action="forget", detail={"person": who})
