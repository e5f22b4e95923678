"""What the desk stores: people, and what they saved.

`entry` holds everything that somebody saved (a draft, a comment, a vote, a complaint) and refuses
UPDATE and DELETE by trigger: what there is now is derived from it. Free text stands in `words`, so
that it can be forgotten without the rest. Times are seconds since 1970, UTC.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from mores.web import audit as log
from mores.web.schema import NAMES, Schema

ROLES = ("owner", "author", "reviewer", "participant")
KINDS = (
    "draft",
    "comment",
    "review",
    "decision",
    "vote",
    "proposal",
    "moderation",
    "complaint",
    "case",
    "trace",
)

metadata = MetaData(naming_convention=NAMES)

person = Table(
    "person",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("role", String(12), nullable=False),
    Column("pseudonym", String(32), nullable=False, unique=True),
    Column("label", Text, nullable=False),
    Column("language", String(20), nullable=False),
    Column("joined", Float, nullable=False),
    Column("consented", Float),
    Column("left", Float),
    Column("came_by", String(12), nullable=False),
    CheckConstraint(f"role IN {ROLES}", name="role"),
    CheckConstraint("came_by IN ('personal', 'open', 'start')", name="came_by"),
)

declared = Table(
    "declared",
    metadata,
    Column("person", ForeignKey("person.id"), primary_key=True),
    Column("question", String(200), primary_key=True),
    Column("answer", Text, nullable=False),
)

invite = Table(
    "invite",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("secret", String(64), nullable=False, unique=True),
    Column("kind", String(12), nullable=False),
    Column("label", Text, nullable=False),
    Column("many", Integer, nullable=False, default=0),
    Column("person", ForeignKey("person.id")),
    Column("places", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("revoked", Float),
    CheckConstraint(f"kind IN {ROLES}", name="kind"),
    CheckConstraint("many IN (0, 1)", name="many"),
)

session = Table(
    "session",
    metadata,
    Column("secret", String(64), primary_key=True),
    Column("person", ForeignKey("person.id"), nullable=False),
    Column("invite", ForeignKey("invite.id"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
)

entry = Table(
    "entry",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(80), nullable=False, unique=True),
    Column("person", ForeignKey("person.id"), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("about", String(300), nullable=False),
    Column("parent", ForeignKey("entry.id")),
    Column("digest", String(80), nullable=False, default=""),
    Column("value", String(60), nullable=False, default=""),
    Column("may_quote", Integer, nullable=False, default=0),
    Column("body", String(80), nullable=False),
    Column("at", Float, nullable=False),
    CheckConstraint(f"kind IN {KINDS}", name="kind"),
    CheckConstraint("may_quote IN (0, 1)", name="may_quote"),
    Index(None, "kind", "about"),
    Index(None, "parent"),
    Index(None, "person", "kind"),
    sqlite_autoincrement=True,
)

words = Table(
    "words",
    metadata,
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("text", Text, nullable=False),
)

audit = Table("audit", metadata, *log.columns())

APPEND_ONLY = ("entry", "audit")
DESK = Schema(
    "desk database",
    "desk.sqlite",
    metadata,
    saved="entry",
    versions=Path(__file__).parent / "migrations" / "versions",
)
