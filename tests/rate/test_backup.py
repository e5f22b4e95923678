"""Backups: consistent under load, restored on trial, and the same again when they are restored."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
import tarfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from app import Clock, client, consent, dump, join, make_site, make_study, owner, rate_all, rate_one

from mores import store
from mores.errors import DataError, StoreError
from mores.rate import serve
from mores.rate.blind import KEY, key_path
from mores.rate.db.backup import back_up, last_backup, read_backup, rehearse, restore
from mores.rate.db.migrations import upgrade
from mores.rate.db.tables import event
from mores.rate.export.files import FILES, export_files
from mores.rate.export.rows import export_rows
from mores.rate.opened import backup_folder
from mores.rate.unblind import unblind
from mores.rate.verify import verify
from mores.rate.web.owner import backup_now
from mores.report.run import report
from mores.sample.run import COMPLETIONS, sample_step
from mores.step import Made
from mores.study import Study, folders
from mores.web import backup, serving
from mores.web.backup import MANIFEST
from mores.web.database import Database, open_database

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest) -> str | None:
    """Where the ratings are first: SQLite in the study, or a new database of PostgreSQL."""
    return request.getfixturevalue("postgres_database") if request.param != "sqlite" else None


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Database]:
    """Open an empty database of a kind."""
    opened: list[Database] = []
    made: list[str] = []

    def new(kind: str) -> Database:
        if kind == "sqlite":
            where = str(tmp_path / f"restored-{len(opened)}.sqlite")
        else:
            server = request.getfixturevalue("postgres_server")
            made.append(where := server.new_database())
        opened.append(open_database(where))
        return opened[-1]

    yield new
    for database in opened:
        database.close()
    for where in made:
        request.getfixturevalue("postgres_server").drop_database(where)


@pytest.fixture
def site(tmp_path: Path):
    made = make_site(make_study(tmp_path / "study"), now=Clock())
    yield made
    made.database.close()


def fill(site) -> None:
    """Two raters: ratings, a remark with letters of many alphabets, "cannot", a skip, a change."""
    for label, value in (("Ada \u202e=1+1", 4), ("Zoë 🙂", lambda n: "cannot" if n < "5" else 2)):
        me = join(site, label=label)
        consent(me)
        rate_one(me, value, remark='so, "well"\n=1+1 \u0661\u4f60 \U0001f642 \'', flag="yes")
        rate_one(me, "skip")
        site.now.step(31.25)
        rate_all(me, value)
    owner(site)


def made(site) -> backup.Backup:
    digest = site.facts.key_digest
    return back_up(
        site.database,
        backup_folder(site.study),
        now=site.now(),
        key=key_path(site.study, digest),
    )


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute("SELECT count(*) FROM event").fetchone()[0]


def repacked(parts: dict[str, bytes], path: Path, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, data in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


# What a backup is --------------------------------------------------------------------------


def test_a_backup_holds_database_key_and_their_digests(site) -> None:
    fill(site)
    found = made(site)
    assert found.path.parent == backup_folder(site.study)
    assert found.path.name == "backup-20251009T090102.500000Z.tar"  # two steps of 31.25 s
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(found.path.parent.stat().st_mode) == 0o700
    parts = read_backup(found.path)
    assert set(parts) == {"ratings.sqlite", "key.jsonl", "manifest.json"}
    assert parts[KEY] == key_path(site.study).read_bytes()
    manifest = json.loads(parts[MANIFEST])
    assert manifest["events"] == found.events == len(export_rows(site.database))
    assert manifest["digests"] == {
        name: store.digest_bytes(parts[name]) for name in ("ratings.sqlite", "key.jsonl")
    }


def test_the_database_in_it_is_one_whole_file(site, tmp_path: Path) -> None:
    fill(site)
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(read_backup(made(site).path)["ratings.sqlite"])
    assert count(copy) == len(export_rows(site.database))
    with closing(sqlite3.connect(copy)) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone()[0] == "delete"


def test_the_newest_are_kept(site, monkeypatch) -> None:
    assert backup.KEEP == 96
    monkeypatch.setattr(backup, "KEEP", 3)
    other = backup_folder(site.study) / "notes.tar"
    store.write_text(other, "not ours")
    names = []
    for _ in range(5):
        site.now.step(900.0)
        names.append(made(site).path.name)
    assert sorted(p.name for p in other.parent.glob("backup-*")) == names[2:]
    assert other.exists()


def test_a_backup_of_a_study_whose_key_was_moved_aside_holds_its_own(site, tmp_path) -> None:
    own = key_path(site.study).read_bytes()
    second = make_site(site.study, str(tmp_path / "second.sqlite"))
    second.database.close()
    backup_now(site, site.now())
    (path,) = backup_folder(site.study).glob("backup-*")
    assert read_backup(path)[KEY] == own


# The trial ---------------------------------------------------------------------------------


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def _overwrite(path: Path) -> None:
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    data[2 * size : 6 * size] = b"\xaa" * (4 * size)
    path.write_bytes(data)


def _lose_a_row(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute("DELETE FROM rater")
        raw.commit()


def _empty(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE other (id)")


def _text(path: Path) -> None:
    path.write_bytes(b"no database at all " * 200)


@pytest.mark.parametrize("damage", [_cut, _overwrite, _lose_a_row, _empty, _text])
def test_a_damaged_copy_fails_its_trial_and_is_not_kept(site, monkeypatch, damage) -> None:
    fill(site)
    kept = made(site).path
    before = kept.read_bytes()
    copy = backup._copy_sqlite

    def damaged(database: Database, target: Path) -> None:
        copy(database, target)
        damage(target)

    monkeypatch.setattr(backup, "_copy_sqlite", damaged)
    site.now.step(900.0)
    with pytest.raises(StoreError):
        made(site)
    assert list(backup_folder(site.study).iterdir()) == [kept]  # and nothing half made beside it
    assert kept.read_bytes() == before


def test_the_trial_counts_the_answers(site, tmp_path: Path) -> None:
    fill(site)
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(read_backup(made(site).path)["ratings.sqlite"])
    assert rehearse(copy) == len(export_rows(site.database))


# Under load --------------------------------------------------------------------------------


@pytest.mark.parametrize("where", KINDS)
def test_backups_while_people_answer_are_consistent(tmp_path, request, where) -> None:
    url = request.getfixturevalue("postgres_database") if where == "postgresql" else None
    study = make_study(tmp_path / "study", prompts=6, seats=4, per_item=4)
    site = make_site(study, url, now=Clock())
    people = [join(site) for _ in range(4)]
    for me in people:
        consent(me)
    copies = []
    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(rate_all, me, most=12) for me in people]
        while not all(one.done() for one in work):
            site.now.step(1.0)
            copies.append(made(site))
    assert [len(one.result()) for one in work] == [12] * 4
    site.now.step(1.0)
    copies.append(made(site))
    assert copies[-1].events == 48
    numbers = [copy.events for copy in copies]
    assert numbers == sorted(numbers)
    # Each one is a state that the contract allows: no slot done without its answer, and so on.
    for copy in copies[:: max(1, len(copies) // 5)]:
        path = tmp_path / "copy.sqlite"
        path.write_bytes(read_backup(copy.path)["ratings.sqlite"])
        opened = open_database(path, read_only=True)
        found = verify(opened, study)
        opened.close()
        assert (found.events, found.problems) == (copy.events, ())
    site.database.close()


# Restoring ---------------------------------------------------------------------------------


@pytest.mark.parametrize("target", KINDS)
def test_what_is_restored_is_what_was_backed_up(tmp_path, source, target, new_database) -> None:
    site = make_site(make_study(tmp_path / "study"), source, now=Clock())
    fill(site)
    unblind(site.database, site.study, who="Ada", now=site.now())
    before, tables = export_files(site.database, FILES), dump(site.database)
    path = made(site).path
    restored = new_database(target)
    key = tmp_path / "elsewhere" / "key.jsonl"
    assert restore(path, restored, key) == len(export_rows(site.database))
    assert dump(restored) == tables
    assert export_files(restored, FILES) == before
    assert key.read_bytes() == key_path(site.study).read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert verify(restored, site.study).problems == ()
    # A backup of what was restored holds the same, too.
    again = back_up(restored, tmp_path / "second", now=site.now(), key=key)
    third = new_database("sqlite")
    restore(again.path, third, key)
    assert dump(third) == tables
    site.database.close()


@pytest.mark.parametrize("target", KINDS)
def test_rating_goes_on_in_what_was_restored(tmp_path, site, target, new_database) -> None:
    me = join(site)
    consent(me)
    rate_all(me, most=5)
    restored = new_database(target)
    restore(made(site).path, restored, key_path(site.study))
    # The same session goes on, and numbers of events are not used twice.
    moved = client(replace(site, database=restored))
    moved.csrf = me.csrf
    moved.cookies.set(site.place.cookie, me.cookie)
    assert len(rate_all(moved)) == 7
    with restored.read() as tx:
        numbers = list(tx.execute(sa.select(event.c.id).order_by(event.c.id)).scalars())
    assert len(numbers) == 12
    assert numbers == sorted(set(numbers))
    assert verify(restored, site.study).problems == ()


def report_of(study: Study) -> list[bytes]:
    """Build the report, and return its files."""
    sampled = sample_step(study, study.config.models[0])
    sampled.complete(Made([COMPLETIONS]))  # else its answers would count as stale
    report(study)
    folder = folders.report_folder(study)
    return [(folder / name).read_bytes() for name in ("report.json", "index.html")]


@pytest.mark.parametrize(
    ("source", "target", "order"),
    [
        ("sqlite", "sqlite", "unblinded before the backup"),
        ("sqlite", "postgresql", "unblinded after it"),
        ("postgresql", "sqlite", "unblinded before the backup"),
    ],
    indirect=["source"],
)
def test_the_report_of_what_was_restored_is_the_same_to_the_byte(
    tmp_path, source, target, order, new_database
) -> None:
    study = make_study(tmp_path / "here" / "study", prompts=6)
    site = make_site(study, source, now=Clock())
    fill(site)
    path = None
    if order == "unblinded after it":
        path = made(site).path
    unblind(site.database, study, who="Ada", now=site.now())
    original = report_of(study)
    path = path or made(site).path

    other = make_study(tmp_path / "there" / "study", prompts=6)
    restored = new_database(target)
    restore(path, restored, key_path(other))
    # Where the log already has the first look, a later one changes nothing in the report.
    site.now.step(0.0 if order == "unblinded after it" else 86_400.0)
    unblind(restored, other, who="Ada", now=site.now())
    assert report_of(other) == original
    data = json.loads(original[0])["ratings"]
    assert data["ratings"] > 0
    assert data["unblinded"]["by"] == "Ada"
    site.database.close()


def test_nothing_is_restored_over_ratings(site, tmp_path: Path) -> None:
    fill(site)
    path = made(site).path
    before = dump(site.database)
    with pytest.raises(DataError, match="not restored over them"):
        restore(path, site.database, key_path(site.study))
    assert dump(site.database) == before


def test_nothing_is_restored_over_another_key(site, new_database) -> None:
    path = made(site).path
    key = key_path(site.study)
    key.write_text("another key\n", "utf-8")
    restored = new_database("sqlite")
    with pytest.raises(DataError, match="another key is there"):
        restore(path, restored, key)
    assert key.read_text("utf-8") == "another key\n"
    with restored.read() as tx:
        assert sa.inspect(tx).get_table_names() == []


def test_a_database_with_its_tables_only_can_be_restored_into(site, new_database) -> None:
    fill(site)
    restored = new_database("sqlite")
    upgrade(restored)
    restore(made(site).path, restored, key_path(site.study))
    assert export_files(restored, FILES) == export_files(site.database, FILES)


def bad_backups(good: dict[str, bytes], folder: Path) -> dict[str, tuple[Path, str]]:
    manifest = json.loads(good[MANIFEST])
    newer = json.dumps({**manifest, "schema": "9999"}).encode()
    flipped = bytearray(good["ratings.sqlite"])
    flipped[len(flipped) // 2] ^= 1
    whole = repacked(good, folder / "good.tar").read_bytes()

    def written(name: str, data: bytes) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    def with_manifest(name: str, value: object) -> Path:
        data = json.dumps(value).encode()
        return repacked({**good, MANIFEST: data}, folder / name)

    keyless = {k: v for k, v in manifest["digests"].items() if k == KEY}
    return {
        "absent": (folder / "absent.tar", "no such file"),
        "a folder": (folder, "this is no backup"),
        "empty": (written("empty.tar", b""), "this is no backup"),
        "text": (written("text.tar", b"hello " * 999), "this is no backup"),
        "cut off": (written("cut.tar", whole[: len(whole) // 2]), "no backup|damaged"),
        "one bit": (
            repacked({**good, "ratings.sqlite": bytes(flipped)}, folder / "bit.tar"),
            "ratings.sqlite in it is damaged",
        ),
        "another key in it": (
            repacked({**good, KEY: b"{}\n"}, folder / "key.tar"),
            "key.jsonl in it is damaged",
        ),
        "without its key": (
            repacked({k: v for k, v in good.items() if k != KEY}, folder / "nokey.tar"),
            "key.jsonl in it is damaged",
        ),
        "without its database": (
            repacked({MANIFEST: good[MANIFEST]}, folder / "nodb.tar"),
            "in it is damaged",
        ),
        "newer": (repacked({**good, MANIFEST: newer}, folder / "newer.tar"), "a newer version"),
        "compressed": (repacked(good, folder / "tar.gz", "w:gz"), "this is no backup"),
        "another archive": (repacked({"a.txt": b"a"}, folder / "other.tar"), "this is no backup"),
        "a list": (with_manifest("list.tar", []), "this is no backup"),
        "digests a list": (with_manifest("d.tar", {"digests": [1]}), "this is no backup"),
        "no digest of the database": (
            with_manifest("k.tar", {**manifest, "digests": keyless}),
            "this is no backup",
        ),
    }


BAD = [
    "absent", "a folder", "empty", "text", "cut off", "one bit", "another key in it",
    "without its key", "without its database", "newer", "compressed", "another archive", "a list",
    "digests a list", "no digest of the database",
]  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_sound_backup_is_refused(site, tmp_path, new_database, what: str) -> None:
    fill(site)
    folder = tmp_path / "bad"
    folder.mkdir()
    found = bad_backups(read_backup(made(site).path), folder)
    assert list(found) == BAD
    path, message = found[what]
    restored, key = new_database("sqlite"), tmp_path / "new" / "key.jsonl"
    with pytest.raises(DataError, match=message):
        restore(path, restored, key)
    assert not key.exists()
    with restored.read() as tx:
        assert sa.inspect(tx).get_table_names() == []


# By itself ---------------------------------------------------------------------------------


class Stopped(threading.Event):
    """Waits not at all: says what happens meanwhile, step by step, and stops at the end."""

    def __init__(self, *steps: Callable[[], object], last: Callable[[], object] = int) -> None:
        super().__init__()
        self.steps, self.last = list(steps), last
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        ended = not self.steps
        (self.last if ended else self.steps.pop(0))()
        return ended


def test_the_server_backs_up_when_something_was_answered(site) -> None:
    me = join(site)
    consent(me)

    def kept() -> list[int]:
        paths = sorted(backup_folder(site.study).glob("backup-*"))
        return [json.loads(read_backup(p)[MANIFEST])["events"] for p in paths]

    seen: list[list[int]] = []
    script = Stopped(
        lambda: rate_all(me, most=2),  # first interval: two answers
        lambda: (seen.append(kept()), site.now.step(900.0)),  # second: none
        lambda: (seen.append(kept()), rate_one(me)),  # third: one
        lambda: (seen.append(kept()), site.now.step(900.0), rate_one(me)),
    )
    serve.keeper(site).keep(script)
    assert seen == [[2], [2], [2, 3]]
    assert kept() == [2, 3, 4]
    assert script.waited == [serving.BACKUP_EVERY] * 5


def test_the_last_answers_are_backed_up_at_the_end(site) -> None:
    me = join(site)
    consent(me)
    serve.keeper(site).keep(Stopped(last=lambda: rate_one(me)))
    (path,) = backup_folder(site.study).glob("backup-*")
    assert json.loads(read_backup(path)[MANIFEST])["events"] == 1


def test_answers_before_a_kill_are_in_the_next_servers_first_backup(site) -> None:
    me = join(site)
    consent(me)
    serve.keeper(site).keep(Stopped(lambda: rate_one(me)))  # one answer, backed up
    rate_one(me)  # a second; then the server is killed
    serve.keeper(site).keep(Stopped())  # the next server's first look
    newest = sorted(backup_folder(site.study).glob("backup-*"))[-1]
    assert json.loads(read_backup(newest)[MANIFEST])["events"] == 2


def test_in_a_thread_it_makes_one_soon_after_an_answer(site, monkeypatch) -> None:
    monkeypatch.setattr(serving, "BACKUP_EVERY", 0.05)
    me = join(site)
    consent(me)
    ended = threading.Event()
    done = threading.Event()
    real = serve.backup_now

    def backed_up(*args) -> None:
        real(*args)
        done.set()

    monkeypatch.setattr(serve, "backup_now", backed_up)
    first = threading.Event()
    last = serve.last_event
    monkeypatch.setattr(serve, "last_event", lambda tx: (last(tx), first.set())[0])
    thread = threading.Thread(target=serve.keeper(site).keep, args=(ended,))
    thread.start()
    assert first.wait(30)  # it has seen how far things were
    rate_one(me)
    assert done.wait(30)
    ended.set()
    thread.join(timeout=30)
    assert not thread.is_alive()
    (path,) = backup_folder(site.study).glob("backup-*")
    assert json.loads(read_backup(path)[MANIFEST])["events"] == 1


def test_a_backup_that_fails_ends_neither_the_server_nor_later_backups(
    site, monkeypatch, caplog
) -> None:
    me = join(site)
    consent(me)
    real, calls = serve.backup_now, []

    def sometimes(*args) -> None:
        calls.append(args)
        if len(calls) == 1:
            raise StoreError("no room")
        real(*args)

    monkeypatch.setattr(serve, "backup_now", sometimes)
    serve.keeper(site).keep(Stopped(lambda: rate_one(me), lambda: None))
    assert len(calls) == 2  # tried again though nothing new was answered
    assert len(list(backup_folder(site.study).glob("backup-*"))) == 1
    assert "earlier ones are untouched" in caplog.text


def test_the_owner_sees_the_last_backup(site) -> None:
    fill(site)
    me = owner(site)
    assert me.submit("/owner/backup").status_code == 303
    with site.database.read() as tx:
        found = last_backup(tx)
    (path,) = backup_folder(site.study).glob("backup-*")
    assert found == {
        "at": site.now(), "verified": True, "file": path.name,
        "events": len(export_rows(site.database)), "last": len(export_rows(site.database)),
    }  # fmt: skip
