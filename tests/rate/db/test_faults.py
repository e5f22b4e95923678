"""Full disks, locks, lost servers, strange clocks, foreign files: a plain word, and no loss.

Through HTTP, the person reads that nothing was saved, and what they typed can be sent again.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from app import Clock, consent, dump, form, join, make_site, make_study, next_form, rate_one
from hands import NEVER, Room, make_room
from sqlalchemy.dialects import sqlite

from mores import store
from mores.errors import StoreError
from mores.rate.db.backup import back_up, restore
from mores.rate.db.migrations import head, revision, upgrade
from mores.rate.db.tables import event, metadata, remark
from mores.rate.opened import changing, looking, place_of
from mores.web import database as engine
from mores.web.database import DatabaseBusyError, open_database

DAY = 86_400.0
LOCK = "SELECT pg_advisory_lock({})"


@pytest.fixture
def site(where, tmp_path):
    made = make_site(make_study(tmp_path / "study", **NEVER), where, now=Clock())
    yield made
    made.database.close()


@pytest.fixture
def sqlite_site(tmp_path):
    made = make_site(make_study(tmp_path / "study", **NEVER), now=Clock())
    yield made
    made.database.close()


class Desk:
    """A rater with an answer typed and not sent yet."""

    def __init__(self, site):
        self.site = site
        self.ada = join(site)
        consent(self.ada)
        # two remarks that do not fit into one page: keeping the second takes a new one
        rate_one(self.ada, remark="word " * 700)
        shown = next_form(self.ada)
        self.typed = {**shown, "answer": "2", "remark": "word " * 700, "seconds": "3.0"}

    def send(self):
        return self.ada.submit("/rate", self.typed)

    def kept(self):
        query = sa.select(event.c.key, event.c.value, remark.c.text).join(
            remark, remark.c.event == event.c.id
        )
        with self.site.database.read() as tx:
            return [tuple(row) for row in tx.execute(query.where(event.c.id > 1))]

    def refused(self, status, words):
        """Sending is refused in plain words, and nothing has changed."""
        before = dump(self.site.database)
        answer = self.send()
        assert answer.status_code == status
        assert words in answer.text
        assert "Traceback" not in answer.text
        assert str(self.site.database.name) not in answer.text  # no path of the server's
        assert "content-security-policy" in answer.headers
        assert dump(self.site.database) == before

    def accepted(self):
        """The same form is saved now, and once only however often it is sent."""
        for _ in range(2):
            assert self.send().headers["location"] == "/rate?saved=1"
        expected = (self.typed["key"], 2, self.typed["remark"].strip())
        assert self.kept() == [expected]


# No room, no right to write ----------------------------------------------------------------


def test_a_full_database_file(sqlite_site):
    desk = Desk(sqlite_site)
    with sqlite_site.database.alone() as raw:
        (pages,) = raw.execute("PRAGMA page_count").fetchone()
        raw.execute(f"PRAGMA max_page_count = {pages}")
    desk.refused(507, "There is no room left on the server")
    assert desk.ada.get("/rate").status_code == 200  # reading goes on
    with sqlite_site.database.alone() as raw:
        raw.execute("PRAGMA max_page_count = 1000000")
    desk.accepted()


def test_a_disk_that_takes_no_more(sqlite_site):
    """The write to the log itself fails, as with a quota: SQLite calls that a disk I/O error."""
    desk = Desk(sqlite_site)
    log = sqlite_site.database.path.with_name(sqlite_site.database.path.name + "-wal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, before[1]))
    try:
        desk.refused(503, "What the page called saved is safe")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    desk.accepted()


def test_a_database_that_became_read_only(sqlite_site):
    desk = Desk(sqlite_site)
    with sqlite_site.database.alone() as raw:
        raw.execute("PRAGMA query_only = ON")
    desk.refused(503, "The server cannot write at the moment")
    with sqlite_site.database.alone() as raw:
        raw.execute("PRAGMA query_only = OFF")
    desk.accepted()


def test_a_read_only_postgresql(postgres_database, tmp_path):
    made = make_site(make_study(tmp_path / "s", **NEVER), postgres_database, now=Clock())
    desk = Desk(made)
    name = postgres_database.partition("?")[0].rpartition("/")[2]
    admin = sa.create_engine(postgres_database, isolation_level="AUTOCOMMIT")
    setting = "default_transaction_read_only"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET {setting} = on")
    made.database.close()  # connections of before keep their settings
    desk.refused(503, "The server cannot write at the moment")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"SET {setting} = off")
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET {setting} = off")
    admin.dispose()
    made.database.close()
    desk.accepted()
    made.database.close()


@contextmanager
def as_somebody():
    """Root may write everything, so it steps down for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_written():
    folder = Path(tempfile.mkdtemp(prefix="mores-ro-"))  # others cannot look into pytest's own
    try:
        made = make_site(make_study(folder / "study"), now=Clock())
        made.database.close()
        path = made.database.path
        # what is in the log goes into the file, and the log away, when the last one closes
        for place in (folder, *folder.rglob("*")):
            place.chmod(0o555 if place.is_dir() else 0o444)
        with as_somebody():
            opening = changing(made.study, now=0.0)
            with pytest.raises(StoreError, match=r"permission|cannot be written"), opening:
                pass
            with pytest.raises(StoreError), open_database(path).write():
                pass
    finally:
        for place in (folder, *folder.rglob("*")):
            place.chmod(0o755)
        shutil.rmtree(folder)


