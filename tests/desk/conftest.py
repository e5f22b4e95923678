"""A desk for each test here, on SQLite and on PostgreSQL: see `visitors`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from visitors import Desk, make_desk


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A study of two positions with a desk over it."""
    url = None if request.param == "sqlite" else str(request.getfixturevalue("postgres_database"))
    made = make_desk(tmp_path / "study", url)
    yield made
    made.site.database.close()


@pytest.fixture
def plain_desk(tmp_path: Path) -> Iterator[Desk]:
    """The same, on SQLite only: for what does not depend on the database."""
    made = make_desk(tmp_path / "study")
    yield made
    made.site.database.close()
