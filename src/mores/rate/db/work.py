"""The contract: claim an item, submit an answer. Every function runs inside one write.

*If it is saved, it survives a crash; sending twice never counts twice; nobody rates an item
twice; no item gets more than k.*

    submit(tx, rater, answer, now)   keep an answer: Saved, or StaleError, KeyConflictError, ...

The slots of an item are made beforehand, k of them: more cannot be filled. A key is minted in
the form; the same key again returns the first result. A change is a new revision, and must name
the revision it changes, so that a second tab cannot overwrite unseen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mores import store
from mores.errors import DataError
from mores.rate.db.tables import claim, event, item, rater, remark, slot
from mores.rate.model import CANNOT_REASONS, SCALE, SKIP_REASONS, AnswerKind

KEY = re.compile(r"[A-Za-z0-9_-]{8,80}")
"""What a form's key looks like; keys of our own hold a colon, so that no form can take them."""
AWAY = 600.0
"""Seconds without an answer that count as a break taken."""
FREE: dict[str, Any] = {"rater": None, "seat": None, "claimed": None, "lease": None, "done": 0}
"""A slot in the common pool."""


class WorkError(DataError):
    """An answer that cannot be taken."""


class NotYoursError(WorkError):
    """An item that this rater was never given, or that does not exist."""


class KeyConflictError(WorkError):
    """The same form was sent with a different answer."""


class StaleError(WorkError):
    """The answer was changed meanwhile, in another tab."""

    def __init__(self, current: Any) -> None:
        self.current = current
        super().__init__("this answer was changed in another window")


@dataclass(frozen=True)
class Answer:
    """What a form says."""

    key: str
    item: str
    revision: int
    """The revision that the form showed; 0 where there was no answer yet."""
    kind: AnswerKind
    value: int | None = None
    reason: str = ""
    flagged: bool = False
    remark: str = ""
    seconds: float | None = None

    @property
    def body(self) -> str:
        """Digest of what is said; time on the page may differ between two sendings."""
        return store.digest(
            [
                self.item,
                self.revision,
                self.kind,
                self.value,
                self.reason,
                self.flagged,
                self.remark,
            ]
        )


@dataclass(frozen=True)
class Saved:
    """An answer that is kept."""

    event: int
    item: str
    replayed: bool
    """Whether the same form had been saved before."""
    surplus: bool
    """Whether the item had its k ratings already: kept, not counted."""
    practice: bool


def current(tx: sa.Connection, who: str, what: str) -> Any | None:
    """Return the rater's last event on an item, or None."""
    return tx.execute(
        sa.select(event)
        .where(event.c.rater == who, event.c.item == what)
        .order_by(event.c.revision.desc())
        .limit(1)
    ).first()


# Submit ------------------------------------------------------------------------------------


def submit(tx: sa.Connection, who: str, answer: Answer, now: float) -> Saved:
    """Keep an answer.

    Raises:
        KeyConflictError: the key was used for something else.
        NotYoursError: the rater was never given this item, or has skipped it.
        StaleError: the answer has another revision than the form showed.
        WorkError: no answer of the scale.
    """
    _check(answer)
    before = tx.execute(sa.select(event).where(event.c.key == answer.key)).first()
    if before is not None:
        if before.rater != who or before.body != answer.body:
            raise KeyConflictError("this form was sent before, with another answer")
        practice = _kind(tx, before.item) == "practice"
        return Saved(before.id, before.item, True, bool(before.surplus), practice)
    kind = _kind(tx, answer.item)
    given = tx.execute(
        sa.select(claim.c.at).where(claim.c.item == answer.item, claim.c.rater == who)
    ).first()
    if kind is None or given is None:
        raise NotYoursError(f"no item {answer.item!r} for this rater")
    last = current(tx, who, answer.item)
    if (last.revision if last else 0) != answer.revision:
        raise StaleError(last)
    if last is not None and not _may_change(tx, who, answer, kind, last):
        raise NotYoursError("an item that was skipped or withdrawn is with other raters now")
    surplus = _settle(tx, who, answer, kind, last)
    number = tx.execute(
        event.insert()
        .values(
            key=answer.key,
            rater=who,
            item=answer.item,
            revision=answer.revision + 1,
            kind=answer.kind,
            value=answer.value,
            reason=answer.reason,
            flagged=int(answer.flagged),
            seconds=answer.seconds,
            surplus=int(surplus),
            at=now,
            body=answer.body,
        )
        .returning(event.c.id)
    ).scalar_one()
    if answer.remark:
        tx.execute(remark.insert().values(event=number, text=answer.remark))
    touch(tx, who, now)
    return Saved(number, answer.item, False, surplus, kind == "practice")


