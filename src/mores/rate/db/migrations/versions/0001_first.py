"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

APPEND_ONLY = ("event", "audit")


def upgrade() -> None:
    """Make all tables, and the triggers that keep answers and the log append-only."""
    _tables()
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(
            "CREATE FUNCTION mores_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'append-only'; END $$"
        )
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            body = (
                "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
                if sqlite
                else "FOR EACH ROW EXECUTE FUNCTION mores_append_only()"
            )
            op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {body}")


def _tables() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_table(
        "item",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("category", sa.String(length=200), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=40), nullable=False),
        sa.CheckConstraint("kind IN ('study', 'gold', 'practice')", name=op.f("ck_item_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "rater",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("keys", sa.Integer(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("consented", sa.Float(), nullable=True),
        sa.Column("seen", sa.Float(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("rested_at", sa.Integer(), nullable=False),
        sa.Column("rested_time", sa.Float(), nullable=False),
        sa.Column("notice", sa.String(length=40), nullable=False),
        sa.CheckConstraint(
            "stage IN ('invited', 'practice', 'rating', 'guess', 'done', 'declined', 'gated', "
            "'revoked')",
            name=op.f("ck_rater_stage"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rater")),
        sa.UniqueConstraint("number", name=op.f("uq_rater_number")),
    )
    op.create_table(
        "claim",
        sa.Column("item", sa.String(length=32), nullable=False),
        sa.Column("rater", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["item.id"], name=op.f("fk_claim_item")),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_claim_rater")),
        sa.PrimaryKeyConstraint("item", "rater", name=op.f("pk_claim")),
    )
    op.create_index(op.f("ix_claim_rater"), "claim", ["rater"], unique=False)
    op.create_table(
        "cues",
        sa.Column("rater", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_cues_rater")),
        sa.PrimaryKeyConstraint("rater", name=op.f("pk_cues")),
    )
    op.create_table(
        "declared",
        sa.Column("rater", sa.String(length=32), nullable=False),
        sa.Column("question", sa.String(length=200), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_declared_rater")),
        sa.PrimaryKeyConstraint("rater", "question", name=op.f("pk_declared")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("rater", sa.String(length=32), nullable=False),
        sa.Column("item", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("flagged", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("surplus", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("body", sa.String(length=80), nullable=False),
        sa.CheckConstraint("(kind = 'rate') = (value IS NOT NULL)", name=op.f("ck_event_value")),
        sa.CheckConstraint(
            "kind IN ('rate', 'cannot', 'skip', 'withdraw')", name=op.f("ck_event_kind")
        ),
        sa.CheckConstraint("value BETWEEN 1 AND 5", name=op.f("ck_event_range")),
        sa.ForeignKeyConstraint(["item"], ["item.id"], name=op.f("fk_event_item")),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_event_rater")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("key", name=op.f("uq_event_key")),
        sa.UniqueConstraint("rater", "item", "revision", name=op.f("uq_event_rater_item_revision")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_event_item"), "event", ["item"], unique=False)
    op.create_index(op.f("ix_event_rater_at"), "event", ["rater", "at"], unique=False)
    op.create_table(
        "expected",
        sa.Column("item", sa.String(length=32), nullable=False),
        sa.Column("low", sa.Integer(), nullable=True),
        sa.Column("high", sa.Integer(), nullable=True),
        sa.Column("cannot", sa.Integer(), nullable=False),
        sa.Column("feedback", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["item.id"], name=op.f("fk_expected_item")),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_expected")),
    )
    op.create_table(
        "guess",
        sa.Column("rater", sa.String(length=32), nullable=False),
        sa.Column("item", sa.String(length=32), nullable=False),
        sa.Column("answer", sa.String(length=10), nullable=False),
        sa.CheckConstraint(
            "answer IN ('tuned', 'untuned', 'unsure')", name=op.f("ck_guess_answer")
        ),
        sa.ForeignKeyConstraint(["item"], ["item.id"], name=op.f("fk_guess_item")),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_guess_rater")),
        sa.PrimaryKeyConstraint("rater", "item", name=op.f("pk_guess")),
    )
    op.create_table(
        "invite",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("rater", sa.String(length=32), nullable=True),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("revoked", sa.Float(), nullable=True),
        sa.CheckConstraint("kind IN ('personal', 'open', 'owner')", name=op.f("ck_invite_kind")),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_invite_rater")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invite")),
        sa.UniqueConstraint("secret", name=op.f("uq_invite_secret")),
    )
    op.create_table(
        "item_flag",
        sa.Column("item", sa.String(length=32), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["item.id"], name=op.f("fk_item_flag_item")),
        sa.PrimaryKeyConstraint("item", "rule", name=op.f("pk_item_flag")),
    )
    op.create_table(
        "opt_out",
        sa.Column("rater", sa.String(length=32), nullable=False),
        sa.Column("category", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_opt_out_rater")),
        sa.PrimaryKeyConstraint("rater", "category", name=op.f("pk_opt_out")),
    )
    op.create_table(
        "person",
        sa.Column("rater", sa.String(length=32), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("outside_id", sa.String(length=200), nullable=True),
        sa.Column("outside_session", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_person_rater")),
        sa.PrimaryKeyConstraint("rater", name=op.f("pk_person")),
        sa.UniqueConstraint("outside_id", name=op.f("uq_person_outside_id")),
    )
    op.create_table(
        "revealed",
        sa.Column("item", sa.String(length=32), nullable=False),
        sa.Column("completion", sa.String(length=400), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("arm", sa.String(length=40), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("draw", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["item.id"], name=op.f("fk_revealed_item")),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_revealed")),
    )
    op.create_table(
        "seat",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rater", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_seat_rater")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seat")),
        sa.UniqueConstraint("rater", name=op.f("uq_seat_rater")),
    )
    op.create_table(
        "session",
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("rater", sa.String(length=32), nullable=True),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.CheckConstraint("(role = 'rater') = (rater IS NOT NULL)", name=op.f("ck_session_owner")),
        sa.CheckConstraint("role IN ('rater', 'owner')", name=op.f("ck_session_role")),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_session_rater")),
        sa.PrimaryKeyConstraint("secret", name=op.f("pk_session")),
    )
    op.create_table(
        "remark",
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["event.id"], name=op.f("fk_remark_event")),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_remark")),
    )
    op.create_table(
        "slot",
        sa.Column("item", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seat", sa.Integer(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("rater", sa.String(length=32), nullable=True),
        sa.Column("claimed", sa.Float(), nullable=True),
        sa.Column("lease", sa.Float(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.CheckConstraint("done = 0 OR rater IS NOT NULL", name=op.f("ck_slot_done_by")),
        sa.CheckConstraint("done IN (0, 1)", name=op.f("ck_slot_done")),
        sa.ForeignKeyConstraint(["item"], ["item.id"], name=op.f("fk_slot_item")),
        sa.ForeignKeyConstraint(["rater"], ["rater.id"], name=op.f("fk_slot_rater")),
        sa.ForeignKeyConstraint(["seat"], ["seat.number"], name=op.f("fk_slot_seat")),
        sa.PrimaryKeyConstraint("item", "number", name=op.f("pk_slot")),
        sa.UniqueConstraint("item", "rater", name=op.f("uq_slot_item_rater")),
    )
    op.create_index(op.f("ix_slot_rater_done"), "slot", ["rater", "done"], unique=False)
    op.create_index(op.f("ix_slot_seat"), "slot", ["seat"], unique=False)
