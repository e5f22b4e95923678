"""Rows of a study and back into its files: checked first, all of them or none."""

from __future__ import annotations

import pytest

from mores import store
from mores.errors import DataError, StoreError
from mores.study import load_study
from mores.study.parts import PARTS, digests, rows_of, write_parts


def contents(folder) -> dict[str, bytes]:
    return {form.file: (folder / form.file).read_bytes() for form in PARTS.values()}


def test_rows_are_plain_json_and_go_back_as_they_were(tiny_study):
    study, before = load_study(tiny_study), contents(tiny_study)
    rows = {part: rows_of(study, part) for part in PARTS}
    assert rows["values"][0]["suppress"] == {}
    assert rows["prompts"][0]["presets"] == ["all"]
    assert rows["positions"][0]["accountable"] is None
    assert [len(own) for own in rows.values()] == [2, 8, 8, 8, 8]
    assert write_parts(study, rows, digests(tiny_study)) == []
    assert contents(tiny_study) == before


def test_rows_are_those_of_the_files_now(tiny_study):
    study = load_study(tiny_study)
    assert study.values.examples[0].id == "v-00"
    path = tiny_study / "values.jsonl"
    path.write_text(path.read_text("utf-8").replace('"v-00"', '"v-99"'), encoding="utf-8")
    assert rows_of(study, "values")[0]["id"] == "v-99"
    variant = study.variant("x", study.config, frozenset({"v-01"}))
    assert len(rows_of(variant, "values")) == 8  # all: what a variant leaves out is not deleted


def test_what_changed_is_written_and_nothing_else(tiny_study):
    study, before = load_study(tiny_study), contents(tiny_study)
    values, positions = rows_of(study, "values"), rows_of(study, "positions")
    values[2] |= {"reviewer": "R", "accepted": "2026-11-27"}
    positions[0] |= {"accountable": {"who": "Lead"}}
    written = write_parts(
        study,
        {"values": values, "positions": positions, "control": rows_of(study, "control")},
        digests(tiny_study),
    )
    assert {path.name for path in written} == {"values.jsonl", "charter.toml"}
    after = contents(tiny_study)
    assert [n for n in after if after[n] != before[n]] == ["charter.toml", "values.jsonl"]
    one, other = (c["values.jsonl"].splitlines() for c in (before, after))
    assert [n for n in range(8) if one[n] != other[n]] == [2]
    assert other[2] == one[2][:-1] + b', "reviewer": "R", "accepted": "2026-11-27"}'
    assert load_study(tiny_study).charter.positions[0].accountable.who == "Lead"


def test_a_file_that_somebody_changed_meanwhile_stops_everything(tiny_study):
    study, seen = load_study(tiny_study), digests(tiny_study)
    rows = {part: rows_of(study, part) for part in ("values", "control")}
    rows["values"][0]["prompt"] = rows["control"][0]["prompt"] = "Why?"
    path = tiny_study / "control.jsonl"
    path.write_text(path.read_text("utf-8") + "\n", encoding="utf-8")
    before = contents(tiny_study)
    with pytest.raises(StoreError, match=r"control.jsonl: was changed by somebody else"):
        write_parts(study, rows, seen)
    assert contents(tiny_study) == before
    assert len(write_parts(study, {"values": rows["values"]}, seen)) == 1  # that one is as seen


@pytest.mark.parametrize(
    ("part", "row", "fields", "words"),
    [
        ("values", 0, {"category": "cares"}, "unknown category 'cares'; did you mean 'care'?"),
        ("positions", 0, {"category": "caring"}, "unknown category 'care'"),
        ("values", 0, {"prompt": ""}, "length >= 1"),
        ("values", 0, {"id": "v-01"}, "id 'v-01' is there twice"),
        ("prompts", 0, {"split": "train"}, "Invalid enum value 'train'"),
        ("stance", 0, {"wat": 1}, "unknown field 'wat'"),
        ("values", 0, {"accepted": "today"}, "a day, such as 2026-11-27"),
    ],
)
def test_nothing_is_written_where_a_row_is_not_in_order(tiny_study, part, row, fields, words):
    study, before = load_study(tiny_study), contents(tiny_study)
    rows = {"control": rows_of(study, "control"), part: rows_of(study, part)}
    rows["control"][0]["prompt"] = "Why?"
    rows[part][row] |= fields
    with pytest.raises(DataError) as caught:
        write_parts(study, rows, digests(tiny_study))
    assert words in str(caught.value)
    assert contents(tiny_study) == before


@pytest.mark.parametrize("part", ["positions", "values", "prompts"])
def test_no_part_is_emptied(tiny_study, part):
    with pytest.raises(DataError, match=r"nothing would be left|Length|unknown category"):
        write_parts(load_study(tiny_study), {part: []}, digests(tiny_study))


def test_a_full_disk_leaves_every_file_as_it_was(tiny_study, monkeypatch):
    study, before = load_study(tiny_study), contents(tiny_study)
    rows = {part: rows_of(study, part) for part in ("values", "control")}
    for own in rows.values():
        own[0]["prompt"] = "Why?"
    real = store.replacing

    def failing(path):
        if path.name == "control.jsonl":
            raise StoreError("cannot be written: no space left", path=path)
        return real(path)

    monkeypatch.setattr("mores.store.replacing", failing)
    with pytest.raises(StoreError, match="no space left"):
        write_parts(study, rows, digests(tiny_study))
    assert contents(tiny_study) == before
    assert [p.name for p in tiny_study.iterdir() if p.name.endswith(".tmp")] == []


def test_a_part_that_is_not_there_is_made(tiny_study):
    (tiny_study / "stance.jsonl").unlink()
    study = load_study(tiny_study)
    assert rows_of(study, "stance") == []
    assert digests(tiny_study)["stance.jsonl"] is None
    row = {"id": "s", "category": "care", "prompt": "p?", "aligned": "a", "opposed": "o"}
    (path,) = write_parts(study, {"stance": [row]}, digests(tiny_study))
    assert path.read_text("utf-8") == (
        '{"id": "s", "category": "care", "prompt": "p?", "aligned": "a", "opposed": "o"}\n'
    )
