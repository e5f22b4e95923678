"""Backups of ratings, with the sealed key that they belong to (`mores.web.backup`).

made = back_up(database, folder, now=time.time(), key=key)
restore(made.path, target, key_target)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mores import store
from mores.errors import DataError
from mores.rate.db.facts import get, is_set_up
from mores.rate.db.migrations import RATING, revision
from mores.web import backup as web
from mores.web.database import Database

KEY = "key.jsonl"


def back_up(database: Database, folder: Path, *, now: float, key: Path | None = None) -> web.Backup:
    """Copy the database, restore the copy on trial, keep it.

    Args:
        database: an open database; it may be in use.
        folder: where backups go.
        now: seconds since 1970.
        key: the sealed key, to be kept with the ratings that it belongs to.

    Raises:
        StoreError: no room, or the copy did not pass the trial; earlier backups are untouched.
    """
    beside = {KEY: key.read_bytes()} if key is not None and key.exists() else {}
    return web.back_up(database, RATING, folder, now=now, beside=beside)


def last_event(tx: sa.Connection) -> int:
    """Return the number of the newest answer, 0 where there is none."""
    return web.newest(tx, RATING)


def rehearse(copy: Path) -> int:
    """Restore a copy on trial; return how many answers it holds (`mores.web.backup.rehearse`)."""
    return web.rehearse(copy, RATING)


def read_backup(backup: Path) -> dict[str, bytes]:
    """Return a backup's parts by name (`mores.web.backup.read_backup`)."""
    return web.read_backup(backup, RATING, (KEY,))


def last_backup(tx: sa.Connection) -> dict[str, Any] | None:
    """Return what the database notes of its last backup: at, verified, events, file, last."""
    note: dict[str, Any] | None = json.loads(get(tx, "backup") or "null")
    return note


def restore(backup: Path, database: Database, key_target: Path) -> int:
    """Put a backup into an empty database, and its key where keys are kept.

    Args:
        backup: a file made by `back_up`.
        database: an open and empty database of either kind.
        key_target: where the key goes; one that is there already must be the same.

    Returns:
        How many answers it holds.

    Raises:
        DataError: no backup, a damaged one, one of a newer version, a database in use.
    """
    parts = read_backup(backup)
    if revision(database) is not None and is_set_up(database):
        raise DataError(
            "this database holds ratings; a backup is not restored over them",
            path=database.name,
            fix="move the file away, or give another --database",
        )
    if KEY in parts and key_target.exists() and key_target.read_bytes() != parts[KEY]:
        raise DataError(
            "another key is there", path=key_target, fix="move it away; it belongs to other ratings"
        )
    events = web.restore_rows(parts, database, RATING)
    if KEY in parts and not key_target.exists():
        key_target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        store.write_bytes(key_target, parts[KEY])
        key_target.chmod(0o600)
    return events
