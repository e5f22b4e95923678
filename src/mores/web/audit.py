"""The audit log: who did what when, each entry sealed by the hash of the one before.

    append(tx, now=time.time(), actor="owner", action="invite", detail={"count": 3})
    broken_at(tx)      None, or the number of the first entry that does not fit

Changing, removing or inserting an entry breaks every hash after it. Cutting off the end is seen
by whoever kept a later hash: exports, backups and the unblinding note all print the last one.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import sqlalchemy as sa

FIRST = "0" * 64

audit = sa.table(
    "audit",
    *(
        sa.column(name)
        for name in ("number", "at", "actor", "action", "detail", "previous", "hash")
    ),
)
"""Every database of an app has it; `columns` makes it."""


def columns() -> list[sa.Column[Any]]:
    """Columns of the table ``audit``, to be put into a database's own tables."""
    return [
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    ]


def append(
    tx: sa.Connection, *, now: float, actor: str, action: str, detail: dict[str, Any] | None = None
) -> str:
    """Add an entry; return its hash."""
    last = tx.execute(
        sa.select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    ).first()
    number, previous = (last.number + 1, last.hash) if last else (1, FIRST)
    text = msgspec.json.encode(detail or {}, order="deterministic").decode()
    sealed = entry_hash(number, now, actor, action, text, previous)
    tx.execute(
        audit.insert().values(
            number=number,
            at=now,
            actor=actor,
            action=action,
            detail=text,
            previous=previous,
            hash=sealed,
        )
    )
    return sealed


def entry_hash(number: int, at: float, actor: str, action: str, detail: str, previous: str) -> str:
    """SHA-256 over an entry and the hash of the entry before it (64 hexadecimal digits)."""
    data = msgspec.json.encode([number, f"{at:.6f}", actor, action, detail, previous])
    return hashlib.sha256(data).hexdigest()


def broken_at(tx: sa.Connection) -> int | None:
    """Return the number of the first entry that does not fit the chain, or None."""
    previous = FIRST
    for place, row in enumerate(entries(tx), 1):
        fits = row.number == place and row.previous == previous
        if not fits or row.hash != entry_hash(
            row.number, row.at, row.actor, row.action, row.detail, row.previous
        ):
            return place
        previous = row.hash
    return None


def entries(tx: sa.Connection) -> list[Any]:
    """All entries, oldest first."""
    return list(tx.execute(sa.select(audit).order_by(audit.c.number)))


def last_hash(tx: sa.Connection) -> str:
    """Return the newest entry's hash."""
    query = sa.select(audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    return str(tx.execute(query).scalar() or FIRST)
