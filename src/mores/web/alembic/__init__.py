"""Alembic's scripts of all apps; each has its own folder of versions."""
