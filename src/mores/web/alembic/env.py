"""Alembic's entry: runs migrations on the connection that `upgrade` hands over."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    transactional_ddl=False,  # `upgrade` holds the one transaction around everything
)
context.run_migrations()
