"""The commands of `mores rate`: help that reads well, exit codes, what is printed and done."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "rate"))

from app import Clock, consent, join, make_site, make_study, rate_all, rate_one

from mores import cli
from mores.cli import RATINGS
from mores.rate.blind import read_key
from mores.rate.db.migrations import RATING
from mores.rate.opened import backup_folder
from mores.sample import read_completions
from mores.study import folders, load_study
from mores.web.places import lock_path

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def as_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Click keeps a group's help option once it was made; other tests make it otherwise."""
    for group in (cli.mores, cli.ratings):
        monkeypatch.setattr(group, "_help_option", None)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `mores rate ...` here; return exit code, output, errors."""

    def command(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mores", "rate", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study that was never rated."""
    return make_study(tmp_path / "study").folder


@pytest.fixture
def rated(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A study with two raters, 12 ratings and 4; nobody serves it. Its folder, raters' ids."""
    site = make_site(make_study(tmp_path / "study"), now=Clock())
    people = [join(site, label=name) for name in ("Grace Hopper", "Zoë")]
    for me, most, value in zip(people, (12, 4), (4, "cannot"), strict=True):
        consent(me)
        rate_all(me, value, most=most)
    site.database.close()
    return site.study.folder, [me.rater for me in people]


def database(folder: Path) -> Path:
    return folder / "runs" / "quick" / "rating" / RATING.file


def by_hand(folder: Path, statement: str) -> None:
    """What somebody with the file could do: take the triggers away and change a row."""
    with closing(sqlite3.connect(database(folder))) as raw:
        names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        assert names
        for (name,) in names:
            raw.execute(f'DROP TRIGGER "{name}"')
        assert raw.execute(statement).rowcount == 1
        raw.commit()


# Help --------------------------------------------------------------------------------------


def help_of(*words: str) -> str:
    """What a terminal of 100 columns shows."""
    found = CliRunner().invoke(
        cli.mores, ["rate", *words, "--help"], prog_name="mores", terminal_width=100
    )
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.mark.parametrize("name", RATINGS)
def test_help_reads_well(name: str) -> None:
    text = help_of(name)
    head, _, options = text.partition("\nOptions:\n")
    assert head.startswith(f"Usage: mores rate {name} [OPTIONS] FOLDER")
    about = head.partition("\n\n")[2]
    assert about.strip().endswith(".")
    assert all(len(line) <= 100 for line in text.splitlines())
    # Nothing of Python shows: no sections of docstrings, types, None, escapes.
    assert not re.search(r"Args:|Raises:|Returns:|\bNone\b|Path\(|_empty|<class|``|\\n", text)
    # Every option says what it is for.
    for part in re.split(r"\n  (?=-)", "\n" + options.rstrip())[1:]:
        flag, *words = part.split()
        assert flag.startswith("-")
        assert len(words) >= 3, part


def test_the_groups_help_lists_every_command() -> None:
    text = help_of()
    for name, (_, _, short) in RATINGS.items():
        assert re.search(rf"^  {name} +{re.escape(short)}$", text, re.M)


def test_a_misspelt_command(run: Run) -> None:
    code, _, errors = run("unblnd", "x")
    assert code == 2
    assert "did you mean 'unblind'?" in errors


# Where there is nothing --------------------------------------------------------------------

NEEDED = {
    "status": (), "export": (), "verify": (), "backup": (), "unblind": ("--who", "Ada"),
    "release": ("r",), "forget-rater": ("r",),
}  # fmt: skip


@pytest.mark.parametrize("name", NEEDED)
def test_without_a_rating_database(run: Run, folder: Path, name: str) -> None:
    words = [name, folder, *NEEDED[name]]
    code, out, errors = run(*words)
    assert (code, out) == (2, "")
    assert errors.startswith(f"error: {database(folder)}: there is no rating database")
    assert "mores rate serve" in errors
    assert not database(folder).exists()


@pytest.mark.parametrize("name", NEEDED)
def test_where_there_is_no_study(run: Run, tmp_path: Path, name: str) -> None:
    code, _, errors = run(name, tmp_path, *NEEDED[name])
    assert code == 2
    assert "there is no study.toml here" in errors


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_that_is_no_database(run: Run, folder: Path, name: str) -> None:
    database(folder).parent.mkdir(parents=True)
    database(folder).write_bytes(b"these are no ratings " * 100)
    code, _, errors = run(name, folder, *NEEDED[name])
    assert code == 2
    assert errors.startswith("error: ")
    assert "no intact database" in errors


def test_an_address_of_another_kind_of_database(run: Run, folder: Path) -> None:
    code, _, errors = run("status", folder, "--database", "mysql://ada@host/name")
    assert code == 2
    assert "cannot use a database of the kind 'mysql'" in errors


# What each does ----------------------------------------------------------------------------


def test_status(run: Run, rated) -> None:
    folder, raters = rated
    code, out, _ = run("status", folder)
    assert code == 0
    assert "study trial: 16 of 36 ratings" in out
    assert "12 outputs, 2 raters" in out
    assert "4 cannot be rated" in out
    assert "Topic 1" in out
    assert all(name in out for name in raters)
    assert "last backup  none" in out
    assert "blind        yes" in out
    assert not re.search("values_targeted|control|base", out)


def test_unblind_then_report(run: Run, rated) -> None:
    folder, _ = rated
    code, out, _ = run("unblind", folder, "--who", "Ada Lovelace")
    assert code == 0
    assert '12 ratings and 4 "cannot be rated" joined to the key' in out
    assert "20 of 36 are missing; the log says that you looked before" in out
    assert f"next:  mores report {folder}" in out
    assert "Ada Lovelace unblinded it on" in run("status", folder)[1]
    assert "after 16 ratings" in run("status", folder)[1]


def test_unblind_needs_a_name(run: Run, rated) -> None:
    folder, _ = rated
    code, _, errors = run("unblind", folder)
    assert code == 2
    assert "--who" in errors
    assert run("unblind", folder, "--who", " ")[0] == 2
    assert "blind        yes" in run("status", folder)[1]


def test_export(run: Run, rated, tmp_path: Path) -> None:
    folder, _ = rated
    code, out, _ = run("export", folder, tmp_path / "out")
    names = {"ratings.csv", "ratings.jsonl", "ratings.parquet", "codebook.json", "heds.md"}
    assert code == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == names
    assert out.count("wrote ") == 5
    assert run("export", folder, "--format", "csv")[0] == 0
    own = folder / "runs" / "quick" / "rating" / "export"
    assert {p.name for p in own.iterdir()} == {"ratings.csv", "codebook.json", "heds.md"}
    assert run("export", folder, "--format", "xlsx")[0] == 2


def test_verify(run: Run, rated) -> None:
    folder, _ = rated
    code, out, _ = run("verify", folder)
    assert code == 0
    assert "16 answers" in out
    assert "✓ the log is intact" in out
    assert re.search("last hash [0-9a-f]{64}", out)


ALTERED = {
    "a value": ("UPDATE event SET value = 5 WHERE id = 3", "the answer of .* was altered"),
    "cannot made a 1": (
        "UPDATE event SET kind = 'rate', value = 1, reason = '' WHERE id = 14",
        "the answer of .* was altered",
    ),
    "an answer removed": ("DELETE FROM event WHERE id = 3", "done without an answer"),
    "a slot freed": (
        "UPDATE slot SET done = 0 WHERE rowid = (SELECT min(rowid) FROM slot WHERE done = 1)",
        "counts for .* without a slot",
    ),
    "a slot removed": (
        "DELETE FROM slot WHERE rowid = (SELECT min(rowid) FROM slot WHERE done = 0)",
        "does not have 3 slots",
    ),
    "surplus made to count less": ("UPDATE event SET surplus = 1 WHERE id = 3", "done without"),
    "a log entry": ("UPDATE audit SET actor = 'nobody' WHERE number = 2", "altered at entry 2"),
    "a log entry removed": ("DELETE FROM audit WHERE number = 2", "altered at entry 2"),
}


@pytest.mark.parametrize("what", ALTERED)
def test_verify_sees_what_was_altered_by_hand(run: Run, rated, what: str) -> None:
    folder, _ = rated
    statement, message = ALTERED[what]
    by_hand(folder, statement)
    code, out, _ = run("verify", folder)
    assert code == 1
    assert re.search(f"✗ .*{message}", out)
    assert "✓" not in out


def test_verify_sees_another_key(run: Run, rated, tmp_path: Path) -> None:
    folder, _ = rated
    other = make_site(make_study(tmp_path / "other"))
    other.database.close()
    key = folders.rating_folder(other.study) / "key.jsonl"
    (database(folder).parent / "key.jsonl").write_bytes(key.read_bytes())
    code, out, _ = run("verify", folder)
    assert code == 1
    assert "✗ this key does not belong to these ratings" in out


def test_backup_and_restore(run: Run, rated, tmp_path: Path) -> None:
    folder, _ = rated
    code, out, _ = run("backup", folder)
    assert code == 0
    (path,) = (database(folder).parent / "backups").glob("backup-*.tar")
    assert out == f"wrote {path}: 16 answers, restored on trial\n"
    code, _, errors = run("restore", folder, path)
    assert code == 2
    assert "not restored over them" in errors
    target = tmp_path / "restored.sqlite"
    code, out, _ = run("restore", folder, path, "--database", target)
    assert (code, out) == (0, f"restored 16 answers\n\nnext:  mores rate serve {folder}\n")
    assert "16 of 36 ratings" in run("status", folder, "--database", target)[1]
    assert run("verify", folder, "--database", target)[0] == 0


def test_restore_of_something_else(run: Run, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.tar"
    other.write_text("nothing", "utf-8")
    for path, message in ((tmp_path / "absent.tar", "no such file"), (other, "no backup")):
        code, _, errors = run("restore", folder, path)
        assert code == 2
        assert message in errors
    assert not database(folder).exists()  # read before anything is made


def test_release(run: Run, rated) -> None:
    folder, (first, second) = rated
    code, out, _ = run("release", folder, second)
    assert (code, out) == (0, "8 open outputs given to whoever comes next\n")
    assert run("release", folder, second)[1].startswith("0 open outputs")
    assert run("release", folder, first, "--to", second)[0] == 0
    code, _, errors = run("release", folder, "nobody")
    assert code == 2
    assert "no rater 'nobody'" in errors
    assert "mores rate status" in errors
    assert run("release", folder, first, "--to", "nobody")[0] == 2
    assert run("verify", folder)[0] == 0


def test_release_to_another_rater(run: Run, rated) -> None:
    folder, (first, second) = rated
    with closing(sqlite3.connect(database(folder))) as raw:
        open_ = "SELECT count(*) FROM slot WHERE seat = (SELECT number FROM seat WHERE rater = ?)"
        before = raw.execute(open_ + " AND done = 0", [second]).fetchone()[0]
    assert before == 8
    code, out, _ = run("release", folder, second, "--to", first)
    # All of them were rated by the first: nobody rates an item twice, so they go to the pool.
    assert (code, out) == (0, f"8 open outputs given to {first}\n")
    assert run("verify", folder)[0] == 0


@pytest.mark.parametrize(("ratings", "withdrawn", "left"), [("keep", 0, 16), ("withdraw", 12, 4)])
def test_forget_rater(run: Run, rated, ratings: str, withdrawn: int, left: int) -> None:
    folder, (first, _) = rated
    assert b"Grace Hopper" in database(folder).read_bytes()
    code, out, _ = run("forget-rater", folder, first, "--ratings", ratings)
    assert (code, out) == (0, f"rater {first} is forgotten; {withdrawn} ratings withdrawn\n")
    assert f"{left} of 36 ratings" in run("status", folder)[1]
    assert run("verify", folder)[0] == 0
    with closing(sqlite3.connect(database(folder))) as raw:
        assert "Grace Hopper" not in "\n".join(raw.iterdump())


def test_forget_rater_refuses_what_it_does_not_know(run: Run, rated) -> None:
    folder, (first, _) = rated
    code, _, errors = run("forget-rater", folder, "nobody")
    assert code == 2
    assert "no rater 'nobody'" in errors
    assert run("forget-rater", folder, first, "--ratings", "sell")[0] == 2
    assert run("forget-rater", folder)[0] == 2


def test_import_by_either_id(run: Run, rated, tmp_path: Path) -> None:
    folder, _ = rated
    study = load_study(folder)
    path = tmp_path / "paper.csv"
    name = read_completions(study, "smollm2-135m")[0].id
    path.write_text(f"completion_id,rater,value\n{name},anna,4\n", "utf-8")
    code, out, _ = run("import", folder, path)
    assert code == 0
    assert "1 ratings by 1 raters in the study" in out
    facts = json.loads(_fact(folder))
    item = read_key(study, facts["key_digest"])[0].item_id
    path.write_text(f"item_id,rater,value\n{item},anna,4\n", "utf-8")
    code, out, _ = run("import", folder, path)
    assert (code, out) == (0, "1 new ratings in the rating database; it stays blind\n")
    assert "17 of 36 ratings" in run("status", folder)[1]
    path.write_text("item_id,rater,value\nx,anna,9\n", "utf-8")
    code, _, errors = run("import", folder, path)
    assert code == 2
    assert errors.startswith(f"error: {path}:2: value: expected a whole number from 1 to 5")


def _fact(folder: Path) -> str:
    with closing(sqlite3.connect(database(folder))) as raw:
        return raw.execute("SELECT value FROM meta WHERE name = 'facts'").fetchone()[0]


def test_commands_leave_no_lock_and_no_loose_file(run: Run, rated) -> None:
    folder, (_, second) = rated
    for words in (["status"], ["verify"], ["export"], ["backup"], ["release", second]):
        assert run(words[0], folder, *words[1:])[0] == 0
    assert lock_path(database(folder)).read_bytes() == b""
    names = {p.name for p in database(folder).parent.iterdir()}
    extra = {f"{RATING.file}-wal", f"{RATING.file}-shm"}  # SQLite's own; empty or gone once closed
    assert names - extra == {RATING.file, f"{RATING.file}.lock", "key.jsonl", "backups", "export"}


def test_rating_one_more_after_all_of_it(run: Run, tmp_path: Path) -> None:
    """Commands between two sessions of the server disturb nobody."""
    site = make_site(make_study(tmp_path / "study"), now=Clock())
    me = join(site)
    consent(me)
    first = rate_one(me)
    for name in ("status", "verify", "export"):
        assert run(name, site.study.folder)[0] == 0  # beside the open database
    assert rate_one(me) != first
    site.database.close()
    assert run("backup", site.study.folder)[0] == 0
    assert len(list(backup_folder(site.study).iterdir())) == 1
