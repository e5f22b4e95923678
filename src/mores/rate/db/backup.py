"""Backups that were restored on trial, and restoring them.

    made = back_up(database, folder, now=time.time())
    restore(made.path, target, key_target)

A backup is one ``.tar`` file: the database, the sealed key, and a manifest of digests. It is
written beside its place and renamed; before it counts, its database is opened, checked and
counted. SQLite is copied through its online-backup interface by the one connection that writes;
PostgreSQL is copied table by table within one snapshot, into the same SQLite form, so that both
kinds are verified and restored by the same code.
"""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mores import store
from mores.errors import DataError, StoreError
from mores.rate.db.engine import Database, open_database
from mores.rate.db.facts import get, is_set_up
from mores.rate.db.migrations import head, revision, upgrade
from mores.rate.db.tables import event, metadata

DATABASE = "ratings.sqlite"
KEY = "key.jsonl"
MANIFEST = "manifest.json"
KEEP = 96
"""Backups that are kept: a day's, at one every 15 minutes."""


@dataclass(frozen=True)
class Backup:
    """A backup that was restored on trial."""

    path: Path
    at: float
    events: int
    """Answers in it."""
    bytes: int


def back_up(database: Database, folder: Path, *, now: float, key: Path | None = None) -> Backup:
    """Copy the database, restore the copy on trial, keep it.

    Args:
        database: an open database; it may be in use.
        folder: where backups go.
        now: seconds since 1970.
        key: the sealed key, to be kept with the ratings that it belongs to.

    Raises:
        StoreError: no room, or the copy did not pass the trial; earlier backups are untouched.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = folder / f"backup-{stamp}.tar"
    with store.disk_errors(target), tempfile.TemporaryDirectory(dir=folder) as work:
        copy = Path(work) / DATABASE
        if database.is_sqlite:
            _copy_sqlite(database, copy)
        else:
            _copy_tables(database, copy)
        events = rehearse(copy)
        parts = {DATABASE: copy.read_bytes()}
        if key is not None and key.exists():
            parts[KEY] = key.read_bytes()
        manifest = {
            "made": stamp,
            "schema": head(),
            "events": events,
            "digests": {name: store.digest_bytes(data) for name, data in parts.items()},
        }
        parts[MANIFEST] = (json.dumps(manifest, indent=2) + "\n").encode()
        store.write_bytes(target, _tar(parts))
    target.chmod(0o600)
    for old in sorted(folder.glob("backup-*.tar"))[:-KEEP]:
        old.unlink()
    return Backup(target, now, events, target.stat().st_size)


def last_event(tx: sa.Connection) -> int:
    """Return the number of the newest answer, 0 where there is none."""
    return int(tx.execute(sa.select(sa.func.max(event.c.id))).scalar() or 0)


def last_backup(tx: sa.Connection) -> dict[str, Any] | None:
    """Return what the database notes of its last backup: at, verified, events, file, last."""
    note: dict[str, Any] | None = json.loads(get(tx, "backup") or "null")
    return note


def _copy_sqlite(database: Database, copy: Path) -> None:
    with database.alone() as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it


def _copy_tables(database: Database, copy: Path) -> None:
    target = open_database(copy)
    try:
        upgrade(target)
        _copy_rows(database, target)
        with target.alone() as raw:
            raw.execute("PRAGMA journal_mode=DELETE")
    finally:
        target.close()


def rehearse(copy: Path) -> int:
    """Restore a copy on trial: open it, check every page and reference, count the answers.

    Raises:
        StoreError: it would not do as a backup.
    """
    address = f"{copy.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as raw:
            verdict = raw.execute("PRAGMA integrity_check").fetchone()[0]
            loose = raw.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        raise StoreError(f"the copy cannot be read: {error}", path=copy) from None
    if verdict != "ok" or loose:
        raise StoreError(
            f"the copy is damaged: {verdict}, {len(loose)} loose references",
            path=copy,
            fix="check the disk; earlier backups are untouched",
        )
    opened = open_database(copy, read_only=True)
    try:
        if revision(opened) is None:
            raise StoreError("the copy holds no rating database", path=copy)
        with opened.read() as tx:
            return int(tx.execute(sa.select(sa.func.count()).select_from(event)).scalar_one())
    finally:
        opened.close()


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
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work) / DATABASE
        copy.write_bytes(parts[DATABASE])
        events = rehearse(copy)
        source = open_database(copy)
        try:
            upgrade(source)
            upgrade(database)
            _copy_rows(source, database)
        finally:
            source.close()
    if KEY in parts and not key_target.exists():
        key_target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        store.write_bytes(key_target, parts[KEY])
        key_target.chmod(0o600)
    return events


def _copy_rows(source: Database, database: Database) -> None:
    with source.read() as old, database.write() as new:
        for table in metadata.sorted_tables:
            rows = [dict(row) for row in old.execute(sa.select(table)).mappings()]
            for start in range(0, len(rows), 500):
                new.execute(table.insert(), rows[start : start + 500])
        if not database.is_sqlite:
            new.execute(
                sa.text(
                    "SELECT setval(pg_get_serial_sequence('event', 'id'), "
                    "(SELECT coalesce(max(id), 1) FROM event), (SELECT count(*) > 0 FROM event))"
                )
            )


def read_backup(backup: Path) -> dict[str, bytes]:
    """Return a backup's parts by name, each as its manifest says.

    Raises:
        DataError: no such file, no backup, or a part that differs from its digest.
    """
    if not backup.exists():
        raise DataError(
            "no such file", path=backup, fix="backups are in the study's rating/backups"
        )
    try:
        with tarfile.open(backup, "r:") as tar:
            parts = {
                member.name: file.read()
                for member in tar.getmembers()
                if member.name in (DATABASE, KEY, MANIFEST) and (file := tar.extractfile(member))
            }
        manifest = json.loads(parts[MANIFEST])
        digests = {DATABASE: manifest["digests"][DATABASE], **manifest["digests"]}
    except (tarfile.TarError, LookupError, TypeError, ValueError, OSError) as error:
        raise DataError(f"this is no backup of ratings: {error!r}", path=backup) from None
    for name, wanted in digests.items():
        if store.digest_bytes(parts.get(name, b"")) != wanted:
            raise DataError(f"{name} in it is damaged", path=backup, fix="take an earlier backup")
    if str(manifest.get("schema", "")) > head():
        raise DataError("this backup was made by a newer version", path=backup, fix="update mores")
    return parts


def _tar(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o600
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
