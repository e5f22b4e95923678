"""Ratings made elsewhere on blind items → the rating database, where they stay blind.

    count = import_blind(database, Path("paper.csv"), now=time.time())

The file has ``item_id`` (as in `mores rate export`), ``rater``, ``value`` and perhaps ``seconds``.
All of it, or nothing; the rule of k different raters an item holds for it too.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from mores import store
from mores.errors import DataError, did_you_mean
from mores.rate.db import work
from mores.rate.db.raters import new_rater
from mores.rate.db.tables import event, item, person, rater
from mores.rate.rating_file import FileRow, Reading, read_file
from mores.tables import Notes, read_table
from mores.web import audit
from mores.web.database import Database

PREFIX = "imported: "


TELLING = ("arm", "model", "seed", "completion_id")
"""Columns of a file whose raters, or whoever made it, knew what they should not."""


def import_blind(
    database: Database,
    source: Path,
    *,
    now: float,
    reading: Reading | None = None,
    notes: Notes | None = None,
) -> int:
    """Import a file; return how many ratings were new.

    Args:
        database: the rating database.
        source: the file.
        now: the time, in seconds since 1970.
        reading: encoding, sheet and names of columns.
        notes: takes what was renamed and left out.

    Raises:
        DataError: an unknown item, one that has its k ratings, a rater who gave it another value
            before, a column that tells arms apart, and what `read_file` raises; nothing is then
            imported.
    """
    reading = reading or Reading()
    _refuse_telling(source, reading)
    rows = read_file(source, "item_id", reading, notes or Notes())
    digest = store.digest_file(source)
    with database.write() as tx:
        names = list(tx.execute(sa.select(item.c.id).where(item.c.kind == "study")).scalars())
        known = set(names)
        people: dict[str, str] = {}
        new = 0
        for row in rows:
            name = row.rating.completion_id
            if name not in known:
                raise DataError(
                    f"unknown item {name!r}{did_you_mean(name, names)}",
                    path=source,
                    line=row.line,
                    fix="ids are those of `mores rate export` of this database",
                )
            label = row.rating.rater
            if label not in people:
                people[label] = _rater(tx, label, now)
            new += _keep(tx, people[label], row, source, digest, now)
        detail = {"file": digest, "ratings": new, "raters": len(people)}
        audit.append(tx, now=now, actor="owner", action="import", detail=detail)
    return new


def _refuse_telling(source: Path, reading: Reading) -> None:
    """Refuse a file from which an arm can be told: its ratings would count as blind."""
    table = read_table(source, encoding=reading.encoding, sheet=reading.sheet)
    names = dict.fromkeys(name for _, row in table for name in row)  # of JSON each row has its own
    telling = [name for name in names if name.strip().lower() in TELLING]
    if telling:
        raise DataError(
            f"the column {telling[0]!r} tells what blind items hide",
            path=source,
            line=1,
            fix="leave the column out, if no rater saw it; else import by completion_id",
        )


def _rater(tx: sa.Connection, label: str, now: float) -> str:
    """The rater of this name in earlier imports, or a new one."""
    known = tx.execute(sa.select(person.c.rater).where(person.c.label == PREFIX + label)).scalar()
    if known is not None:
        return str(known)
    who = new_rater(tx, PREFIX + label, now=now, stage="done")
    tx.execute(rater.update().where(rater.c.id == who).values(consented=now))
    return who


def _keep(tx: sa.Connection, who: str, row: FileRow, source: Path, digest: str, now: float) -> int:
    name, value = row.rating.completion_id, row.rating.value
    last = work.current(tx, who, name)
    if last is not None:
        if last.value == value:
            return 0
        raise DataError(
            f"rater {row.rating.rater!r} already gave {name!r} a {last.value}, "
            f"the file says {value}",
            path=source,
            line=row.line,
            fix="remove the line",
        )
    if not work.take_free(tx, who, name):
        raise DataError(
            f"{name!r} has its ratings already, or raters who hold it",
            path=source,
            line=row.line,
            fix="remove the line, or release the rater who holds it",
        )
    tx.execute(
        event.insert().values(
            key=f"import-{digest.removeprefix('sha256:')[:24]}-{row.line}",
            rater=who,
            item=name,
            revision=1,
            kind="rate",
            value=value,
            seconds=row.rating.seconds,
            at=now,
        )
    )
    return 1
