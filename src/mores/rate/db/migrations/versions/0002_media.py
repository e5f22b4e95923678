"""Items that are an image, a sound or a film."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of their files."""
    op.create_table(
        "item_media",
        sa.Column("item", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("file", sa.String(80), nullable=False),
        sa.Column("alt", sa.Text, nullable=False),
        sa.Column("captions", sa.Text, nullable=False),
        sa.CheckConstraint("kind IN ('image', 'audio', 'video')", name=op.f("ck_item_media_kind")),
        sa.ForeignKeyConstraint(["item"], ["item.id"], name=op.f("fk_item_media_item")),
        sa.PrimaryKeyConstraint("item", name=op.f("pk_item_media")),
    )
