"""Which item a rater sees next: own practice, gold in its turn, own seat, then the common pool.

    claim_next(tx, rater, now, rules)   hold the next one, or say why there is none

An item held stays the next until it is answered. Nothing here depends on the arm: no table that
is read says it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import sqlalchemy as sa

from mores.rate.db.release import release
from mores.rate.db.tables import claim, event, expected, item, opt_out, rater, seat, slot
from mores.rate.db.work import AWAY, answered, current, touch
from mores.study import RatingConfig

DAY = 86_400.0
GAP = 10
"""Distance of two places in a seat, so that a gold item fits between."""
ENDED = ("declined", "gated", "revoked")
ATTEMPTS = 2

Why = Literal["item", "break", "cap", "gate", "waiting", "finished"]


def held(tx: sa.Connection, who: str) -> Any | None:
    """Return the slot on the rater's screen (item, place, claimed), or None."""
    return tx.execute(
        sa.select(slot)
        .where(slot.c.rater == who, slot.c.done == 0, slot.c.claimed.is_not(None))
        .order_by(slot.c.place, slot.c.item)
        .limit(1)
    ).first()


def claim_next(
    tx: sa.Connection,
    who: str,
    now: float,
    rules: RatingConfig,
    *,
    rested: bool = False,
    practice_pass: float = 0.6,
) -> tuple[Why, str | None]:
    """Hold the next item for a rater, or say why there is none. An item held stays the next.

    Args:
        tx: a write.
        who: rater id, in stage practice or rating.
        now: seconds since 1970.
        rules: the study's rules.
        rested: the rater goes on after a break.
        practice_pass: share of practice answers that must be in the expected range.
    """
    touch(tx, who, now, rested=rested)
    me = tx.execute(sa.select(rater).where(rater.c.id == who)).one()
    why, what = _choose(tx, me, now, rules, rested, practice_pass)
    values: dict[str, Any] = {"notice": "" if what else why}
    if why == "finished" and me.stage == "rating":
        values["stage"] = "guess"
    tx.execute(rater.update().where(rater.c.id == who).values(**values))
    return why, what


def why_none(tx: sa.Connection, who: str, now: float, rules: RatingConfig) -> str:
    """Say what a rater who holds nothing should read; changes nothing.

    Returns:
        "gate", "cap", "break" or "waiting" while that still holds; "lease" where an item was held
        for too long and went back; "start" otherwise.
    """
    me = tx.execute(sa.select(rater).where(rater.c.id == who)).one()
    if me.stage == "gated":
        return "gate"
    if me.notice == "cap" and answered(tx, who, since=now - now % DAY) >= rules.daily_cap:
        return "cap"
    if me.notice == "break" and now - me.seen <= AWAY:
        return "break"
    if me.notice in ("waiting", "finished"):
        return "waiting"
    lost = sa.select(claim.c.item).where(
        claim.c.rater == who,
        ~sa.exists().where(event.c.item == claim.c.item, event.c.rater == who),
    )
    return "lease" if tx.execute(lost.limit(1)).first() else "start"


def _choose(
    tx: sa.Connection, me: Any, now: float, rules: RatingConfig, rested: bool, pass_: float
) -> tuple[Why, str | None]:
    holding = held(tx, me.id)
    if holding is not None:
        _hold(tx, me.id, holding.item, holding.number, now, rules)
        return "item", holding.item
    if me.stage == "practice":
        again, gated = _practice(tx, me, pass_)
        if gated:
            return "gate", None
        if again is not None:
            return "item", _hold(tx, me.id, again.item, again.number, now, rules)
    if me.stage not in ("practice", "rating"):
        return "finished", None
    chosen: Any = _gold(tx, me) or _own(tx, me)
    pool = None if chosen is not None else _pool(tx, me, now, rules)
    if chosen is None and pool is None:  # nothing is left: neither a break nor tomorrow helps
        return ("finished" if answered(tx, me.id) else "waiting"), None
    if answered(tx, me.id, since=now - now % DAY) >= rules.daily_cap:
        return "cap", None
    if not rested and _break_due(tx, me, now, rules):
        return "break", None
    if pool is not None:
        leave = (slot.c.item == pool.item) & (slot.c.number == pool.number)
        tx.execute(slot.update().where(leave).values(seat=None))
        chosen = pool
    return "item", _hold(tx, me.id, chosen.item, chosen.number, now, rules)


def _hold(
    tx: sa.Connection, who: str, what: str, number: int, now: float, rules: RatingConfig
) -> str:
    lease = now + 60.0 * rules.lease_minutes
    chosen = (slot.c.item == what) & (slot.c.number == number)
    tx.execute(slot.update().where(chosen).values(rater=who, claimed=now, lease=lease))
    seen = tx.execute(
        sa.select(claim.c.at).where(claim.c.item == what, claim.c.rater == who)
    ).first()
    if seen is None:
        tx.execute(claim.insert().values(item=what, rater=who, at=now))
    return what