# Somebody else has it ----------------------------------------------------------------------


HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline() if sys.argv[2] == "ask" else time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


@contextmanager
def held(path, how):
    """Another process holds the write lock: for so many seconds, or until asked."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate("\n", timeout=30)


def test_locked_by_another_process_for_two_seconds(sqlite_site):
    desk = Desk(sqlite_site)
    with held(sqlite_site.database.path, "2"):
        desk.accepted()


def test_locked_by_another_process_for_too_long(sqlite_site):
    desk = Desk(sqlite_site)
    with sqlite_site.database.alone() as raw:
        raw.execute("PRAGMA busy_timeout = 200")
    with held(sqlite_site.database.path, "ask"):
        desk.refused(503, "The server is busy")
    desk.accepted()


def test_another_request_writes_for_too_long(site, monkeypatch):
    desk = Desk(site)
    monkeypatch.setattr(engine, "BUSY_MS", 200)
    if not site.database.is_sqlite:
        site.database.close()  # new connections have the new patience
    begun, over = threading.Event(), threading.Event()

    def write() -> None:
        with site.database.write():
            begun.set()
            over.wait(30)

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait(30)
    answer = desk.send()
    over.set()
    thread.join(30)
    assert answer.status_code == 503
    assert "The server is busy" in answer.text
    assert desk.kept() == []
    desk.accepted()


@pytest.mark.parametrize("patient", [True, False])
def test_postgresql_held_by_another_program(postgres_database, tmp_path, monkeypatch, patient):
    if not patient:
        monkeypatch.setattr(engine, "BUSY_MS", 200)
    made = make_site(make_study(tmp_path / "s", **NEVER), postgres_database, now=Clock())
    desk = Desk(made)
    other = sa.create_engine(postgres_database, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    connection = other.connect()  # the lock goes with it
    connection.exec_driver_sql(LOCK.format(engine.LOCK))
    release = threading.Timer(2.0 if patient else 60.0, connection.close)
    release.start()
    if patient:
        desk.accepted()
    else:
        desk.refused(503, "The server is busy")
        release.cancel()
        connection.close()
    release.join()
    desk.accepted()
    made.database.close()


def test_a_plain_error_says_that_nothing_was_saved(sqlite_site):
    with sqlite_site.database.alone() as raw:
        raw.execute("PRAGMA busy_timeout = 100")
    with (
        held(sqlite_site.database.path, "ask"),
        pytest.raises(DatabaseBusyError, match="nothing was saved"),
        sqlite_site.database.write(),
    ):
        pass


# Clocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [DAY, -DAY])
def test_the_clock_steps_by_a_day_while_a_page_is_open(site, step):
    desk = Desk(site)
    site.now.step(step)
    desk.accepted()
    following = next_form(desk.ada)
    site.now.step(-step)
    answer = desk.ada.submit("/rate", {**following, "answer": "5"})
    assert answer.headers["location"] == "/rate?saved=1"
    assert Room(site).problems() == []
    assert sum(Room(site).counted().values()) == 3


# The schema --------------------------------------------------------------------------------

KILLED = """
import os, random, signal, sys, time
from mores.web.database import open_database
from mores.rate.db.migrations import head, revision, upgrade
import alembic.command, sqlalchemy.dialects.postgresql.psycopg  # imported once, not in each child

