"""The audit log: every change of an earlier entry is found."""

from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa

from mores.rate.db.tables import audit as table
from mores.web import audit
from mores.web.audit import FIRST, append, broken_at, entry_hash, last_hash


@pytest.fixture
def log(room):
    """A log of the set-up and four more entries, with the guard against altering taken away."""
    with room.database.write() as tx:
        for n in range(4):
            append(tx, now=1000.5 + n, actor="owner", action="invite", detail={"n": n, "a": "ü"})
        postgresql = not room.database.is_sqlite
        for verb in ("update", "delete"):
            tx.exec_driver_sql(
                f"DROP TRIGGER audit_no_{verb}" + (" ON audit" if postgresql else "")
            )
    return room


def broken(room):
    with room.database.read() as tx:
        return broken_at(tx)


def test_an_entrys_hash_is_sha256_over_it_and_the_one_before():
    data = '[2,"1000.500000","owner","invite","{\\"n\\":0}","' + "0" * 64 + '"]'
    assert entry_hash(2, 1000.5, "owner", "invite", '{"n":0}', FIRST) == (
        hashlib.sha256(data.encode()).hexdigest()
    )


def test_every_field_is_part_of_the_hash():
    base = (2, 1000.5, "owner", "invite", "{}", FIRST)
    others = [
        (3, *base[1:]),
        (2, 1000.6, *base[2:]),
        (*base[:2], "ada", *base[3:]),
        (*base[:3], "revoke", *base[4:]),
        (*base[:4], '{"n":1}', FIRST),
        (*base[:5], "1" * 64),
        # nothing is merely strung together: what moves over a border changes the hash
        (*base[:2], "ownerin", "vite", *base[4:]),
    ]
    assert len({entry_hash(*one) for one in [base, *others]}) == 8


def test_an_untouched_log_holds_and_its_details_have_one_form(log):
    assert broken(log) is None
    with log.database.read() as tx:
        rows = audit.entries(tx)
        assert last_hash(tx) == rows[-1].hash
    assert [row.number for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0].action == "set up"
    assert rows[0].previous == FIRST
    assert [row.previous for row in rows[1:]] == [row.hash for row in rows[:-1]]
    assert rows[1].detail == '{"a":"ü","n":0}'  # keys in order, whatever order they came in


@pytest.mark.parametrize(
    "change",
    [
        {"at": 999.0},
        {"actor": "nobody"},
        {"action": "nothing"},
        {"detail": "{}"},
        {"previous": "0" * 64},
        {"hash": "0" * 64},
        {"number": 9},
    ],
)
def test_a_changed_entry_is_found(log, change):
    log.do(table.update().where(table.c.number == 3).values(**change))
    assert broken(log) == 3


def test_a_changed_entry_with_its_hash_made_to_fit_is_found_at_the_next(log):
    with log.database.read() as tx:
        row = audit.entries(tx)[2]
    sealed = entry_hash(3, row.at, "nobody", row.action, row.detail, row.previous)
    log.do(table.update().where(table.c.number == 3).values(actor="nobody", hash=sealed))
    assert broken(log) == 4


def test_a_missing_or_inserted_entry_is_found(log):
    log.do(table.delete().where(table.c.number == 3))
    assert broken(log) == 3
    with log.database.read() as tx:
        row = audit.entries(tx)[1]
    forged = {
        "number": 3,
        "at": 1.0,
        "actor": "owner",
        "action": "invite",
        "detail": "{}",
        "previous": row.hash,
    }
    sealed = entry_hash(3, 1.0, "owner", "invite", "{}", row.hash)
    log.do(table.insert().values(**forged, hash=sealed))
    assert broken(log) == 4


def test_a_cut_end_is_seen_by_the_last_hash_alone(log):
    with log.database.read() as tx:
        before = last_hash(tx)
    log.do(table.delete().where(table.c.number >= 4))
    assert broken(log) is None  # the chain itself cannot tell: exports and backups print the hash
    with log.database.read() as tx:
        assert last_hash(tx) != before


def test_an_empty_log(log):
    log.do(sa.delete(table))
    with log.database.read() as tx:
        assert (broken_at(tx), last_hash(tx)) == (None, FIRST)
