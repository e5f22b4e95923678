"""Every way in which a rating database can stop keeping its contract is told."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from mores import store
from mores.errors import StoreError
from mores.rate.blind import key_path, read_key
from mores.rate.db.tables import event, meta, slot
from mores.rate.verify import verify
from mores.web.database import open_database


@pytest.fixture
def rated(room):
    """Two raters, eight answers, and no guard against what the tests do to them."""
    ada, ben = room.rater(), room.rater()
    for who in (ada, ben):
        for said in (1, 5, "cannot", "skip"):
            what = room.next(who)
            room.submit(who, what, said)
    first = next(e for e in room.events() if e.rater == ada)
    room.submit(ada, first.item, 2, revision=1)
    on = "" if room.database.is_sqlite else " ON event"
    with room.database.write() as tx:
        for verb in ("update", "delete"):
            tx.exec_driver_sql(f"DROP TRIGGER event_no_{verb}{on}")
    room.ada, room.ben, room.first = ada, ben, first.item
    return room


def test_all_is_well(rated):
    found = verify(rated.database, rated.site.study)
    assert (found.events, found.problems) == (9, ())
    assert found.entries == 1 + 2 * 2  # set up; invite and consent, twice
    assert len(found.last_hash) == 64


def test_a_slot_too_few_and_one_too_many(rated):
    free = sa.select(slot.c.item, slot.c.number).where(slot.c.rater.is_(None))
    what, number = rated.rows(free.limit(1))[0]
    rated.do(slot.delete().where(slot.c.item == what, slot.c.number == number))
    assert rated.problems() == [f"item {what} does not have 3 slots"]
    for extra in (number, 9):
        rated.do(slot.insert().values(item=what, number=extra, place=0, done=0))
    assert rated.problems() == [f"item {what} does not have 3 slots"]


def test_an_answer_without_a_slot_and_a_slot_without_an_answer(rated):
    mine = (slot.c.item == rated.first) & (slot.c.rater == rated.ada)
    rated.do(slot.update().where(mine).values(done=0))
    assert rated.problems() == [f"{rated.ada} counts for {rated.first} without a slot"]
    rated.do(slot.update().where(mine).values(done=1))
    rated.do(event.delete().where(event.c.rater == rated.ada, event.c.item == rated.first))
    assert rated.problems() == [
        f"the slot of {rated.ada} on {rated.first} is done without an answer"
    ]


def test_more_than_k(rated):
    people = [rated.rater() for _ in range(4)]
    for n, who in enumerate(people):
        rated.do(
            event.insert().values(
                key=f"forged-{n}",
                rater=who,
                item=rated.first,
                revision=1,
                kind="rate",
                value=3,
                reason="",
                flagged=0,
                surplus=0,
                at=0.0,
                body="",
            )
        )
    problems = rated.problems()
    assert f"item {rated.first} has more than 3 ratings" in problems
    assert sum("without a slot" in line for line in problems) == 4
    assert len(problems) == 5


def test_a_missing_revision(rated):
    rated.do(
        event.delete().where(
            event.c.rater == rated.ada, event.c.item == rated.first, event.c.revision == 1
        )
    )
    (last,) = [e.id for e in rated.events() if e.revision == 2]
    assert rated.problems() == [f"event {last}: revision 2 is out of order"]


def test_the_log_and_the_key(rated, tmp_path):
    on = "" if rated.database.is_sqlite else " ON audit"
    with rated.database.write() as tx:
        tx.exec_driver_sql(f"DROP TRIGGER audit_no_update{on}")
        tx.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE number = 2")
    path = key_path(rated.site.study)
    key = read_key(rated.site.study, rated.facts.key_digest)
    store.write_jsonl(path, key[1:])
    problems = verify(rated.database, rated.site.study).problems
    assert problems[0] == "the audit log was altered at entry 2"
    assert "does not belong to these ratings" in problems[1]
    assert len(problems) == 2
    assert len(verify(rated.database, None).problems) == 1  # without the study, no key is looked at


def test_no_study_was_set_up(rated):
    rated.do(meta.delete())
    with pytest.raises(StoreError, match="no study was set up"):
        verify(rated.database, None)


def test_a_damaged_page_is_found(tmp_path):
    from hands import make_room

    room = make_room(tmp_path / "s", None)
    room.rate_all(room.rater())
    path = room.database.path
    with room.database.alone() as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = raw.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_event_rater_at'"
        ).fetchone()
    room.database.close()
    data = bytearray(path.read_bytes())
    start = (root - 1) * 4096
    data[start + 3 : start + 5] = b"\x00\x00"  # the number of cells in this page of an index
    path.write_bytes(data)
    database = open_database(path, read_only=True)
    problems = verify(database, None).problems
    database.close()
    assert problems
    assert problems[0].startswith("SQLite finds the file damaged")
