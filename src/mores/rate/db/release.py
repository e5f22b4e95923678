"""Items that go back to the pool or to somebody else, and ratings that are withdrawn.

release(tx, rater, to=None)    unanswered items → the common pool, or another rater's seat
withdraw(tx, rater, now)       all ratings of a rater leave the count; the events stay
"""

from __future__ import annotations

import sqlalchemy as sa

from mores.rate.db.tables import claim, event, item, opt_out, rater, seat, slot
from mores.rate.db.work import FREE, latest


def release(tx: sa.Connection, who: str, *, to: str | None = None) -> int:
    """Give a rater's unanswered items back to the pool, or to another rater's seat.

    What the other rater knows, has in the seat already or asked to leave out goes to the pool;
    all of it does where they have no seat, or have ended.

    Returns:
        How many items were given back.
    """
    own = slot.c.seat.in_(sa.select(seat.c.number).where(seat.c.rater == who))
    held_or_planned = (slot.c.done == 0) & ((slot.c.rater == who) | (slot.c.rater.is_(None) & own))
    studied = slot.c.item.in_(sa.select(item.c.id).where(item.c.kind == "study"))
    given = slot.update().where(held_or_planned, studied)
    number = _seat_of(tx, to) if to not in (None, who) else None
    if number is None:
        return int(tx.execute(given.values(**FREE)).rowcount)
    unfit = tx.execute(given.where(_unfit(to, number)).values(**FREE)).rowcount
    return int(unfit + tx.execute(given.values({**FREE, "seat": number})).rowcount)


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
    answers = latest(tx, who)
    for row in answers:
        if row.kind == "withdraw":
            continue
        tx.execute(
            event.insert().values(
                key=f"withdraw:{row.id}",
                rater=who,
                item=row.item,
                revision=row.revision + 1,
                kind="withdraw",
                value=None,
                reason="",
                flagged=0,
                seconds=None,
                surplus=row.surplus,
                at=now,
                body="",
            )
        )
    studied = slot.c.item.in_(sa.select(item.c.id).where(item.c.kind == "study"))
    tx.execute(slot.update().where(slot.c.rater == who, studied).values(**FREE))
    return sum(row.kind != "withdraw" for row in answers)
