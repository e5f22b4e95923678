"""The first schema.

No other is there yet, so its tables are those of `mores.rate.db.tables`; whoever adds the second
migration writes them out here first, as they are now (a test keeps them).
"""

from alembic import op

from mores.rate.db.tables import APPEND_ONLY, metadata
from mores.web.schema import make_append_only

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables, and the triggers that keep answers and the log append-only."""
    metadata.create_all(op.get_bind())
    make_append_only(op, APPEND_ONLY)
