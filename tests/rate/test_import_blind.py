"""Ratings made elsewhere: each bad file is named with its line, and nothing of it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from app import Clock, consent, dump, join, make_site, make_study, next_form, rate_all, rate_one

import mores
from mores.errors import DataError, StoreError
from mores.rate.blind import read_key
from mores.rate.export.rows import export_rows
from mores.rate.import_blind import import_blind
from mores.rate.rating_file import Reading, id_column
from mores.rate.ratings import read_ratings
from mores.rate.unblind import unblind
from mores.rate.verify import verify
from mores.sample import read_completions
from mores.study import folders
from mores.web import audit
from mores.web.places import instance_lock

COLUMNS = ("item_id", "completion_id")


@pytest.fixture
def site(tmp_path: Path):
    """Four prompts, three arms: twelve items with two ratings each."""
    made = make_site(make_study(tmp_path / "study", per_item=2, seats=2), now=Clock())
    yield made
    made.database.close()


@pytest.fixture
def csv(tmp_path: Path):
    def write(text: str | bytes, name: str = "paper.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def ids(site, column: str) -> list[str]:
    key = read_key(site.study, site.facts.key_digest)
    return [getattr(k, column) for k in key]


def files(study) -> dict[str, bytes]:
    folder = folders.ratings_folder(study)
    return {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else {}


def import_any(site, path: Path) -> object:
    """The command's function: it looks at the header, and takes the lock of its target."""
    return mores.rate.import_ratings(site.study, path)


