"""An app's database, opened for looking or for changing.

with looking(where, schema) as database: ...      beside a running server
with changing(where, schema, ...) as database: ...     alone: a running server is refused
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mores.errors import StoreError
from mores.store import Say
from mores.web.database import Database, open_database
from mores.web.places import free_space, instance_lock, refuse_network_file_system, writable
from mores.web.schema import Schema, revision, upgrade

ROOM = 64 * 1024 * 1024
"""Bytes that must be free before anything begins."""


@contextmanager
def looking(where: str) -> Iterator[Database]:
    """Open to look; nothing can be changed."""
    opened = open_database(where, read_only=True)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def changing(
    where: str,
    schema: Schema,
    *,
    new: bool,
    start: str,
    back_up: Callable[[Database], object],
    say: Say = lambda _: None,
) -> Iterator[Database]:
    """Open to change, alone; a schema of an earlier version is brought up to date.

    Args:
        where: a path of an SQLite file, or ``postgresql://user@host/name``.
        schema: the app's tables.
        new: whether there may be none yet.
        start: the command that makes one, for a message.
        back_up: makes a backup before a schema is changed.
        say: where to report a schema that was brought up to date.

    Raises:
        StoreError: a server is running on it, a network file system, no room, not writable,
            made by a newer version, or (unless new) not there.
    """
    with ExitStack() as stack:
        if "://" not in where:
            path = Path(where)
            if not new and not path.exists():
                raise StoreError(f"there is no {schema.name}", path=path, fix=start)
            path.parent.mkdir(parents=True, exist_ok=True)
            refuse_network_file_system(path)
            writable(path)
            free_space(path, ROOM)
            stack.enter_context(instance_lock(path))
        opened = open_database(where)
        stack.callback(opened.close)
        before = revision(opened, schema)
        if before is not None or new:
            changed = upgrade(opened, schema, before=lambda: back_up(opened))
            if changed and before is not None:
                say(f"{schema.name} brought from schema {before} to {revision(opened, schema)}")
        yield opened
