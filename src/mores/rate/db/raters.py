"""Links, sessions and people: who may come in, and who a rater is.

    token = invite(tx, "personal", label="Ada", days=30, places=1, now=now)
    session = join(tx, token, language="en", outside=None, now=now)
    me = whose(tx, session, now)

Links and sessions are 256 random bits; the database holds their SHA-256 only. There are no
passwords: what can be guessed is not used. Opening a link changes nothing; joining does.
"""

from __future__ import annotations

import random
import secrets
from typing import Any, Literal

import sqlalchemy as sa

from mores.errors import DataError
from mores.rate.db.claims import GAP
from mores.rate.db.facts import Facts
from mores.rate.db.tables import (
    declared,
    invite,
    item,
    opt_out,
    person,
    rater,
    seat,
    session,
    slot,
)
from mores.web import audit, links
from mores.web.links import DAY, LinkError, Who, hashed, new_secret

RATER_SESSION = 14 * DAY
OWNER_SESSION = DAY / 2
Role = Literal["rater", "owner"]


# Links -------------------------------------------------------------------------------------


def invite_link(
    tx: sa.Connection,
    kind: Literal["personal", "open", "owner"],
    *,
    label: str,
    days: float,
    places: int,
    now: float,
    actor: str = "owner",
) -> str:
    """Make a link; return its secret, which is not kept and cannot be shown again.

    Args:
        tx: a write.
        kind: personal (one rater), open (a panel's raters, by their ids there), or owner.
        label: what the owner calls it.
        days: how long it works.
        places: raters that an open link lets in.
        now: seconds since 1970.
        actor: for the audit log.
    """
    token = new_secret()
    name = secrets.token_hex(8)
    tx.execute(
        invite.insert().values(
            id=name,
            secret=hashed(token),
            kind=kind,
            label=label,
            places=places,
            created=now,
            expires=now + days * DAY,
        )
    )
    detail = {"invite": name, "kind": kind, "days": days, "places": places}
    audit.append(tx, now=now, actor=actor, action="invite", detail=detail)
    return token


def open_link(tx: sa.Connection, token: str, kinds: tuple[str, ...], now: float) -> Any:
    """Return the row of a link that works.

    Raises:
        LinkError: unknown, expired or revoked.
    """
    return links.open_link(tx, invite, token, kinds, now)


def revoke(tx: sa.Connection, name: str, now: float) -> None:
    """Let a link work no longer, and end the sessions of everybody who came by it.

    Raises:
        DataError: no such link.
    """
    row = tx.execute(sa.select(invite).where(invite.c.id == name)).first()
    if row is None:
        raise DataError(f"no invitation {name!r}")
    tx.execute(invite.update().where(invite.c.id == name).values(revoked=now))
    came = session.c.rater.in_(sa.select(person.c.rater).where(person.c.label == f"{row.id}:"))
    if row.rater is not None:  # "== None" would mean the owners' sessions, which have no rater
        came |= session.c.rater == row.rater
    tx.execute(session.delete().where(came))
    audit.append(tx, now=now, actor="owner", action="revoke", detail={"invite": name})


# Joining -----------------------------------------------------------------------------------


def join(
    tx: sa.Connection,
    token: str,
    *,
    language: str,
    outside: tuple[str, str] | None,
    now: float,
) -> str:
    """Come in by a link: a new rater, or the one who came by it before. Returns a session.

    Args:
        tx: a write.
        token: the link's secret.
        language: tag of the interface's language.
        outside: (participant id, session id) that a panel put into the address. Coming back
            needs both: the first alone is known to others.
        now: seconds since 1970.

    Raises:
        LinkError: the link does not work, has no place left, or lacks the panel's ids.
    """
    link = open_link(tx, token, ("personal", "open"), now)
    if link.kind == "personal":
        who = link.rater or new_rater(tx, link.label, now=now, language=language)
        tx.execute(invite.update().where(invite.c.id == link.id).values(rater=who))
    else:
        who = _of_panel(tx, link, language, outside, now)
    return new_session(tx, "rater", who, now)


def _of_panel(
    tx: sa.Connection, link: Any, language: str, outside: tuple[str, str] | None, now: float
) -> str:
    if outside is None or not all(outside) or max(map(len, outside)) > 200:
        raise LinkError("bad_form")
    known = tx.execute(sa.select(person).where(person.c.outside_id == outside[0])).first()
    if known is not None:
        if not secrets.compare_digest(known.outside_session or "", hashed(outside[1])):
            raise LinkError("link_unknown")
        return str(known.rater)
    came = tx.execute(sa.select(sa.func.count()).where(person.c.label == f"{link.id}:")).scalar()
    if (came or 0) >= link.places:
        raise LinkError("link_full")
    ids = (outside[0], hashed(outside[1]))
    return new_rater(tx, f"{link.id}:", now=now, language=language, outside=ids)


