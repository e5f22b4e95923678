"""Items that go back to the pool or to somebody else, ratings withdrawn, raters forgotten.

release(tx, rater, to=None)    unanswered items → the common pool, or another rater's seat
hand_over(tx, rater, to, now)  the same at the owner's wish, and in the log
withdraw(tx, rater, now)       all ratings of a rater leave the count; the events stay
forget(tx, rater, ratings="keep", now=now)   who a rater is leaves the database

Answers are append-only and stay under a random number that leads to nobody. Backups that were
made before still hold the person; they are replaced as new ones are made (docs/ratings.md).
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa

from mores.errors import DataError
from mores.rate.db.tables import (
    claim,
    cues,
    declared,
    event,
    invite,
    item,
    opt_out,
    person,
    rater,
    remark,
    seat,
    session,
    slot,
)
from mores.rate.db.work import FREE, latest
from mores.web import audit


def release(tx: sa.Connection, who: str, *, to: str | None = None) -> int:
    """Give a rater's unanswered items back to the pool, or to another rater's seat.

    What the other rater knows, has in the seat already or asked to leave out goes to the pool;
    all of it does where they have no seat, or have ended.

    Returns:
        How many items were given back.
    """
    planned = slot.c.seat.in_(sa.select(seat.c.number).where(seat.c.rater == who))
    held = slot.c.rater == who
    held_or_planned = (slot.c.done == 0) & (held | (slot.c.rater.is_(None) & planned))
    studied = slot.c.item.in_(sa.select(item.c.id).where(item.c.kind == "study"))
    given = slot.update().where(held_or_planned, studied)
    number = _seat_of(tx, to) if to not in (None, who) else None
    if number is None:
        return int(tx.execute(given.values(**FREE)).rowcount)
    unfit = tx.execute(given.where(_unfit(to, number)).values(**FREE)).rowcount
    return int(unfit + tx.execute(given.values({**FREE, "seat": number})).rowcount)


def hand_over(tx: sa.Connection, who: str, to: str | None, now: float) -> int:
    """Release a rater's items for the owner, and log it; return how many.

    Raises:
        DataError: no such rater.
    """
    for name in (who, *([to] if to else [])):
        if tx.execute(sa.select(rater.c.id).where(rater.c.id == name)).first() is None:
            raise DataError(f"no rater {name!r}", fix="`mores rate status` lists them")
    count = release(tx, who, to=to)
    detail = {"rater": who, "to": to, "items": count}
    audit.append(tx, now=now, actor="owner", action="release", detail=detail)
    return count


def _seat_of(tx: sa.Connection, to: str | None) -> int | None:
    """The seat of a rater who goes on; one who had finished, but not guessed yet, does again."""
    tx.execute(
        rater.update()
        .where(rater.c.id == to, rater.c.stage == "guess")
        .values(stage="rating", notice="")
    )
    working = rater.c.stage.in_(("practice", "rating"))
    query = sa.select(seat.c.number).join(rater, rater.c.id == seat.c.rater)
    found: int | None = tx.execute(query.where(rater.c.id == to, working)).scalar()
    return found


def _unfit(to: str | None, number: int) -> sa.ColumnElement[bool]:
    other = slot.alias()
    known = sa.exists().where(claim.c.item == slot.c.item, claim.c.rater == to)
    planned = sa.exists().where(other.c.item == slot.c.item, other.c.seat == number)
    left_out = sa.select(item.c.id).join(opt_out, opt_out.c.category == item.c.category)
    return known | planned | slot.c.item.in_(left_out.where(opt_out.c.rater == to))


def withdraw(tx: sa.Connection, who: str, now: float) -> int:
    """Take all ratings of a rater out of the count. The events stay; a new one says so.

    Returns:
        How many ratings were withdrawn.
    """
    answers = [row for row in latest(tx, who) if row.kind != "withdraw"]
    for row in answers:
        tx.execute(
            event.insert().values(
                key=f"withdraw:{row.id}",
                rater=who,
                item=row.item,
                revision=row.revision + 1,
                kind="withdraw",
                surplus=row.surplus,
                at=now,
            )
        )
    studied = slot.c.item.in_(sa.select(item.c.id).where(item.c.kind == "study"))
    tx.execute(slot.update().where(slot.c.rater == who, studied).values(**FREE))
    return len(answers)


def forget(tx: sa.Connection, who: str, *, ratings: Literal["keep", "withdraw"], now: float) -> int:
    """Forget who a rater is: name, panel ids, declarations, free texts, links, sessions.

    Args:
        tx: a write.
        who: rater id; it stays as a random number that leads to nobody.
        ratings: "keep" them under that number, or "withdraw" them from all counts.
        now: seconds since 1970.

    Returns:
        How many ratings were withdrawn.

    Raises:
        DataError: no such rater.
    """
    if tx.execute(sa.select(rater.c.id).where(rater.c.id == who)).first() is None:
        raise DataError(f"no rater {who!r}", fix="ids are those of the owner's page and exports")
    answers = sa.select(event.c.id).where(event.c.rater == who)
    tx.execute(remark.delete().where(remark.c.event.in_(answers)))
    for table in (person, declared, opt_out, session, cues):
        tx.execute(table.delete().where(table.c.rater == who))
    tx.execute(
        invite.update().where(invite.c.rater == who).values(rater=None, label="", revoked=now)
    )
    release(tx, who)
    withdrawn = withdraw(tx, who, now) if ratings == "withdraw" else 0
    tx.execute(rater.update().where(rater.c.id == who).values(stage="revoked", language="en"))
    detail = {"rater": who, "ratings": ratings, "withdrawn": withdrawn}
    audit.append(tx, now=now, actor="owner", action="forget rater", detail=detail)
    return withdrawn
