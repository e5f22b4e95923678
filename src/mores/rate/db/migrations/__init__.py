"""How the schema changes, with Alembic. Each migration runs in one transaction: all or nothing.

upgrade(database)    bring a database to this version's schema
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mores.errors import StoreError
from mores.rate.db.engine import Database

HERE = Path(__file__).parent


def upgrade(database: Database, *, before: Callable[[], None] | None = None) -> str | None:
    """Bring a database to this version's schema; say from where, or None if it was there.

    Args:
        database: an open database, empty or of an earlier version.
        before: called once before an existing schema is changed (to make a backup).

    Raises:
        StoreError: the database was made by a newer version.
    """
    old = revision(database)
    if old == head():
        return None
    from alembic import command  # a sixth of a second, which a server that restarts need not wait
    from alembic.config import Config

    if old is not None and before is not None:
        before()
    with database.write() as tx:
        config = Config()
        config.set_main_option("script_location", str(HERE).replace("%", "%%"))
        config.attributes["connection"] = tx
        command.upgrade(config, "head")
    return old or "nothing"


def revision(database: Database) -> str | None:
    """Return the schema's revision, or None where the database is empty.

    Raises:
        StoreError: made by a newer version, or not a rating database.
    """
    import sqlalchemy as sa

    with database.read() as tx:
        names = set(sa.inspect(tx).get_table_names())
        found = None
        if "alembic_version" in names:
            found = tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if found is None:
        if names - {"alembic_version"}:
            raise StoreError(
                "tables of another program are in this database",
                path=database.name,
                fix="give an empty database",
            )
        return None
    if found not in _known():
        raise StoreError(
            f"this rating database was made by a newer version of mores (schema {found}, "
            f"this one knows {head()})",
            path=database.name,
            fix="update mores; nothing was changed",
        )
    return str(found)


def head() -> str:
    """The newest revision."""
    return sorted(_known())[-1]


def _known() -> set[str]:
    return {path.stem.partition("_")[0] for path in (HERE / "versions").glob("0*.py")}
