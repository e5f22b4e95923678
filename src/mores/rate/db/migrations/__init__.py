"""How the rating database's schema changes (`mores.web.schema`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mores.rate.db.tables import metadata
from mores.web import schema
from mores.web.database import Database

RATING = schema.Schema(
    "rating database",
    "ratings.sqlite",
    metadata,
    saved="event",
    versions=Path(__file__).parent / "versions",
)


def upgrade(database: Database, *, before: Callable[[], None] | None = None) -> str | None:
    """Bring a rating database to this version's schema (`mores.web.schema.upgrade`)."""
    return schema.upgrade(database, RATING, before=before)


def revision(database: Database) -> str | None:
    """Return the schema's revision, or None where the database is empty."""
    return schema.revision(database, RATING)


def head() -> str:
    """The newest revision."""
    return RATING.head
