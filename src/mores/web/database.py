"""Connections to the rating database, and the one write lock.

    with database.write() as tx: ...   one writer at a time; committed and on disk when it returns
    with database.read() as tx: ...    a consistent view

SQLite: one connection does everything, write-ahead log, ``synchronous=FULL``, each write begins
with ``BEGIN IMMEDIATE``. One connection that writes and checkpoints is also what makes the
WAL-reset bug of SQLite 3.7.0 to 3.51.2 unreachable; readers beside it open the file read-only.
PostgreSQL: a pool; each write takes one advisory lock, so that both databases run the same code
under the same guarantee.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from mores.errors import StoreError

BUSY_MS = 10_000
LOCK = 0x6D6F726573  # "mores": the advisory lock of PostgreSQL


class DatabaseBusyError(StoreError):
    """Somebody else holds the database; nothing was saved."""


class DatabaseFullError(StoreError):
    """No room on the disk; nothing was saved."""


class DatabaseReadOnlyError(StoreError):
    """The database cannot be written; nothing was saved."""


class Database:
    """An open rating database."""

    def __init__(self, engine: sa.Engine, name: str, path: Path | None) -> None:
        self.engine = engine
        self.name = name
        """For messages; without a password."""
        self.path = path
        """The file of SQLite, or None."""
        self._lock = threading.RLock() if path is not None else None

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.path is not None

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Be the one writer: all of it is committed and on disk afterwards, or nothing is.

        Raises:
            DatabaseBusyError, DatabaseFullError, DatabaseReadOnlyError: nothing was saved.
        """
        with self._connection() as connection:
            begin = "BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN"
            connection.exec_driver_sql(begin)
            try:
                if not self.is_sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """See one consistent state."""
        with self._connection() as connection:
            level = "" if self.is_sqlite else " ISOLATION LEVEL REPEATABLE READ READ ONLY"
            connection.exec_driver_sql(f"BEGIN{level}")
            try:
                yield connection
            finally:
                _roll_back(connection)

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """Have SQLite's connection outside any transaction, with everybody else waiting."""
        with self._connection() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            yield raw

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        try:
            if self._lock is None:
                with self.engine.connect() as connection:
                    yield connection
                return
            if not self._lock.acquire(timeout=BUSY_MS / 1000):
                raise DatabaseBusyError("another request is writing", path=self.name)
            try:
                with self.engine.connect() as connection:
                    yield connection
            finally:
                self._lock.release()
        except sa.exc.DBAPIError as error:
            plain = _plain(error, self.name)
            if plain is None:
                raise
            raise plain from error

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def open_database(where: str | Path, *, read_only: bool = False) -> Database:
    """Open a rating database; nothing is created in it.

    Args:
        where: a path of an SQLite file, or ``postgresql://user@host/name``.
        read_only: look only, beside a server that may be running.

    Raises:
        StoreError: unknown kind of address, missing driver, no such file (read_only), no answer.
    """
    text = str(where)
    if "://" not in text:
        return _sqlite(Path(text), read_only)
    kind = text.partition("://")[0]
    if kind not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise StoreError(
            f"cannot use a database of the kind {kind!r}",
            fix="a path for SQLite, or postgresql://user@host/name",
        )
    return _postgresql("postgresql+psycopg://" + text.partition("://")[2])


def _sqlite(path: Path, read_only: bool) -> Database:
    if read_only and not path.exists():
        raise StoreError(
            "there is no rating database", path=path, fix="start with `mores rate serve`"
        )
    mode = "ro" if read_only else "rwc"
    address = f"{path.absolute().as_uri()}?mode={mode}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            address,
            uri=True,
            check_same_thread=False,
            isolation_level=None,
            timeout=BUSY_MS / 1000,
            cached_statements=512,
        )

    engine = sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=StaticPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,  # comments and labels do not belong into a log
    )

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _record: Any) -> None:
        pragmas = ["foreign_keys=ON", f"busy_timeout={BUSY_MS}", "trusted_schema=OFF"]
        if not read_only:
            # who is forgotten must not stay readable in the file
            pragmas += ["journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"]
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    return _tried(Database(engine, str(path), path))


def _postgresql(address: str) -> Database:
    try:
        url = sa.make_url(address)
        engine = sa.create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=8,
            max_overflow=8,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        sa.event.listen(engine, "connect", _patience)
    except ModuleNotFoundError:
        raise StoreError(
            "PostgreSQL needs its driver", fix="pip install 'mores[postgresql]'"
        ) from None
    except (sa.exc.ArgumentError, ValueError) as error:
        raise StoreError(f"not the address of a database: {error}") from None
    return _tried(Database(engine, url.render_as_string(hide_password=True), None))


def _patience(connection: Any, _record: Any) -> None:
    """Let nobody wait for another writer for ever."""
    connection.execute(f"SET lock_timeout = {BUSY_MS}")
    connection.commit()


def _tried(database: Database) -> Database:
    with database.read() as tx:
        tx.exec_driver_sql("SELECT 1")
    return database


def _roll_back(connection: sa.Connection) -> None:
    """Leave no transaction open, whatever state an error has left."""
    if connection.invalidated:  # PostgreSQL has gone, and the transaction with it
        return
    raw = connection.connection.driver_connection
    if isinstance(raw, sqlite3.Connection):
        if raw.in_transaction:
            raw.rollback()
    elif raw is not None and not raw.closed:
        connection.exec_driver_sql("ROLLBACK")


def _plain(error: sa.exc.DBAPIError, name: str) -> StoreError | None:
    """A database's error in words that say whether anything was saved; None for a bug of ours."""
    text = str(error.orig)
    low = text.lower()
    if "is full" in low or "no space" in low or "disk full" in low:
        return DatabaseFullError(
            "no room on the disk; nothing was saved", path=name, fix="free some room and try again"
        )
    if "readonly" in low or "read-only" in low:
        return DatabaseReadOnlyError(
            "the database cannot be written; nothing was saved",
            path=name,
            fix="see who may write the file and its folder",
        )
    if "locked" in low or "busy" in low or "lock timeout" in low:
        return DatabaseBusyError(
            "another program holds the database; nothing was saved", path=name, fix="try again"
        )
    if "not a database" in low or "malformed" in low:
        return StoreError(
            f"this file is no intact database: {text}", path=name, fix="restore a backup"
        )
    if isinstance(error, sa.exc.OperationalError):
        return StoreError(f"the database does not answer: {text.strip()}", path=name)
    return None
