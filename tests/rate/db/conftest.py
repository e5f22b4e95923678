"""A rating database for each test here, on SQLite and on PostgreSQL.

new_room(**study)   a function: a study of these settings, set up, with a clock that stands still
room                the same with the defaults: 2 categories, 4 prompts, 3 arms, k=3, 3 seats
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hands import Room, make_room

from mores.rate.db.migrations import head
from mores.rate.db.tables import APPEND_ONLY, metadata


@pytest.fixture(scope="session")
def _shared(postgres_server: Any) -> Iterator[str]:
    """One database for all tests here: making one takes longer than most of them."""
    url = postgres_server.new_database()
    name = url.partition("?")[0].rpartition("/")[2]
    postgres_server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")  # for speed
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def where(request: pytest.FixtureRequest) -> str | None:
    """The address of a database without a study; None is the study's own SQLite file."""
    if request.param == "sqlite":
        return None
    url = str(request.getfixturevalue("_shared"))
    _empty(url)
    return url


def _empty(url: str) -> None:
    """Take the rows away, or everything where a test has changed more than those."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        run = connection.exec_driver_sql
        run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        tables = set(sa.inspect(connection).get_table_names())
        whole = tables == {*metadata.tables, "alembic_version"}
        whole = whole and run("SELECT version_num FROM alembic_version").scalar() == head()
        guards = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"
        if whole and run(guards).scalar() == 2 * len(APPEND_ONLY):
            run(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY")
        else:
            run("DROP SCHEMA public CASCADE")
            run("CREATE SCHEMA public")
    engine.dispose()


@pytest.fixture
def empty(where: str | None) -> str | None:
    """The same without any table."""
    if where is not None:
        engine = sa.create_engine(where, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    return where


@pytest.fixture
def new_room(where: str | None, tmp_path: Path) -> Iterator[Callable[..., Room]]:
    """Make the one room of this test."""
    rooms: list[Room] = []

    def make(**settings: Any) -> Room:
        rooms.append(make_room(tmp_path / "study", where, **settings))
        return rooms[-1]

    yield make
    for one in rooms:
        one.database.close()


@pytest.fixture
def room(new_room: Callable[..., Room]) -> Room:
    """Twelve items, three ratings each, three seats: everyone rates everything."""
    return new_room()
