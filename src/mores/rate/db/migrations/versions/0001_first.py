"""The first schema.

No other is there yet, so its tables are those of `mores.rate.db.tables`; whoever adds the second
migration writes them out here first, as they are now (a test keeps them).
"""

from alembic import op

from mores.rate.db.tables import APPEND_ONLY, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables, and the triggers that keep answers and the log append-only."""
    metadata.create_all(op.get_bind())
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
