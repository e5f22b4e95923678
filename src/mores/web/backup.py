"""Backups that were restored on trial, and restoring them.

    made = back_up(database, schema, folder, now=time.time(), beside={"key.jsonl": ...})
    restore_rows(read_backup(made.path, schema), target, schema)

A backup is one ``.tar`` file: the database, files beside it, and a manifest of digests. It is
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
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from mores import store
from mores.errors import DataError, StoreError
from mores.web.database import Database, open_database
from mores.web.schema import Schema, revision, upgrade

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


def back_up(
    database: Database,
    schema: Schema,
    folder: Path,
    *,
    now: float,
    beside: Mapping[str, bytes] | None = None,
) -> Backup:
    """Copy the database, restore the copy on trial, keep it.

    Args:
        database: an open database; it may be in use.
        schema: its tables.
        folder: where backups go.
        now: seconds since 1970.
        beside: files that belong to it, by name.

    Raises:
        StoreError: no room, or the copy did not pass the trial; earlier backups are untouched.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = folder / f"backup-{stamp}.tar"
    with store.disk_errors(target), tempfile.TemporaryDirectory(dir=folder) as work:
        copy = Path(work) / schema.file
        if database.is_sqlite:
            _copy_sqlite(database, copy)
        else:
            _copy_tables(database, copy, schema)
        events = rehearse(copy, schema)
        parts = {schema.file: copy.read_bytes(), **(beside or {})}
        manifest = {
            "made": stamp,
            "schema": schema.head,
            "events": events,
            "digests": {name: store.digest_bytes(data) for name, data in parts.items()},
        }
        parts[MANIFEST] = (json.dumps(manifest, indent=2) + "\n").encode()
        store.write_bytes(target, _tar(parts))
    target.chmod(0o600)
    for old in sorted(folder.glob("backup-*.tar"))[:-KEEP]:
        old.unlink()
    return Backup(target, now, events, target.stat().st_size)


def newest(tx: sa.Connection, schema: Schema) -> int:
    """Return the number of the newest answer, 0 where there is none."""
    return int(tx.execute(sa.select(sa.func.max(schema.answers.c.id))).scalar() or 0)


def _copy_sqlite(database: Database, copy: Path) -> None:
    with database.alone() as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it


def _copy_tables(database: Database, copy: Path, schema: Schema) -> None:
    target = open_database(copy)
    try:
        upgrade(target, schema)
        _copy_rows(database, target, schema)
        with target.alone() as raw:
            raw.execute("PRAGMA journal_mode=DELETE")
    finally:
        target.close()


def rehearse(copy: Path, schema: Schema) -> int:
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
        if revision(opened, schema) is None:
            raise StoreError(f"the copy holds no {schema.name}", path=copy)
        with opened.read() as tx:
            return int(
                tx.execute(sa.select(sa.func.count()).select_from(schema.answers)).scalar_one()
            )
    finally:
        opened.close()


def restore_rows(parts: dict[str, bytes], database: Database, schema: Schema) -> int:
    """Put the database of a backup that was read into an open and empty one of either kind.

    Returns:
        How many answers it holds.
    """
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work) / schema.file
        copy.write_bytes(parts[schema.file])
        events = rehearse(copy, schema)
        source = open_database(copy)
        try:
            upgrade(source, schema)
            upgrade(database, schema)
            _copy_rows(source, database, schema)
        finally:
            source.close()
    return events


def _copy_rows(source: Database, database: Database, schema: Schema) -> None:
    with source.read() as old, database.write() as new:
        there = set(sa.inspect(old).get_table_names())  # of an earlier schema: not all of them
        for table in schema.metadata.sorted_tables:
            if table.name not in there:
                continue
            rows = [dict(row) for row in old.execute(sa.select(table)).mappings()]
            for start in range(0, len(rows), 500):
                new.execute(table.insert(), rows[start : start + 500])
        if not database.is_sqlite:
            last = sa.select(sa.func.max(schema.answers.c.id))
            number = new.execute(last).scalar()
            sequence = sa.func.pg_get_serial_sequence(schema.saved, "id")
            new.execute(sa.select(sa.func.setval(sequence, number or 1, number is not None)))


def read_backup(backup: Path, schema: Schema, beside: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Return a backup's parts by name, each as its manifest says.

    Raises:
        DataError: no such file, no backup, or a part that differs from its digest.
    """
    if not backup.exists():
        raise DataError(
            "no such file", path=backup, fix="backups are in the folder backups beside the database"
        )
    try:
        with tarfile.open(backup, "r:") as tar:
            parts = {
                member.name: file.read()
                for member in tar.getmembers()
                if member.name in (schema.file, *beside, MANIFEST)
                and (file := tar.extractfile(member))
            }
        manifest = json.loads(parts[MANIFEST])
        digests = {schema.file: manifest["digests"][schema.file], **manifest["digests"]}
    except (tarfile.TarError, LookupError, TypeError, ValueError, OSError) as error:
        raise DataError(f"this is no backup of a {schema.name}: {error!r}", path=backup) from None
    for name, wanted in digests.items():
        if store.digest_bytes(parts.get(name, b"")) != wanted:
            raise DataError(f"{name} in it is damaged", path=backup, fix="take an earlier backup")
    if str(manifest.get("schema", "")) > schema.head:
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