def _may_change(tx: sa.Connection, who: str, answer: Answer, kind: str, last: Any) -> bool:
    if kind != "practice":
        return last.kind in ("rate", "cannot") and answer.kind != "skip"
    # Practice is answered once an attempt: after the feedback, correcting would open the gate.
    mine = (slot.c.item == answer.item) & (slot.c.rater == who) & (slot.c.done == 0)
    return tx.execute(sa.select(slot.c.item).where(mine)).first() is not None


def _check(answer: Answer) -> None:
    if (answer.kind == "rate") != (answer.value in SCALE):
        raise WorkError(f"expected a whole number from 1 to 5, found {answer.value!r}")
    if answer.kind not in ("rate", "cannot", "skip"):
        raise WorkError(f"no such answer: {answer.kind!r}")
    reasons = {"cannot": CANNOT_REASONS, "skip": SKIP_REASONS, "rate": ("",)}[answer.kind]
    if answer.reason not in reasons:
        raise WorkError(f"no such reason: {answer.reason!r}")
    if not KEY.fullmatch(answer.key):
        raise WorkError("the form's key is missing")


def _settle(tx: sa.Connection, who: str, answer: Answer, kind: str, last: Any | None) -> bool:
    """Bring the slots in line with an answer; return whether it is surplus."""
    mine = (slot.c.item == answer.item) & (slot.c.rater == who)
    if answer.kind == "skip" and kind == "study":
        tx.execute(slot.update().where(mine).values(**FREE))
        return False
    if tx.execute(slot.update().where(mine).values(done=1)).rowcount:
        return False
    if answer.kind == "skip":
        return False
    if last is not None:
        return bool(last.surplus)
    return not take_free(tx, who, answer.item)


def take_free(tx: sa.Connection, who: str, what: str) -> bool:
    """Take a slot that nobody holds for a late answer: one of the pool first."""
    free = tx.execute(
        sa.select(slot.c.number)
        .where(slot.c.item == what, slot.c.rater.is_(None), slot.c.done == 0)
        .order_by(slot.c.seat.is_not(None), slot.c.number)
        .limit(1)
    ).scalar()
    if free is None:
        return False
    chosen = (slot.c.item == what) & (slot.c.number == free)
    tx.execute(slot.update().where(chosen).values(rater=who, seat=None, done=1))
    return True


def _kind(tx: sa.Connection, what: str) -> str | None:
    return tx.execute(sa.select(item.c.kind).where(item.c.id == what)).scalar()


def answered(tx: sa.Connection, who: str, *, kind: str | None = None, since: float = 0.0) -> int:
    """How many items a rater has answered (each once, however often changed), no practice."""
    counts = item.c.kind == kind if kind else item.c.kind != "practice"
    query = (
        sa.select(sa.func.count())
        .select_from(event.join(item, item.c.id == event.c.item))
        .where(event.c.rater == who, event.c.revision == 1, event.c.at >= since, counts)
    )
    return int(tx.execute(query).scalar_one())


def touch(tx: sa.Connection, who: str, now: float, *, rested: bool = False) -> None:
    """Note that a rater is here; after a while away, or a break, their count of items restarts."""
    me = tx.execute(sa.select(rater).where(rater.c.id == who)).one()
    values: dict[str, Any] = {"seen": now}
    if rested or now - me.seen > AWAY or me.rested_time > now:
        values |= {"rested_at": answered(tx, who), "rested_time": now}
    tx.execute(rater.update().where(rater.c.id == who).values(**values))


def counted_answers(tx: sa.Connection) -> list[Any]:
    """Answers that count: last ones to study items, "cannot be rated" too, none of them surplus."""
    studied = set(tx.execute(sa.select(item.c.id).where(item.c.kind == "study")).scalars())
    return [
        row
        for row in latest(tx)
        if row.item in studied and row.kind in ("rate", "cannot") and not row.surplus
    ]


def latest(tx: sa.Connection, who: str | None = None) -> list[Any]:
    """The last event of every rater on every item, in order of time; of one rater, or of all."""
    newest = sa.select(sa.func.max(event.c.id)).group_by(event.c.rater, event.c.item)
    query = sa.select(event).where(event.c.id.in_(newest)).order_by(event.c.id)
    if who is not None:
        query = query.where(event.c.rater == who)
    return list(tx.execute(query))
