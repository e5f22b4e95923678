"""What the rating app stores. No table says which model wrote an item.

The key from items to completions is a sealed file beside the database (`mores.rate.blind`); only
`revealed` can hold it, and only `mores.rate.unblind` fills that. Times are seconds since 1970, UTC.

Answers are append-only: `event` and `audit` refuse UPDATE and DELETE by trigger.
"""

from __future__ import annotations

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

from mores.web import audit as log
from mores.web.schema import NAMES

metadata = MetaData(naming_convention=NAMES)

meta = Table(
    "meta",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
)

item = Table(
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

item_media = Table(
    "item_media",  # of items that are no text; a file goes by its content and tells no arm
    metadata,
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("file", String(80), nullable=False),
    Column("alt", Text, nullable=False),
    Column("captions", Text, nullable=False),
    CheckConstraint("kind IN ('image', 'audio', 'video')", name="kind"),
)

item_flag = Table(
    "item_flag",
    metadata,
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("rule", String(80), primary_key=True),
    Column("found", Text, nullable=False),
)

expected = Table(
    "expected",  # of gold and practice items
    metadata,
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("low", Integer),
    Column("high", Integer),
    Column("cannot", Integer, nullable=False),
    Column("feedback", Text, nullable=False),
)

rater = Table(
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

# Who a rater is. Kept apart from the answers, so that it can be forgotten without them.
person = Table(
    "person",
    metadata,
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("label", Text, nullable=False),
    Column("outside_id", String(200)),
    Column("outside_session", String(200)),
    UniqueConstraint("outside_id"),
)

declared = Table(
    "declared",
    metadata,
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("question", String(200), primary_key=True),
    Column("answer", Text, nullable=False),
)

opt_out = Table(
    "opt_out",
    metadata,
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("category", String(200), primary_key=True),
)

seat = Table(
    "seat",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("rater", ForeignKey("rater.id"), unique=True),
)

slot = Table(
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

claim = Table(
    "claim",  # every item that a rater was ever shown: late answers to these are kept
    metadata,
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("at", Float, nullable=False),
    Index(None, "rater"),
)

event = Table(
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

remark = Table(
    "remark",  # free text can name a person: apart from the event, so that it can be forgotten
    metadata,
    Column("event", ForeignKey("event.id"), primary_key=True),
    Column("text", Text, nullable=False),
)

guess = Table(
    "guess",
    metadata,
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("answer", String(10), nullable=False),
    CheckConstraint("answer IN ('tuned', 'untuned', 'unsure')", name="answer"),
)

cues = Table(
    "cues",
    metadata,
    Column("rater", ForeignKey("rater.id"), primary_key=True),
    Column("text", Text, nullable=False),
)

invite = Table(
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

session = Table(
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

audit = Table("audit", metadata, *log.columns())

revealed = Table(
    "revealed",  # empty until unblinding
    metadata,
    Column("item", ForeignKey("item.id"), primary_key=True),
    Column("completion", String(400), nullable=False),
    Column("model", String(200), nullable=False),
    Column("arm", String(40), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("draw", Integer, nullable=False),
)

APPEND_ONLY = ("event", "audit")
