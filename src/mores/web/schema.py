"""How the tables of an app's database change, with Alembic: each migration all or nothing.

RATING = Schema("rating database", "ratings.sqlite", metadata, saved="event", versions=Path(...))
upgrade(database, RATING)      bring a database to this version's tables
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mores.errors import StoreError
from mores.web.database import Database

SCRIPTS = Path(__file__).parent / "alembic"
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""How constraints are called, the same in every database: migrations name them."""


@dataclass(frozen=True)
class Schema:
    """The tables of an app, and the way to them from every earlier version."""

    name: str
    """For messages: "rating database"."""
    file: str
    """Of SQLite: "ratings.sqlite"."""
    metadata: sa.MetaData
    saved: str
    """The table of what people saved: append-only, numbered by ``id``, of a name of its own."""
    versions: Path
    """Folder of the migrations, ``0001_first.py`` and on."""

    @property
    def head(self) -> str:
        """The newest revision."""
        return sorted(self.known())[-1]

    @property
    def answers(self) -> sa.Table:
        """The table of what people saved."""
        return self.metadata.tables[self.saved]

    def known(self) -> set[str]:
        """All revisions."""
        return {path.stem.partition("_")[0] for path in self.versions.glob("0*.py")}


def upgrade(
    database: Database, schema: Schema, *, before: Callable[[], object] | None = None
) -> str | None:
    """Bring a database to this version's schema; say from where, or None if it was there.

    Args:
        database: an open database, empty or of an earlier version.
        schema: its tables.
        before: called once before an existing schema is changed (to make a backup).

    Raises:
        StoreError: the database was made by a newer version.
    """
    old = revision(database, schema)
    if old == schema.head:
        return None
    from alembic import command  # a sixth of a second, which a server that restarts need not wait
    from alembic.config import Config

    if old is not None and before is not None:
        before()
    with database.write() as tx:
        config = Config()
        config.set_main_option("script_location", _escaped(SCRIPTS))
        config.set_main_option("version_locations", _escaped(schema.versions))
        config.set_main_option("path_separator", "newline")
        config.attributes["connection"] = tx
        config.attributes["metadata"] = schema.metadata
        command.upgrade(config, "head")
    return old or "nothing"


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")


def revision(database: Database, schema: Schema) -> str | None:
    """Return the schema's revision, or None where the database is empty.

    Raises:
        StoreError: made by a newer version, or a database of something else.
    """
    with database.read() as tx:
        names = set(sa.inspect(tx).get_table_names())
        found = None
        if "alembic_version" in names:
            found = tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    tables = names - {"alembic_version"}
    if tables and (found is None or schema.saved not in tables):
        raise StoreError(
            f"tables of another program are in this database; it is no {schema.name}",
            path=database.name,
            fix="give an empty database",
        )
    if found is not None and found not in schema.known():
        raise StoreError(
            f"this {schema.name} was made by a newer version of mores (schema {found}, "
            f"this one knows {schema.head})",
            path=database.name,
            fix="update mores; nothing was changed",
        )
    return None if found is None else str(found)


def make_append_only(op: Any, tables: tuple[str, ...]) -> None:
    """Within a migration: let tables refuse UPDATE and DELETE by trigger.

    Args:
        op: ``alembic.op``.
        tables: their names.
    """
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(
            "CREATE OR REPLACE FUNCTION mores_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'append-only'; END $$"
        )
    for table in tables:
        for verb in ("UPDATE", "DELETE"):
            body = (
                "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
                if sqlite
                else "FOR EACH ROW EXECUTE FUNCTION mores_append_only()"
            )
            op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {body}")
