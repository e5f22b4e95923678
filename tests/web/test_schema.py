"""A database belongs to one app: another's, a newer one's, and a stranger's are refused."""

from __future__ import annotations

import pytest

from mores.desk.tables import DESK, entry, person
from mores.errors import StoreError
from mores.rate.db.migrations import RATING
from mores.web.database import open_database
from mores.web.schema import revision, upgrade


@pytest.fixture
def database(tmp_path):
    opened = open_database(tmp_path / "one.sqlite")
    yield opened
    opened.close()


@pytest.mark.parametrize(("mine", "theirs"), [(DESK, RATING), (RATING, DESK)])
def test_one_app_does_not_open_the_other_ones(database, mine, theirs):
    assert revision(database, mine) is None
    assert upgrade(database, mine) == "nothing"
    assert upgrade(database, mine) is None  # nothing to do
    assert revision(database, mine) == mine.head
    for look in (revision, upgrade):
        with pytest.raises(StoreError, match=f"it is no {theirs.name}"):
            look(database, theirs)


def test_a_newer_one_and_a_strangers(database):
    with database.write() as tx:
        tx.exec_driver_sql("CREATE TABLE cats (name TEXT)")
    with pytest.raises(StoreError, match="tables of another program"):
        upgrade(database, DESK)
    with database.write() as tx:
        tx.exec_driver_sql("DROP TABLE cats")
    upgrade(database, DESK)
    with database.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(StoreError, match=r"newer version of mores \(schema 0999, this one knows"):
        upgrade(database, DESK)


def test_what_was_saved_can_be_changed_by_nobody(database):
    upgrade(database, DESK)
    with database.write() as tx:
        ada = {"id": "a", "role": "author", "label": "Ada", "language": "en", "joined": 0.0}
        tx.execute(person.insert().values(**ada, came_by="personal", pseudonym="p-1"))
        said = {"key": "k", "person": "a", "kind": "comment", "about": "values/x", "at": 0.0}
        tx.execute(entry.insert().values(**said, body="b"))
    for verb in ("UPDATE entry SET value = 'x'", "DELETE FROM entry"):
        with pytest.raises(Exception, match="append-only"), database.write() as tx:
            tx.exec_driver_sql(verb)
