"""Unblinding: nothing by arm before it, exactly the rated outputs after it, and who looked when."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from app import Clock, consent, dump, form, join, make_site, make_study, owner, rate_all, rate_one

from mores import store
from mores.errors import DataError, StoreError
from mores.rate.blind import key_path, read_key
from mores.rate.db.facts import read_facts
from mores.rate.db.progress import overview, rater_lines
from mores.rate.db.release import forget
from mores.rate.db.tables import guess, revealed
from mores.rate.export.formats import to_csv, to_jsonl
from mores.rate.export.rows import export_rows, study_facts
from mores.rate.ratings import add_ratings, current_unrateable, read_ratings
from mores.rate.unblind import last_unblinding, unblind
from mores.records import Rating, Unrateable
from mores.study import folders
from mores.web import audit

ARMS = ("base", "values_targeted", "control")
OWNER_PAGES = (
    "/owner", "/owner/raters", "/owner/audit", "/owner/export", "/owner/unblind",
    *(f"/owner/files/{name}" for name in ("ratings.csv", "ratings.jsonl", "codebook.json")),
    "/owner/files/heds.md",
)  # fmt: skip

SEALED = ("completion_id", "model", "arm", "seed", "draw")
"""Columns that are empty before unblinding."""


@pytest.fixture
def site(tmp_path: Path):
    """Twelve items, three raters, three ratings each: 36."""
    made = make_site(make_study(tmp_path / "study"), now=Clock())
    yield made
    made.database.close()


def rater(site, value=4, most=10_000, **fields):
    me = join(site)
    consent(me)
    rate_all(me, value, most=most, **fields)
    return me


def key_of(site):
    return {k.item_id: k for k in read_key(site.study, site.facts.key_digest)}


def log(site) -> list[dict]:
    with site.database.read() as tx:
        return [
            {"at": e.at, "actor": e.actor, **json.loads(e.detail)}
            for e in audit.entries(tx)
            if e.action == "unblind"
        ]


def files(study) -> dict[str, bytes]:
    folder = folders.ratings_folder(study)
    return {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else {}


def test_ratings_join_the_outputs_that_were_rated(site) -> None:
    key = key_of(site)
    # A rating that says which item it was: from its id, differently for each rater.
    values: dict[tuple[str, str], int] = {}
    for n in range(3):
        me = join(site)
        consent(me)

        def value(name: str, n: int = n, who: str = me.rater) -> int | str:
            said = (int(name, 16) + n) % 6
            if said:
                values[key[name].completion_id, who] = said
            return said or "cannot"

        assert len(rate_all(me, value)) == 12
    result = unblind(site.database, site.study, who=" Ada Lovelace ", now=site.now())
    ratings, cannot = read_ratings(site.study), current_unrateable(site.study)
    assert {(r.completion_id, r.rater): r.value for r in ratings} == values
    assert len(ratings) == len(values) == result.ratings
    assert {r.kind for r in ratings} == {"human"}
    assert {r.seconds for r in ratings} == {4.2}
    assert len(cannot) == result.cannot == 36 - len(values)
    assert {c.reason for c in cannot} <= {"incoherent"}
    assert not {(c.completion_id, c.rater) for c in cannot} & set(values)
    assert (result.who, result.needed, result.again) == ("Ada Lovelace", 36, False)


def test_a_changed_answer_counts_once_with_its_last_value(site) -> None:
    me = rater(site, 2, most=1)
    name = export_rows(site.database)[0].item_id
    shown = me.get(f"/answer/{name}")
    fields = {**form(shown.text), "answer": "5", "seconds": "1"}
    assert me.submit("/rate", fields).status_code == 303
    unblind(site.database, site.study, who="Ada", now=site.now())
    assert [r.value for r in read_ratings(site.study)] == [5]


def test_withdrawn_and_skipped_answers_do_not_count(site) -> None:
    gone, kept = rater(site, 1, most=3), rater(site, 4, most=2)
    rate_one(kept, "skip")
    with site.database.write() as tx:
        forget(tx, gone.rater, ratings="withdraw", now=site.now())
    result = unblind(site.database, site.study, who="Ada", now=site.now())
    assert (result.ratings, result.cannot) == (2, 0)
    assert {(r.rater, r.value) for r in read_ratings(site.study)} == {(kept.rater, 4)}


def test_the_log_says_who_when_and_how_many(site) -> None:
    rater(site, lambda name: "cannot" if name < "4" else 3)
    unblind(site.database, site.study, who="Ada", now=site.now())
    (entry,) = log(site)
    rows = [r for r in export_rows(site.database) if r.counted]
    assert (entry["at"], entry["actor"]) == (site.now(), "Ada")
    assert entry["ratings"] == sum(r.answer == "rate" for r in rows)
    assert entry["cannot"] == sum(r.answer == "cannot" for r in rows)
    assert (entry["needed"], entry["again"]) == (36, False)
    assert re.fullmatch("sha256:[0-9a-f]{64}", entry["events"])
    with site.database.read() as tx:
        assert audit.broken_at(tx) is None


def test_a_second_call_collects_what_came_later_and_the_first_look_stays(site) -> None:
    rater(site, 2)
    first = unblind(site.database, site.study, who="Ada", now=site.now())
    rater(site, 5)
    site.now.step(3600.0)
    second = unblind(site.database, site.study, who="Ben", now=site.now())
    assert (first.ratings, first.again) == (12, False)
    assert (second.ratings, second.again) == (24, True)
    assert sorted(r.value for r in read_ratings(site.study)) == [2] * 12 + [5] * 12
    assert first.first == second.first == {"at": first.at, "by": "Ada", "ratings": 12}
    assert [(e["actor"], e["ratings"], e["again"]) for e in log(site)] == [
        ("Ada", 12, False),
        ("Ben", 24, True),
    ]
    kept = store.read_json(folders.ratings_folder(site.study) / "collected.json")
    assert (kept["who"], kept["ratings"], kept["first"]) == ("Ben", 24, second.first)


def test_nothing_by_arm_before_and_all_of_it_after(site) -> None:
    rater(site)
    me = owner(site)
    with site.database.read() as tx:
        facts = read_facts(tx)
        status = json.dumps([overview(tx, facts, site.now()), rater_lines(tx)], default=str)
        assert tx.execute(sa.select(revealed)).all() == []
    # Texts that name every way in which an arm could be said; "values" alone is an English word.
    signs = ("values_targeted", "control-s1", "smollm2-135m", ".d0")
    pages = {path: me.get(path) for path in OWNER_PAGES}
    assert {path: p.status_code for path, p in pages.items()} == dict.fromkeys(OWNER_PAGES, 200)
    # The codebook lists the values that a column may have; how often each occurs it must not.
    book = pages.pop("/owner/files/codebook.json").json()
    sealed = [column for column in book["columns"] if column["name"] in SEALED]
    assert [column["absent"] for column in sealed] == [12] * len(SEALED)
    assert not any(sum(column.get("counts", {}).values()) for column in sealed)
    for text in (status, *(p.text for p in pages.values())):
        assert not [sign for sign in signs if sign in text]
    assert me.get("/owner/compare").status_code == 403
    rows = export_rows(site.database)
    assert len(rows) == 12
    assert {getattr(row, name) for row in rows for name in SEALED} == {None}
    assert (study_facts(site.database).arms, study_facts(site.database).unblinded) == (None, None)

    unblind(site.database, site.study, who="Ada", now=site.now())
    key = key_of(site)
    rows = export_rows(site.database)
    for row in rows:
        k = key[row.item_id]
        sealed = (k.completion_id, k.model, k.arm, k.seed, k.draw)
        assert tuple(getattr(row, name) for name in SEALED) == sealed
    known = study_facts(site.database)
    assert known.arms == tuple(sorted(ARMS))
    assert known.unblinded is not None
    assert (known.unblinded.who, known.unblinded.ratings) == ("Ada", 12)
    assert me.get("/owner/compare").status_code == 200
    for text in (to_csv(rows).decode(), to_jsonl(rows).decode()):
        assert all(sign in text for sign in signs)


def test_only_the_owners_page_with_name_and_word_unblinds(site) -> None:
    rater(site, most=1)
    me = owner(site)
    assert me.submit("/owner/unblind", who="Ada", word="wrong").status_code == 400
    assert me.submit("/owner/unblind", who="  ", word="trial").status_code == 400
    assert log(site) == []
    assert files(site.study) == {}
    assert me.submit("/owner/unblind", who="Ada", word="trial").status_code == 303
    assert [e["actor"] for e in log(site)] == ["Ada"]
    assert len(read_ratings(site.study)) == 1


def test_guesses_are_counted_with_what_chance_would_give(site) -> None:
    key, me = key_of(site), rater(site)
    tuned = [name for name, k in key.items() if k.arm == "values_targeted"]
    other = [name for name in key if name not in tuned]
    said = {
        tuned[0]: "tuned", tuned[1]: "tuned", tuned[2]: "untuned",
        other[0]: "tuned", other[1]: "untuned", other[2]: "unsure",
    }  # fmt: skip
    with site.database.write() as tx:
        rows = [{"rater": me.rater, "item": name, "answer": a} for name, a in said.items()]
        tx.execute(guess.insert(), rows)
    result = unblind(site.database, site.study, who="Ada", now=site.now())
    assert result.guesses == {"right": 3, "wrong": 2, "unsure": 1}
    # 3 of 5 were called tuned, 3 of 5 are: by chance (3 · 3 + 2 · 2) / 25.
    assert result.chance == pytest.approx(13 / 25)


def test_nobody_guessed(site) -> None:
    result = unblind(site.database, site.study, who="Ada", now=site.now())
    assert (result.guesses, result.chance) == ({"right": 0, "wrong": 0, "unsure": 0}, None)
    assert (result.ratings, result.cannot) == (0, 0)
    assert read_ratings(site.study) == []


def refused(site, error, message: str) -> None:
    before, there = dump(site.database), files(site.study)
    with pytest.raises(error, match=message):
        unblind(site.database, site.study, who="Ada", now=site.now())
    assert dump(site.database) == before
    assert files(site.study) == there


def test_declared_groups_go_along_unless_they_are_small(tmp_path: Path) -> None:
    texts = '[[groups]]\nid = "age"\nquestion = "How old?"\noptions = ["18 to 34", "35 or older"]\n'
    study = make_study(tmp_path / "study", rating_toml='version = "1"\n' + texts, seats=6)
    made = make_site(study, now=Clock())
    try:
        people = [join(made) for _ in range(6)]
        for n, me in enumerate(people):
            consent(me, group_age="18 to 34" if n < 5 else "35 or older")
            rate_one(me, 3)
        unblind(made.database, study, who="Ada", now=1.0)
    finally:
        made.database.close()
    found = store.read_json(folders.ratings_folder(study) / "groups.json")
    assert found == {"How old?": {"18 to 34": sorted(me.rater for me in people[:5])}}


def test_a_key_of_another_study_changes_nothing(site, tmp_path: Path) -> None:
    rater(site, most=2)
    other = make_site(make_study(tmp_path / "other"))
    other.database.close()
    own = key_path(site.study)
    mine = own.read_bytes()
    own.write_bytes(key_path(other.study).read_bytes())
    refused(site, DataError, "does not belong to these ratings")
    own.unlink()
    refused(site, DataError, "the key to these ratings is not there")
    own.write_bytes(mine)
    assert unblind(site.database, site.study, who="Ada", now=site.now()).ratings == 2


def test_a_name_is_needed(site) -> None:
    with pytest.raises(DataError, match="needs the name"):
        unblind(site.database, site.study, who=" ", now=1.0)
    assert log(site) == []


def test_ratings_that_were_imported_too_are_refused_and_nothing_is_seen(site, tmp_path) -> None:
    me, key = rater(site, most=2), key_of(site)
    names = [key[row.item_id].completion_id for row in export_rows(site.database)]
    path = tmp_path / "again.csv"
    path.write_text(f"completion_id,rater,value\n{names[0]},{me.rater},4\n", "utf-8")
    add_ratings(site.study, path)
    refused(site, DataError, "is in the rating app and in an imported file")
    with site.database.read() as tx:
        assert last_unblinding(tx) is None


def test_an_import_of_what_was_collected_is_refused(site, tmp_path) -> None:
    me = rater(site, most=2)
    unblind(site.database, site.study, who="Ada", now=site.now())
    before = files(site.study)
    name = read_ratings(site.study)[0].completion_id
    path = tmp_path / "again.csv"
    path.write_text(f"completion_id,rater,value\n{name},new,4\n{name},{me.rater},4\n", "utf-8")
    with pytest.raises(DataError, match="from the rating app") as found:
        add_ratings(site.study, path)
    assert found.value.line == 3
    assert files(site.study) == before


def test_other_peoples_imported_ratings_stand_beside_the_collected(site, tmp_path) -> None:
    rater(site, most=1)
    name = next(iter(key_of(site).values())).completion_id
    path = tmp_path / "paper.csv"
    path.write_text(f"completion_id,rater,value\n{name},paper,2\n", "utf-8")
    add_ratings(site.study, path)
    unblind(site.database, site.study, who="Ada", now=site.now())
    assert sorted(r.value for r in read_ratings(site.study)) == [2, 4]


HOLD = """
import sys
from pathlib import Path
from mores import store
with store.lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_while_another_process_works_on_the_study_nothing_is_opened(site) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(site.study.run_folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "held\n"
        refused(site, StoreError, "another mores process is at work")
        other.stdin.close()


def test_a_full_disk_while_writing_leaves_the_look_in_the_log(site, monkeypatch) -> None:
    """Figures were seen, so the log says so; the next call collects them."""
    rater(site, most=2)

    def full(path, records):
        raise StoreError("no room", path=path)

    with monkeypatch.context() as patched:
        patched.setattr(store, "write_jsonl", full)
        with pytest.raises(StoreError, match="no room"):
            unblind(site.database, site.study, who="Ada", now=site.now())
    assert len(log(site)) == 1
    assert read_ratings(site.study) == []
    again = unblind(site.database, site.study, who="Ada", now=site.now())
    assert again.again
    assert len(read_ratings(site.study)) == 2


def test_records_are_what_the_report_reads(site) -> None:
    rater(site, lambda name: "cannot" if name < "8" else 3)
    unblind(site.database, site.study, who="Ada", now=site.now())
    folder = folders.ratings_folder(site.study)
    assert store.read_jsonl(folder / "collected.jsonl", Rating, unique=None)
    assert store.read_jsonl(folder / "cannot.jsonl", Unrateable, unique=None)
    order = [(r.completion_id, r.rater) for r in read_ratings(site.study)]
    assert order == sorted(order)