where, count = sys.argv[1], int(sys.argv[2])

def bring_up(name):
    database = open_database(name)
    upgrade(database)
    database.close()

def wiped(n):
    if "://" not in where:
        return f"{where}.{n}"
    database = open_database(where)
    with database.write() as tx:
        tx.exec_driver_sql("DROP SCHEMA public CASCADE")
        tx.exec_driver_sql("CREATE SCHEMA public")
    database.close()
    return where

def child(work, *given):
    number = os.fork()
    if number == 0:
        try:
            work(*given)
        finally:
            os._exit(0)
    return number

draw = random.Random(7)
name = wiped(-1)
begun = time.monotonic()
os.waitpid(child(bring_up, name), 0)
whole = time.monotonic() - begun
states = []
for n in range(count):
    name = wiped(n)
    number = child(bring_up, name)
    time.sleep(draw.uniform(0.0, 1.1 * whole))
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)
    database = open_database(name)
    found = revision(database)
    states.append(found or "nothing")
    assert found in (None, head()), found
    upgrade(database)
    assert revision(database) == head()
    database.close()
print(*states)
"""


def differences(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)


FIRST = "sha256:b9a035ccebe2ee7cdf5c59279316dc7dd88613b242619558a5a2875b581a2056"
"""Digest of the first schema, of which databases of people exist: it stays as it was, and what
tables.py says beyond it is made by later migrations."""


def written_out(metadata):
    """Columns, constraints and indexes of every table, in an order of their own."""
    tables = [metadata.tables[name] for name in sorted(metadata.tables)]
    made = [str(sa.schema.CreateTable(table).compile(dialect=sqlite.dialect())) for table in tables]
    indexes = [str(sa.schema.CreateIndex(index)) for table in tables for index in table.indexes]
    lines = [sorted(line.strip("\t ,") for line in text.splitlines()) for text in made]
    return [*lines, sorted(indexes)]


def test_the_first_schema_is_kept():
    first = import_module("mores.rate.db.migrations.versions.0001_first")
    assert store.digest(written_out(first.metadata)) == FIRST


def test_a_database_of_the_first_schema_becomes_one_of_today(site, tmp_path):
    before = dump(site.database)
    with site.database.write() as tx:
        tx.exec_driver_sql("DROP TABLE item_media")
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    made = []
    copy = lambda: made.append(back_up(site.database, tmp_path, now=0.0))  # noqa: E731
    assert upgrade(site.database, before=copy) == "0001"
    assert differences(site.database) == []
    assert dump(site.database) == before
    restored = open_database(tmp_path / "restored.sqlite")
    assert restore(made[0].path, restored, tmp_path / "key") == made[0].events
    assert differences(restored) == []
    assert dump(restored) == before
    restored.close()


def test_looking_brings_no_schema_up_to_date(site):
    if not site.database.is_sqlite:
        pytest.skip("the study's own database is a file")
    with site.database.write() as tx:
        tx.exec_driver_sql("DROP TABLE item_media")
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    site.database.close()
    with pytest.raises(StoreError, match="schema 0001, now 0002"), looking(site.study):
        pass
    with changing(site.study, now=0.0):
        pass
    with looking(site.study) as opened:
        assert revision(opened) == "0002"


def test_kill_9_during_a_migration(empty, tmp_path):
    name = empty or str(tmp_path / "r.sqlite")
    kills = 8 if empty else 20  # each on PostgreSQL clears a whole schema first
    done = subprocess.run(
        [sys.executable, "-c", KILLED, name, str(kills)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    states = done.stdout.split()
    assert len(states) == kills
    assert set(states) <= {"nothing", head()}
    assert "nothing" in states  # some were really killed before the end
    for each in [empty] if empty else [f"{name}.{n}" for n in range(kills)]:
        database = open_database(each)
        assert differences(database) == []
        database.close()


def test_the_schema_is_what_the_tables_say_and_upgrading_again_does_nothing(site):
    assert differences(site.database) == []
    assert upgrade(site.database) is None
    with site.database.read() as tx:
        names = set(sa.inspect(tx).get_table_names())
    assert names == {*metadata.tables, "alembic_version"}


def test_an_existing_schema_is_backed_up_before_it_changes(site):
    with site.database.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
    calls = []
    assert upgrade(site.database, before=lambda: calls.append(1)) is None
    assert calls == []  # nothing to change


def test_a_database_of_a_newer_version(site):
    with site.database.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
    before = dump(site.database)
    for look in (revision, upgrade):
        with pytest.raises(StoreError, match=r"newer version of mores \(schema 0999") as caught:
            look(site.database)
        assert "nothing was changed" in str(caught.value)
    assert dump(site.database) == before
    if site.database.is_sqlite:
        site.database.close()
        for opening in (changing(site.study, now=0.0), looking(site.study)):
            with pytest.raises(StoreError, match="newer version"), opening:
                pass


@pytest.mark.parametrize("table", ["item", "customers"])
def test_a_database_of_another_program(empty, tmp_path, table):
    database = open_database(empty or tmp_path / "other.sqlite")
    with database.write() as tx:
        tx.exec_driver_sql(f"CREATE TABLE {table} (id INTEGER)")
        tx.exec_driver_sql(f"INSERT INTO {table} VALUES (7)")
    with pytest.raises(StoreError, match="another program"):
        upgrade(database)
    with database.read() as tx:
        assert sa.inspect(tx).get_table_names() == [table]
        assert tx.exec_driver_sql(f"SELECT id FROM {table}").scalar() == 7
    database.close()


# Files that are none -----------------------------------------------------------------------


def test_what_is_no_database(tmp_path):
    study = make_study(tmp_path / "s")
    path = Path(place_of(study, None))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"id,rating\n1,5\n" * 200)
    before = path.read_bytes()
    for opening in (changing(study, now=0.0, new=True), changing(study, now=0.0), looking(study)):
        with pytest.raises(StoreError, match="no intact database"), opening:
            pass
    assert path.read_bytes() == before


def test_a_truncated_database(tmp_path):
    room = make_room(tmp_path / "s", None)
    room.rate_all(room.rater())
    study, path = room.site.study, room.database.path
    room.database.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for opening in (changing(study, now=0.0), looking(study)):
        with pytest.raises(StoreError, match="no intact database"), opening as database:
            dump(database)
    path.write_bytes(whole)
    with looking(study) as database:
        assert len(dump(database)["event"]) == 12


def test_a_database_that_is_damaged_while_it_is_served(sqlite_site, tmp_path):
    """What SQLite says of a damaged page is an error of the server, not of the form."""
    desk = Desk(sqlite_site)
    error = sqlite3.DatabaseError("database disk image is malformed")
    plain = engine._plain(sa.exc.DatabaseError("SELECT", {}, error), "r.sqlite")
    assert isinstance(plain, StoreError)
    assert plain.fix == "restore a backup"

    def broken():
        raise plain

    whole, sqlite_site.database.read = sqlite_site.database.read, broken
    answer = desk.send()
    sqlite_site.database.read = whole
    assert answer.status_code == 503
    desk.accepted()


def test_no_database_at_all(tmp_path):
    study = make_study(tmp_path / "s")
    for opening in (changing(study, now=0.0), looking(study)):
        with pytest.raises(StoreError, match="there is no rating database"), opening:
            pass
    with (
        pytest.raises(StoreError, match="was set up"),
        changing(study, str(tmp_path / "empty.sqlite"), now=0.0, new=True),
        looking(study, str(tmp_path / "empty.sqlite")),
    ):
        pass


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://x/y", "cannot use a database of the kind 'mysql'"),
        ("postgresql://nobody@127.0.0.1:9/none", "does not answer"),
        ("postgresql://host:port/name", "not the address of a database"),
    ],
)
def test_addresses_that_lead_nowhere(address, words):
    with pytest.raises(StoreError, match=words):
        open_database(address)


# PostgreSQL is killed ----------------------------------------------------------------------


def test_postgresql_killed_under_load(postgres_database, restart_postgres, tmp_path):
    room = make_room(
        tmp_path / "s", postgres_database, prompts=10, categories=2, per_item=3, seats=6
    )
    people = [room.rater() for _ in range(6)]
    acknowledged: list[tuple[str, str, str, int]] = []
    failures: list[str] = []
    over = time.monotonic() + 120

    def tried(work):
        """As a browser does: again and again, the same."""
        while True:
            try:
                return work()
            except StoreError as error:
                failures.append(str(error))
                assert time.monotonic() < over
                time.sleep(0.05)

    def rate(who: str) -> None:
        draw = random.Random(who)
        while (what := tried(lambda: room.claim(who))[1]) is not None:
            said = (f"{who}-{what}", who, what, draw.randint(1, 5))
            tried(partial(room.submit, who, what, said[3], key=said[0]))
            acknowledged.append(said)

    threads = [threading.Thread(target=rate, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for goal in (10, 40):
        while len(acknowledged) < goal:
            assert time.monotonic() < over
            time.sleep(0.01)
        restart_postgres()
    for thread in threads:
        thread.join(120)
    assert len(acknowledged) == 90  # 30 items x 3
    kept = {(e.key, e.rater, e.item, e.value) for e in room.events()}
    assert kept == set(acknowledged)
    assert len(room.events()) == 90
    assert set(room.counted().values()) == {3}
    assert room.problems() == []
    assert failures  # it was really felt
    room.database.close()


def test_a_page_while_postgresql_is_gone(postgres_database, postgres_server, tmp_path):
    made = make_site(make_study(tmp_path / "s", **NEVER), postgres_database, now=Clock())
    desk = Desk(made)
    postgres_server.kill()
    try:
        answer = desk.send()
        page = desk.ada.get("/rate")
        health = desk.ada.get("/healthz")
    finally:
        postgres_server.start()
    for one in (answer, page):
        assert one.status_code == 503
        assert "What the page called saved is safe" in one.text
    assert health.status_code in (200, 503)
    assert form(desk.ada.get("/rate").text)["item"] == desk.typed["item"]
    desk.accepted()
    made.database.close()


def test_a_signal_in_the_middle_of_a_write_saves_nothing(sqlite_site):
    """Ctrl-C is an exception like any other: rolled back, and the next write is not disturbed."""
    desk = Desk(sqlite_site)
    before = dump(sqlite_site.database)
    signal.signal(signal.SIGUSR1, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))

    def interrupted() -> None:
        with sqlite_site.database.write() as tx:
            tx.exec_driver_sql("UPDATE slot SET done = 1 WHERE rater IS NOT NULL")
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(5)

    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    assert dump(sqlite_site.database) == before
    desk.accepted()
