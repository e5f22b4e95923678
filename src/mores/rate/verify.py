"""Is a rating database what its contract says? Looks only; says what does not hold.

verify(database, study).problems
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from mores.errors import MoresError
from mores.rate.blind import key_path, read_key
from mores.rate.db.facts import read_facts
from mores.rate.db.tables import event, item, item_media, remark, slot
from mores.rate.db.work import Answer, counted_answers
from mores.rate.model import RatingVerified
from mores.sample.media import intact
from mores.study import Study
from mores.web import audit
from mores.web.database import Database


def verify(database: Database, study: Study | None) -> RatingVerified:
    """Check pages, log, contract, key, and the files of items that are no texts."""
    problems: list[str] = []
    with database.read() as tx:
        facts = read_facts(tx)
        if database.is_sqlite:
            verdict = tx.exec_driver_sql("PRAGMA integrity_check").scalar()
            if verdict != "ok":
                problems.append(f"SQLite finds the file damaged: {verdict}")
        broken = audit.broken_at(tx)
        if broken is not None:
            problems.append(f"the audit log was altered at entry {broken}")
        problems += broken_rules(tx, facts.rules.per_item)
        problems += altered_answers(tx)
        events = int(tx.execute(sa.select(sa.func.count()).select_from(event)).scalar_one())
        entries = len(audit.entries(tx))
        last = audit.last_hash(tx)
        files = list(tx.execute(sa.select(item_media.c.file).distinct()).scalars())
    if study is not None and key_path(study, facts.key_digest).exists():
        try:
            read_key(study, facts.key_digest)
        except MoresError as error:
            problems.append(error.message)
    if study is not None:
        problems += lost_media(study, files)
    return RatingVerified(events, entries, last, tuple(problems))


def lost_media(study: Study, files: Sequence[str]) -> list[str]:
    """Name files of items that are not there any more, or were changed."""
    problems = []
    for file in files:
        try:
            intact(study, file)
        except MoresError as error:
            problems.append(f"{file}: {error.message}")
    return problems


def broken_rules(tx: sa.Connection, per_item: int) -> list[str]:
    """Say which rules of the contract do not hold; empty where all do."""
    problems = []
    studied = set(tx.execute(sa.select(item.c.id).where(item.c.kind == "study")).scalars())
    slots = [row for row in tx.execute(sa.select(slot)) if row.item in studied]
    many = [name for name, n in Counter(row.item for row in slots).items() if n != per_item]
    problems += [f"item {name} does not have {per_item} slots" for name in many]
    counted = {(e.item, e.rater) for e in counted_answers(tx)}
    done = {(row.item, row.rater) for row in slots if row.done}
    problems += [f"{who} counts for {what} without a slot" for what, who in sorted(counted - done)]
    problems += [
        f"the slot of {who} on {what} is done without an answer"
        for what, who in sorted(done - counted)
    ]
    over = [name for name, n in Counter(what for what, _ in counted).items() if n > per_item]
    problems += [f"item {name} has more than {per_item} ratings" for name in over]
    seen: dict[tuple[str, str], int] = {}
    for row in tx.execute(sa.select(event).order_by(event.c.id)):
        place = (row.rater, row.item)
        if row.revision != seen.get(place, 0) + 1:
            problems.append(f"event {row.id}: revision {row.revision} is out of order")
        seen[place] = row.revision
    return problems


def altered_answers(tx: sa.Connection) -> list[str]:
    """Name answers that are not what the rater's form said: each keeps the form's digest.

    Answers that were imported or withdrawn came by no form. Where a remark was forgotten with its
    rater, the digest cannot be made again, so these answers are left out.
    """
    remarks = {row.event: row.text for row in tx.execute(sa.select(remark))}
    forgotten = {
        json.loads(entry.detail)["rater"]
        for entry in audit.entries(tx)
        if entry.action == "forget rater"
    }
    return [
        f"event {row.id}: the answer of {row.rater} to {row.item} was altered"
        for row in tx.execute(sa.select(event).order_by(event.c.id))
        if row.body and row.rater not in forgotten and row.body != _as_sent(row, remarks).body
    ]


def _as_sent(row: Any, remarks: dict[int, str]) -> Answer:
    return Answer(
        key=row.key,
        item=row.item,
        revision=row.revision - 1,
        kind=row.kind,
        value=row.value,
        reason=row.reason,
        flagged=bool(row.flagged),
        remark=remarks.get(row.id, ""),
    )
