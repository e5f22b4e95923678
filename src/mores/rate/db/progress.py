"""How far rating has come. Nothing here knows of arms.

rater_progress(tx, rater)      for the rater's page
overview(tx, facts, now)       for the owner: totals, categories, days, groups
rater_lines(tx, now)           for the owner: every rater's pace and gold results
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from mores.rate.db.claims import fits
from mores.rate.db.facts import Facts
from mores.rate.db.tables import declared, event, expected, item, person, rater, seat, slot
from mores.rate.db.work import answered, latest

SECONDS_EACH = 45.0
"""Time for one answer where nothing was measured yet: an assumption."""
RECENT = 20
LONGEST = 600.0
"""Seconds between two answers that count as one piece of work, not as a pause."""


@dataclass(frozen=True)
class RaterProgress:
    """How far one rater has come."""

    done: int
    total: int
    minutes_left: int | None
    previous: str | None
    """The item answered last, if its answer can be changed."""


def rater_progress(tx: sa.Connection, who: str) -> RaterProgress:
    """Return how far a rater has come; practice is not counted."""
    done = answered(tx, who)
    mine = sa.select(seat.c.number).where(seat.c.rater == who)
    left = tx.execute(
        sa.select(sa.func.count())
        .select_from(slot.join(item, item.c.id == slot.c.item))
        .where(
            item.c.kind != "practice",
            slot.c.done == 0,
            (slot.c.rater == who) | (slot.c.seat.in_(mine) & slot.c.rater.is_(None)),
        )
    ).scalar_one()
    last = tx.execute(
        sa.select(event.c.item, event.c.kind)
        .join(item, item.c.id == event.c.item)
        .where(event.c.rater == who, item.c.kind != "practice")
        .order_by(event.c.id.desc())
        .limit(1)
    ).first()
    pace = _pace(_times(tx, who))
    minutes = round((pace or SECONDS_EACH) * left / 60.0) if left else None
    previous = last.item if last and last.kind in ("rate", "cannot") else None
    return RaterProgress(done, done + left, minutes, previous)


def share_of_one(tx: sa.Connection, facts: Facts) -> tuple[int, int]:
    """Return how many items a rater is asked for, and about how many minutes that takes."""
    studied = tx.execute(
        sa.select(sa.func.count()).select_from(item).where(item.c.kind == "study")
    ).scalar_one()
    others = len(facts.texts.gold) + len(facts.texts.practice)
    count = -(-studied * facts.rules.per_item // facts.rules.seats) + others
    return count, max(1, round(count * SECONDS_EACH / 60.0))


def _times(tx: sa.Connection, who: str) -> list[float]:
    query = (
        sa.select(event.c.at)
        .where(event.c.rater == who)
        .order_by(event.c.id.desc())
        .limit(RECENT + 1)
    )
    return [row.at for row in tx.execute(query)][::-1]


def _pace(times: list[float]) -> float | None:
    """Median seconds between answers, pauses left out; None below three."""
    gaps = [b - a for a, b in pairwise(times) if 0.0 < b - a <= LONGEST]
    return statistics.median(gaps) if len(gaps) >= 3 else None


# For the owner -----------------------------------------------------------------------------


def overview(tx: sa.Connection, facts: Facts, now: float) -> dict[str, Any]:
    """Totals, progress by category, ratings a day, declared groups of at least the least size."""
    studied = item.c.kind == "study"
    items = Counter(tx.execute(sa.select(item.c.category).where(studied)).scalars())
    of_slots = sa.select(item.c.category).join(slot, slot.c.item == item.c.id)
    done = Counter(tx.execute(of_slots.where(studied, slot.c.done == 1)).scalars())
    k = facts.rules.per_item
    return {
        "totals": _totals(tx, sum(items.values()), sum(done.values()), k, now),
        "categories": [
            {
                "title": position.title,
                "items": items[position.category],
                "needed": k * items[position.category],
                "done": done[position.category],
            }
            for position in facts.charter.positions
            if position.category in items
        ],
        "days": _days(tx),
        "groups": declared_groups(tx, facts),
        "min_cell": facts.rules.min_cell,
    }


def _totals(tx: sa.Connection, items: int, done: int, k: int, now: float) -> dict[str, int]:
    studied = set(tx.execute(sa.select(item.c.id).where(item.c.kind == "study")).scalars())
    last = [e for e in latest(tx) if e.item in studied]
    raters = (
        tx.execute(sa.select(rater.c.seen).where(rater.c.consented.is_not(None))).scalars().all()
    )
    return {
        "items": items,
        "needed": k * items,
        "done": done,
        "cannot": sum(e.kind == "cannot" and not e.surplus for e in last),
        "skipped": sum(e.kind == "skip" for e in last),
        "surplus": sum(bool(e.surplus) and e.kind in ("rate", "cannot") for e in last),
        "raters": len(raters),
        "active": sum(now - seen < 86_400.0 for seen in raters),
    }


def _days(tx: sa.Connection) -> list[dict[str, Any]]:
    times = tx.execute(
        sa.select(event.c.at)
        .join(item, item.c.id == event.c.item)
        .where(item.c.kind == "study", event.c.revision == 1, event.c.kind != "skip")
    ).scalars()
    count = Counter(datetime.fromtimestamp(at, UTC).date() for at in times)
    return [{"date": day, "n": count[day]} for day in sorted(count)][-60:]


def declared_groups(tx: sa.Connection, facts: Facts) -> list[dict[str, Any]]:
    """Declared groups with their raters; None where fewer than the least cell."""
    counts = Counter((row.question, row.answer) for row in tx.execute(sa.select(declared)))
    rows = []
    for question in facts.texts.groups:
        for answer in question.options:
            n = counts[question.id, answer]
            shown = n if n >= facts.rules.min_cell else None
            rows.append({"question": question.question, "answer": answer, "raters": shown})
    return rows


def declarations(tx: sa.Connection, facts: Facts) -> dict[str, dict[str, str]]:
    """Declarations by rater, those of small cells left out."""
    rows = tx.execute(sa.select(declared)).all()
    sizes = Counter((row.question, row.answer) for row in rows)
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if sizes[row.question, row.answer] >= facts.rules.min_cell:
            found.setdefault(row.rater, {})[row.question] = row.answer
    return found


def rater_lines(tx: sa.Connection) -> list[dict[str, Any]]:
    """Every rater with state, pace and gold results, in as many queries for 200 as for one."""
    labels = {row.rater: row.label for row in tx.execute(sa.select(person))}
    done = _counts(tx, event.c.rater, event, event.c.revision == 1, item.c.kind != "practice")
    whose = sa.func.coalesce(slot.c.rater, seat.c.rater)
    left = _counts(tx, whose, slot, slot.c.done == 0, item.c.kind != "practice")
    mine = (slot.c.done == 0, slot.c.claimed.is_not(None), item.c.kind == "study")
    held = _counts(tx, slot.c.rater, slot, *mine)
    times, gold = _recent_times(tx), _gold_results(tx)
    rows = []
    for me in tx.execute(sa.select(rater).order_by(rater.c.number)):
        right = gold.get(me.id, [])
        rows.append(
            {
                "id": me.id,
                "label": _label(me, labels.get(me.id, "")),
                "state": STATES.get(me.stage, me.stage),
                "rated": done.get(me.id, 0),
                "assigned": done.get(me.id, 0) + left.get(me.id, 0),
                "pace": _pace(times.get(me.id, [])),
                "gold_right": sum(right),
                "gold_seen": len(right),
                "last_seen": me.seen,
                "open": held.get(me.id, 0),
            }
        )
    return rows


def _counts(tx: sa.Connection, who: Any, table: sa.Table, *where: Any) -> dict[str, int]:
    """Rater → how many rows of a table with items."""
    source = table.join(item, item.c.id == table.c.item)
    if table is slot:
        source = source.outerjoin(seat, seat.c.number == slot.c.seat)
    query = sa.select(who, sa.func.count()).select_from(source).where(*where).group_by(who)
    return dict(tx.execute(query).all())


def _recent_times(tx: sa.Connection) -> dict[str, list[float]]:
    """Rater → times of the last answers, in order."""
    newest = sa.func.row_number().over(partition_by=event.c.rater, order_by=event.c.id.desc())
    numbered = sa.select(event.c.rater, event.c.at, event.c.id, newest.label("n")).subquery()
    query = sa.select(numbered).where(numbered.c.n <= RECENT + 1).order_by(numbered.c.id)
    found: dict[str, list[float]] = {}
    for row in tx.execute(query):
        found.setdefault(row.rater, []).append(row.at)
    return found


def _gold_results(tx: sa.Connection) -> dict[str, list[bool]]:
    """Rater → whether each gold item was answered as expected, by its last answer."""
    wanted = {row.item: row for row in tx.execute(sa.select(expected))}
    query = sa.select(event).join(item, item.c.id == event.c.item).where(item.c.kind == "gold")
    last = {(e.rater, e.item): e for e in tx.execute(query.order_by(event.c.revision))}
    found: dict[str, list[bool]] = {}
    for e in last.values():
        if e.kind in ("rate", "cannot"):
            found.setdefault(e.rater, []).append(fits(e, wanted[e.item]))
    return found


STATES = {"invited": "consenting", "guess": "done", "revoked": "withdrawn"}
"""Stage of a rater → what the owner's page calls it, where the two differ."""


def _label(me: Any, label: str) -> str:
    if label.endswith(":"):
        return f"panel {me.number}"
    return label or f"rater {me.number}"