def new_rater(
    tx: sa.Connection,
    label: str,
    *,
    now: float,
    language: str = "en",
    stage: str = "invited",
    outside: tuple[str, str] | None = None,
) -> str:
    """Add a rater in this stage; return the opaque id."""
    name = secrets.token_hex(8)
    number = (tx.execute(sa.select(sa.func.max(rater.c.number))).scalar() or 0) + 1
    times = {"created": now, "seen": now, "rested_time": now}
    tx.execute(
        rater.insert().values(id=name, number=number, stage=stage, language=language, **times)
    )
    panel_id, panel_session = outside or (None, None)
    tx.execute(
        person.insert().values(
            rater=name, label=label, outside_id=panel_id, outside_session=panel_session
        )
    )
    return name


def new_session(tx: sa.Connection, role: Role, who: str | None, now: float) -> str:
    """Begin a session; return its secret."""
    seconds = RATER_SESSION if role == "rater" else OWNER_SESSION
    return links.new_session(tx, session, seconds=seconds, now=now, role=role, rater=who)


def end_session(tx: sa.Connection, token: str) -> None:
    """Sign out."""
    links.end_session(tx, session, token)


def whose(tx: sa.Connection, token: str, now: float) -> Who | None:
    """Return who a session belongs to, or None where it ended or never was."""
    row = links.session_of(tx, session, token, now)
    if row is None:
        return None
    me = None
    if row.role == "rater":
        me = tx.execute(sa.select(rater).where(rater.c.id == row.rater)).one()
        if me.stage == "revoked":
            return None
    return Who(row.role, row.csrf, me)


# Consent -----------------------------------------------------------------------------------


def consent(
    tx: sa.Connection,
    who: str,
    facts: Facts,
    *,
    unwanted: tuple[str, ...],
    groups: dict[str, str],
    now: float,
) -> None:
    """Note consent, give the rater a seat, and lay out practice and gold items.

    Args:
        tx: a write.
        who: rater id in stage "invited"; a second call changes nothing.
        facts: what the study fixed.
        unwanted: categories that the rater would rather not rate; their items go to others.
        groups: answers to the study's voluntary questions.
        now: seconds since 1970.

    Raises:
        DataError: a category, question or option that the study does not have.
    """
    me = tx.execute(sa.select(rater).where(rater.c.id == who)).one()
    if me.stage != "invited":
        return
    unknown = set(unwanted) - set(facts.charter.categories)
    if unknown:
        raise DataError(f"no such category: {', '.join(sorted(unknown))}")
    offered = {question.id: question.options for question in facts.texts.groups}
    for question, answer in groups.items():
        if answer not in offered.get(question, ()):
            raise DataError(f"no such answer to {question!r}: {answer!r}")
        tx.execute(declared.insert().values(rater=who, question=question, answer=answer))
    for category in sorted(set(unwanted)):
        tx.execute(opt_out.insert().values(rater=who, category=category))
    count = _sit_down(tx, who, unwanted)
    _lay_out(tx, me, facts, unwanted, count)
    practice = sa.select(slot.c.item).join(item, item.c.id == slot.c.item)
    waits = tx.execute(practice.where(slot.c.rater == who, item.c.kind == "practice")).first()
    stage = "practice" if waits else "rating"
    times = {"consented": now, "seen": now, "rested_time": now}
    tx.execute(rater.update().where(rater.c.id == who).values(stage=stage, **times))
    detail = {"topics_left_out": len(unwanted)}
    audit.append(tx, now=now, actor=who, action="consent", detail=detail)


def decline(tx: sa.Connection, who: str, now: float) -> None:
    """Note that a rater does not take part."""
    invited = (rater.c.id == who) & (rater.c.stage == "invited")
    tx.execute(rater.update().where(invited).values(stage="declined", seen=now))


def _sit_down(tx: sa.Connection, who: str, unwanted: tuple[str, ...]) -> int:
    """Take the first free seat; return how many items it holds (0 where none is free)."""
    number = tx.execute(
        sa.select(seat.c.number).where(seat.c.rater.is_(None)).order_by(seat.c.number).limit(1)
    ).scalar()
    if number is None:
        return 0
    tx.execute(seat.update().where(seat.c.number == number).values(rater=who))
    left = sa.select(item.c.id).where(item.c.category.in_(unwanted))
    tx.execute(slot.update().where(slot.c.seat == number, slot.c.item.in_(left)).values(seat=None))
    return int(tx.execute(sa.select(sa.func.count()).where(slot.c.seat == number)).scalar_one())


def _lay_out(
    tx: sa.Connection, me: Any, facts: Facts, unwanted: tuple[str, ...], count: int
) -> None:
    """This rater's own slots of practice items (before all) and gold items (spread evenly)."""
    draw = random.Random(f"{facts.seed}/{me.number}")  # noqa: S311 - an order, not a secret
    rows = []
    for kind in ("practice", "gold"):
        of_kind = sa.select(item.c.id).where(item.c.kind == kind, item.c.category.not_in(unwanted))
        order = list(tx.execute(of_kind.order_by(item.c.id)).scalars())
        draw.shuffle(order)
        step = max((count or 20) / max(len(order), 1), 1.0)
        for i, name in enumerate(order):
            place = (
                i - len(order) if kind == "practice" else round((i + draw.random()) * step) * GAP
            )
            rows.append({"item": name, "number": me.number, "place": place, "rater": me.id})
    if rows:
        tx.execute(slot.insert(), rows)