# What is wrong with a file, the line, and part of the message. {a} {b} {c} are known ids.
HEAD = "{column},rater,value,seconds\n"
GOOD = "{a},anna,4,1\n"
BAD: dict[str, tuple[str, int | None, str]] = {
    "unknown id": (HEAD + GOOD + "nobody-knows-it,anna,4,\n", 3, "unknown (item|completion)"),
    "id of another case": (HEAD + GOOD + "{B},anna,4,\n", 3, "unknown (item|completion)"),
    "no id": (HEAD + GOOD + ",anna,4,\n", 3, "completion_id|unknown item|expected"),
    "value 0": (HEAD + GOOD + "{b},anna,0,\n", 3, "1 to 5, found '0'"),
    "value 6": (HEAD + GOOD + "{b},anna,6,\n", 3, "1 to 5, found '6'"),
    "value -1": (HEAD + GOOD + "{b},anna,-1,\n", 3, "1 to 5, found '-1'"),
    "value 2.5": (HEAD + GOOD + "{b},anna,2.5,\n", 3, "whole number"),
    "value missing": (HEAD + GOOD + "{b},anna,,\n", 3, "found ''"),
    "value in words": (HEAD + GOOD + "{b},anna,cannot,\n", 3, "found 'cannot'"),
    "seconds below 0": (HEAD + GOOD + "{b},anna,3,-1\n", 3, "seconds"),
    "rater twice": (HEAD + GOOD + "{b},anna,3,\n{a},anna,4,\n", 4, "twice .also on line 2"),
    "rater missing": (HEAD + GOOD + "{b},,3,\n", 3, "rater"),
    "half a row": (HEAD + GOOD + "{b},an", 3, "expected 4 cells as in the header, found 2"),
    "a row of commas in between is blank": (HEAD + GOOD + ",,,\n{b},anna,9,\n", 4, "found '9'"),
    "cells too many": (
        HEAD + GOOD + "{b},anna,3,1,really\n",
        3,
        "expected 4 cells as in the header, found 5",
    ),
    "quote left open": (HEAD + GOOD + '{b},"anna,3,1\n', 3, "not valid CSV"),
    "header without rater": ("{column},value\n{a},4\n", 1, "no column 'rater'"),
    "header only": (HEAD, None, "no rows"),
    "both ids": ("item_id,completion_id,rater,value\n{a},{a},anna,4\n", 1, "both completion_id"),
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_named_with_its_line_and_nothing_is_kept(
    site, csv, column: str, what: str
) -> None:
    text, line, message = BAD[what]
    known = ids(site, column)
    names = dict(zip("abc", known, strict=False)) | {"B": known[1].upper(), "column": column}
    site.database.close()
    path = csv(text.format(**names))
    before, there = dump(site.database), files(site.study)
    with pytest.raises(DataError, match=message) as found:
        import_any(site, path)
    assert (found.value.path, found.value.line) == (str(path), line)
    assert dump(site.database) == before
    assert files(site.study) == there == {}


def test_a_later_row_that_tells_the_arm_is_seen_too(site, csv) -> None:
    first, second = ids(site, "item_id")[:2]
    rows = [
        {"item_id": first, "rater": "anna", "value": 4},
        {"item_id": second, "rater": "anna", "value": 4, "arm": "base"},
    ]
    path = csv("".join(json.dumps(row) + "\n" for row in rows))
    path = path.rename(path.with_suffix(".jsonl"))
    with pytest.raises(DataError, match="the column 'arm' tells what blind items hide"):
        import_any(site, path)


@pytest.mark.parametrize("telling", ["arm", "Model", "seed"])
def test_a_blind_file_that_tells_the_arm_is_not_blind(site, csv, telling: str) -> None:
    path = csv(f"item_id,rater,value,{telling}\n{ids(site, 'item_id')[0]},anna,4,base\n")
    before = dump(site.database)
    with pytest.raises(DataError, match="tells what blind items hide"):
        import_blind(site.database, path, now=1.0)
    assert dump(site.database) == before


ENCODED: dict[str, tuple[Callable[[str], bytes], int]] = {
    "latin-1": (lambda text: text.replace("anna", "jörg").encode("latin-1"), 2),
    "cut inside a character": (lambda text: text.encode() + "ö".encode()[:1], 4),
    "binary": (lambda text: b"\x80\x81\x82", 1),
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("what", ENCODED)
def test_a_wrong_encoding(site, csv, column: str, what: str) -> None:
    encode, line = ENCODED[what]
    a, b = ids(site, column)[:2]
    path = csv(encode(f"{column},rater,value\n{a},anna,4\n{b},anna,3\n"))
    before = dump(site.database)
    with pytest.raises(DataError, match="expected UTF-8") as found:
        import_any(site, path)
    assert (found.value.path, found.value.line) == (str(path), line)
    assert "CSV UTF-8" in str(found.value)
    assert dump(site.database) == before
    assert files(site.study) == {}


@pytest.mark.parametrize("text", ["", "\n\n", '"item_id', '"item_id,rater,value\nx,y,3\n'])
def test_no_header_to_speak_of(site, csv, text: str) -> None:
    path = csv(text)
    with pytest.raises(DataError) as found:
        import_any(site, path)
    assert found.value.path == str(path)


def test_no_such_file(site, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        import_any(site, tmp_path / "absent.csv")


# Blind items -------------------------------------------------------------------------------


def test_the_header_says_which_kind_a_file_is(csv) -> None:
    for text, column in [
        ("item_id;rater;value\nx;anna;4\n", "item_id"),
        (" Rater\tItem_ID \tvalue\nanna\tx\t4\n", "item_id"),
        ("completion_id,rater,value\nx,anna,4\n", "completion_id"),
    ]:
        assert id_column(csv(text), Reading()) == column
    mapped = csv("id,rater,value\nx,anna,4\n")
    assert id_column(mapped, Reading(names={"item_id": "id"})) == "item_id"


def test_blind_ratings_count_like_all_others_and_stay_blind(site, csv) -> None:
    a, b = ids(site, "item_id")[:2]
    path = csv(f"item_id,rater,value,seconds\n{a},anna,4,12.5\n{b},anna,1,\n{a},ben,5,3\n")
    assert import_blind(site.database, path, now=site.now()) == 3
    rows = export_rows(site.database)
    assert [(r.item_id, r.value, r.seconds, r.counted) for r in rows] == [
        (a, 4, 12.5, True),
        (b, 1, None, True),
        (a, 5, 3.0, True),
    ]
    assert {r.arm for r in rows} == {None}
    assert "anna" not in {r.rater for r in rows}  # an opaque id, as for everybody
    assert len({r.rater for r in rows}) == 2
    with site.database.read() as tx:
        last = audit.entries(tx)[-1]
    assert last.action == "import"
    assert json.loads(last.detail)["ratings"] == 3
    assert verify(site.database, site.study).problems == ()
    assert unblind(site.database, site.study, who="Ada", now=site.now()).ratings == 3


def test_utf16_as_spreadsheets_save_it_and_another_encoding_that_is_named(site, csv) -> None:
    a, b = ids(site, "item_id")[:2]
    marked = csv(f"item_id\trater\tvalue\r\n{a}\tjörg\t4\r\n".encode("utf-16"))
    assert import_blind(site.database, marked, now=1.0) == 1
    named = csv(f"item_id;rater;value\r\n{b};jörg;2.0\r\n".encode("cp1252"), "named.csv")
    assert id_column(named, Reading("cp1252")) == "item_id"
    assert import_blind(site.database, named, now=2.0, reading=Reading("cp1252")) == 1
    rows = export_rows(site.database)
    assert [(r.item_id, r.value) for r in rows] == [(a, 4), (b, 2)]
    assert len({r.rater for r in rows}) == 1


def test_importing_a_file_again_adds_nothing(site, csv) -> None:
    a, b = ids(site, "item_id")[:2]
    path = csv(f"item_id,rater,value\n{a},anna,4\n")
    assert import_blind(site.database, path, now=1.0) == 1
    assert import_blind(site.database, path, now=2.0) == 0
    longer = csv(f"item_id,rater,value\n{a},anna,4\n{b},anna,2\n", "longer.csv")
    assert import_blind(site.database, longer, now=3.0) == 1
    rows = export_rows(site.database)
    assert [(r.item_id, r.value) for r in rows] == [(a, 4), (b, 2)]
    assert len({r.rater for r in rows}) == 1  # the same name is the same rater


def test_another_value_than_before_is_refused(site, csv) -> None:
    a, b = ids(site, "item_id")[:2]
    import_blind(site.database, csv(f"item_id,rater,value\n{a},anna,4\n"), now=1.0)
    before = dump(site.database)
    path = csv(f"item_id,rater,value\n{b},cem,2\n{a},anna,5\n", "second.csv")
    with pytest.raises(DataError, match=r"already gave .* a 4, the file says 5") as found:
        import_blind(site.database, path, now=2.0)
    assert found.value.line == 3
    assert dump(site.database) == before


def test_no_item_gets_more_than_its_ratings(site, csv) -> None:
    a, b = ids(site, "item_id")[:2]
    path = csv(f"item_id,rater,value\n{b},anna,1\n{a},anna,4\n{a},ben,4\n{a},cem,4\n")
    before = dump(site.database)
    with pytest.raises(DataError, match="has its ratings already") as found:
        import_blind(site.database, path, now=1.0)
    assert found.value.line == 5
    assert dump(site.database) == before


def test_nor_one_that_people_rated_in_the_app(site, csv) -> None:
    for _ in range(2):
        me = join(site)
        consent(me)
        rate_all(me)
    path = csv(f"item_id,rater,value\n{ids(site, 'item_id')[0]},anna,4\n")
    with pytest.raises(DataError, match="has its ratings already") as found:
        import_blind(site.database, path, now=1.0)
    assert found.value.line == 2


def test_nor_one_that_a_rater_holds_on_the_screen(site, csv) -> None:
    me = join(site)
    consent(me)
    held = next_form(me)["item"]  # one of its two places is taken
    before = dump(site.database)
    path = csv(f"item_id,rater,value\n{held},anna,4\n{held},ben,2\n")
    with pytest.raises(DataError, match="or raters who hold it") as found:
        import_blind(site.database, path, now=1.0)
    assert found.value.line == 3
    assert dump(site.database) == before
    assert import_blind(site.database, csv(f"item_id,rater,value\n{held},anna,4\n"), now=1.0) == 1
    assert rate_one(me) == held  # the answer on the screen counts all the same
    assert [r.counted for r in export_rows(site.database)] == [True, True]


def test_what_the_app_gives_out_after_an_import_is_what_is_left(site, csv) -> None:
    names = ids(site, "item_id")
    lines = "".join(f"{name},anna,3\n{name},ben,3\n" for name in names[:5])
    import_blind(site.database, csv("item_id,rater,value\n" + lines), now=1.0)
    done = []
    for _ in range(2):
        me = join(site)
        consent(me)
        done += rate_all(me)
    assert sorted(done) == sorted([*names[5:], *names[5:]])
    assert verify(site.database, site.study).problems == ()


def test_a_gold_item_cannot_be_imported(tmp_path: Path, csv) -> None:
    text = """version = "1"

[[gold]]
id = "g"
category = "topic-1"
prompt = "?"
output = "!"
low = 5
high = 5
"""
    site = make_site(make_study(tmp_path / "gold", rating_toml=text), now=Clock())
    study = {k.item_id for k in read_key(site.study, site.facts.key_digest)}
    (gold,) = {row[0] for row in dump(site.database)["item"]} - study
    with pytest.raises(DataError, match="unknown item"):
        import_blind(site.database, csv(f"item_id,rater,value\n{gold},anna,5\n"), now=1.0)
    site.database.close()


def test_while_a_server_runs_blind_ratings_are_refused(site, csv) -> None:
    path = csv(f"item_id,rater,value\n{ids(site, 'item_id')[0]},anna,4\n")
    with (
        instance_lock(site.database.path),
        pytest.raises(StoreError, match="already being served"),
    ):
        import_any(site, path)
    assert export_rows(site.database) == []


def test_with_completion_ids_they_go_into_the_study(site, csv) -> None:
    before = dump(site.database)
    name = read_completions(site.study, "smollm2-135m")[0].id
    result = import_any(site, csv(f"completion_id,rater,value\n{name},anna,4\n"))
    assert (result.kind, result.total, result.raters) == ("human", 1, ("anna",))
    (kept,) = read_ratings(site.study)
    assert (kept.completion_id, kept.rater, kept.value) == (name, "anna", 4)
    assert dump(site.database) == before
    assert "ratings.jsonl" in files(site.study)