def _break_due(tx: sa.Connection, me: Any, now: float, rules: RatingConfig) -> bool:
    long_ago = bool(now - me.rested_time >= 60.0 * rules.break_minutes)
    return long_ago or bool(answered(tx, me.id) - me.rested_at >= rules.break_items)


def _practice(tx: sa.Connection, me: Any, pass_: float) -> tuple[Any | None, bool]:
    """The next practice slot, or None where passed; and whether the last attempt failed."""
    mine = (
        sa.select(slot)
        .join(item, item.c.id == slot.c.item)
        .where(slot.c.rater == me.id, item.c.kind == "practice")
        .order_by(slot.c.place)
    )
    slots = tx.execute(mine).all()
    for row in slots:
        if not row.done:
            return row, False
    right = sum(in_range(tx, current(tx, me.id, row.item)) for row in slots)
    row_of_me = rater.update().where(rater.c.id == me.id)
    if right >= pass_ * len(slots):
        tx.execute(row_of_me.values(stage="rating"))
        return None, False
    if me.attempt < ATTEMPTS:
        tx.execute(row_of_me.values(attempt=me.attempt + 1))
        for row in slots:
            again = (slot.c.item == row.item) & (slot.c.number == row.number)
            tx.execute(slot.update().where(again).values(done=0, claimed=None))
        return slots[0], False
    tx.execute(row_of_me.values(stage="gated"))
    release(tx, me.id)
    return None, True


def in_range(tx: sa.Connection, answer: Any | None) -> bool:
    """Whether an answer to a practice or gold item is one of those expected."""
    if answer is None:
        return False
    wanted = tx.execute(sa.select(expected).where(expected.c.item == answer.item)).one()
    return fits(answer, wanted)


def fits(answer: Any, wanted: Any) -> bool:
    """Whether an event is what a row of ``expected`` asks for."""
    if answer.kind == "cannot":
        return bool(wanted.cannot)
    if answer.kind != "rate" or wanted.low is None:
        return False
    return bool(wanted.low <= answer.value <= wanted.high)


def _gold(tx: sa.Connection, me: Any) -> Any | None:
    """A gold item whose turn has come: its place counts the study items before it."""
    return tx.execute(
        sa.select(slot)
        .join(item, item.c.id == slot.c.item)
        .where(
            slot.c.rater == me.id,
            slot.c.done == 0,
            item.c.kind == "gold",
            slot.c.place <= GAP * answered(tx, me.id, kind="study"),
        )
        .order_by(slot.c.place)
        .limit(1)
    ).first()


def _new_to(who: str) -> Any:
    """Items that this rater was never shown."""
    return ~sa.exists().where(claim.c.item == slot.c.item, claim.c.rater == who)


def _own(tx: sa.Connection, me: Any) -> Any | None:
    """The next item of the rater's own seat."""
    return tx.execute(
        sa.select(slot)
        .join(seat, seat.c.number == slot.c.seat)
        .where(seat.c.rater == me.id, slot.c.rater.is_(None), slot.c.done == 0, _new_to(me.id))
        .order_by(slot.c.place)
        .limit(1)
    ).first()


def _pool(tx: sa.Connection, me: Any, now: float, rules: RatingConfig) -> Any | None:
    """An item that was released, or whose rater has been away too long."""
    idle = now - 3600.0 * rules.idle_hours
    away = (
        sa.select(seat.c.number)
        .join(rater, rater.c.id == seat.c.rater)
        .where((rater.c.seen < idle) | rater.c.stage.in_(ENDED))
    )
    in_pool = slot.c.seat.is_(None) & (slot.c.rater.is_(None) | (slot.c.lease < now))
    abandoned = slot.c.seat.in_(away) & (slot.c.rater.is_(None) | (slot.c.lease < now))
    unwanted = sa.select(opt_out.c.category).where(opt_out.c.rater == me.id)
    rows = tx.execute(
        sa.select(slot, item.c.category)
        .join(item, item.c.id == slot.c.item)
        .where(
            item.c.kind == "study",
            slot.c.done == 0,
            in_pool | abandoned,
            item.c.category.not_in(unwanted),
            _new_to(me.id),
        )
        .order_by(slot.c.place, slot.c.item, slot.c.number)
        .limit(50)
    ).all()
    if not rows:
        return None
    answers = sa.select(item.c.category).join(event, event.c.item == item.c.id)
    mine = (event.c.rater == me.id, event.c.revision == 1, item.c.kind == "study")
    done = Counter(tx.execute(answers.where(*mine)).scalars())
    return min(rows, key=lambda row: done[row.category])
