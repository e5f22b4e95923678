"""Forget who a rater is; keep or withdraw what they rated.

    forget(tx, rater, ratings="keep", now=time.time())

Answers are append-only and stay under a random number that leads to nobody. Backups that were
made before still hold the person; they are replaced as new ones are made (docs/ratings.md).
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa

from mores.errors import DataError
from mores.rate.db import audit
from mores.rate.db.release import release, withdraw
from mores.rate.db.tables import (
    cues,
    declared,
    event,
    invite,
    opt_out,
    person,
    rater,
    remark,
    session,
)


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
    own = sa.select(event.c.id).where(event.c.rater == who)
    tx.execute(remark.delete().where(remark.c.event.in_(own)))
    for table in (person, declared, opt_out, session, cues):
        tx.execute(table.delete().where(table.c.rater == who))
    tx.execute(
        invite.update().where(invite.c.rater == who).values(rater=None, label="", revoked=now)
    )
    release(tx, who)
    withdrawn = withdraw(tx, who, now) if ratings == "withdraw" else 0
    tx.execute(rater.update().where(rater.c.id == who).values(stage="revoked", language="en"))
    audit.append(
        tx,
        now=now,
        actor="owner",
        action="forget rater",
        detail={"rater": who, "ratings": ratings, "withdrawn": withdrawn},
    )
    return withdrawn
