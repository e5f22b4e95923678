"""The first schema, as it was when databases of people were first made with it.

It stands here on its own: what `mores.rate.db.tables` says today is reached by the migrations after
it (a test compares).
"""

from alembic import op
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
    UniqueConstraint,
)

from mores.web.schema import NAMES, make_append_only

revision = "0001"
down_revision = None

metadata = MetaData(naming_convention=NAMES)
Table(
    "meta",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
)
Table(
    "item",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("category", String(200), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("output", Text, nullable=False),
    Column("language", String(40), nullable=False),
    CheckConstraint("kind IN ('study', 'gold', 'practice')", name="kind"),
)
Table(
    "item_flag",
    metadata,
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("rule", String(80), primary_key=True),
    Column("found", Text, nullable=False),
)
Table(
    "expected",
    metadata,
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("low", Integer),
    Column("high", Integer),
    Column("cannot", Integer, nullable=False),
    Column("feedback", Text, nullable=False),
)
Table(
    "rater",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("stage", String(12), nullable=False),
    Column("language", String(20), nullable=False),
    Column("keys", Integer, nullable=False, default=1),
    Column("created", Float, nullable=False),
    Column("consented", Float),
    Column("seen", Float, nullable=False),
    Column("attempt", Integer, nullable=False, default=1),
    Column("rested_at", Integer, nullable=False, default=0),
    Column("rested_time", Float, nullable=False),
    Column("notice", String(40), nullable=False, default=""),
    CheckConstraint(
        "stage IN ('invited', 'practice', 'rating', 'guess', 'done', 'declined', 'gated', "
        "'revoked')",
        name="stage",
    ),
)
Table(
    "person",
    metadata,
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("label", Text, nullable=False),
    Column("outside_id", String(200)),
    Column("outside_session", String(200)),
    UniqueConstraint("outside_id"),
)
Table(
    "declared",
    metadata,
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("question", String(200), primary_key=True),
    Column("answer", Text, nullable=False),
)
Table(
    "opt_out",
    metadata,
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("category", String(200), primary_key=True),
)
Table(
    "seat",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("rater", ForeignKey("rater.id"), unique=True),
)
Table(
    "slot",
    metadata,
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("seat", ForeignKey("seat.number")),
    Column("place", Integer, nullable=False),
    Column("rater", ForeignKey("rater.id")),
    Column("claimed", Float),
    Column("lease", Float),
    Column("done", Integer, nullable=False, default=0),
    UniqueConstraint("item", "rater"),
    CheckConstraint("done IN (0, 1)", name="done"),
    CheckConstraint("done = 0 OR rater IS NOT NULL", name="done_by"),
    Index(None, "rater", "done"),
    Index(None, "seat"),
)
Table(
    "claim",
    metadata,
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("at", Float, nullable=False),
    Index(None, "rater"),
)
Table(
    "event",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(80), nullable=False, unique=True),
    Column("rater", ForeignKey("rater.id"), nullable=False),
    Column("item", ForeignKey("item.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("value", Integer),
    Column("reason", String(20), nullable=False, default=""),
    Column("flagged", Integer, nullable=False, default=0),
    Column("seconds", Float),
    Column("surplus", Integer, nullable=False, default=0),
    Column("at", Float, nullable=False),
    Column("body", String(80), nullable=False, default=""),
    UniqueConstraint("rater", "item", "revision"),
    CheckConstraint("kind IN ('rate', 'cannot', 'skip', 'withdraw')", name="kind"),
    CheckConstraint("(kind = 'rate') = (value IS NOT NULL)", name="value"),
    CheckConstraint("value BETWEEN 1 AND 5", name="range"),
    Index(None, "item"),
    Index(None, "rater", "at"),
    sqlite_autoincrement=True,
)
Table(
    "remark",
    metadata,
    Column("event", ForeignKey("event.id"), primary_key=True),
    Column("text", Text, nullable=False),
)
Table(
    "guess",
    metadata,
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("answer", String(10), nullable=False),
    CheckConstraint("answer IN ('tuned', 'untuned', 'unsure')", name="answer"),
)
Table(
    "cues",
    metadata,
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("text", Text, nullable=False),
)
Table(
    "invite",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("secret", String(64), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),
    Column("label", Text, nullable=False),
    Column("rater", ForeignKey("rater.id")),
    Column("places", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("revoked", Float),
    CheckConstraint("kind IN ('personal', 'open', 'owner')", name="kind"),
)
Table(
    "session",
    metadata,
    Column("secret", String(64), primary_key=True),
    Column("role", String(10), nullable=False),
    Column("rater", ForeignKey("rater.id")),
    Column("csrf", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    CheckConstraint("role IN ('rater', 'owner')", name="role"),
    CheckConstraint("(role = 'rater') = (rater IS NOT NULL)", name="owner"),
)
Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(60), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
Table(
    "revealed",
    metadata,
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("completion", String(400), nullable=False),
    Column("model", String(200), nullable=False),
    Column("arm", String(40), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("draw", Integer, nullable=False),
)


def upgrade() -> None:
    """Make all tables, and the triggers that keep answers and the log append-only."""
    metadata.create_all(op.get_bind())
    make_append_only(op, ("event", "audit"))
