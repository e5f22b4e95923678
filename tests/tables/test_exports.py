"""Exports of annotation tools: whose answer a cell is, and shapes that no tool writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mores.errors import DataError
from mores.tables import Notes, read_table

ASKED: dict[str, Any] = {
    "needed": ["key", "rater", "value"],
    "others": ["seconds"],
    "aliases": {
        "rater": ("annotator", "user_id"),
        "value": ("rating",),
        "seconds": ("lead_time",),
    },
    "answered": ["rater", "value", "seconds"],
}


@pytest.fixture
def table(tmp_path: Path):
    """Write an export and read it; return the rows and the notes."""

    def read(rows: list[Any], **more: Any) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
        path = tmp_path / "export.json"
        path.write_text(json.dumps(rows))
        notes = Notes()
        read = [row for _, row in read_table(path, **{**ASKED, **more}, notes=notes)]
        return read, notes.lines()

    return read


def task(data: dict[str, Any], given: dict[str, Any], **more: Any) -> dict[str, Any]:
    result = [{"from_name": name, "value": {"rating": value}} for name, value in given.items()]
    return {"id": 1, "data": data, "annotations": [{"completed_by": 7, "result": result, **more}]}


def record(about: dict[str, Any], given: dict[str, Any], **more: Any) -> dict[str, Any]:
    responses = {name: [{"value": value, "user_id": "7"}] for name, value in given.items()}
    return {"id": "r", "fields": about, "responses": responses, **more}


MAKERS = pytest.mark.parametrize("make", [task, record])


@MAKERS
@pytest.mark.parametrize("name", ["value", "Value ", "rating", "rater", "seconds"])
def test_what_the_task_had_is_nobodys_answer(table, make, name):
    (row,), notes = table([make({"key": "a", name: 3}, {"rating": 4})])
    assert (row["key"], row["rater"], row["value"]) == ("a", "7", 4)
    assert row.get("seconds") is None
    if name != "rating":
        ours = name.strip().lower()
        assert f"{name!r} of the task not used: {ours} is what a person gave" in notes


def test_metadata_and_suggestions_are_nobodys_answer(table):
    about = record({"key": "a"}, {"rating": 4}, metadata={"value": 3, "rater": "m"})
    about["suggestions"] = {"value": {"value": 2}}
    (row,), _ = table([about])
    assert row == {"key": "a", "rater": "7", "value": 4}
    flat = {
        "id": "r", "key": "a", "value": 3, "rating.responses": [4],
        "rating.responses.users": ["7"], "rating.suggestion": 1,
    }  # fmt: skip
    assert table([flat])[0] == [{"key": "a", "rater": "7", "value": 4}]


@MAKERS
def test_a_score_of_the_task_is_not_taken_where_the_control_has_another_name(table, make):
    rows = [make({"key": "a", "rating": 3}, {"quality": 4})]
    with pytest.raises(DataError) as caught:
        table(rows)
    assert caught.value.message == "no column 'value'"
    assert caught.value.fix is not None
    assert caught.value.fix.startswith("say which: --map value=NAME; what people gave: 'quality'")
    assert "'rating'" not in caught.value.fix
    (row,), _ = table(rows, names={"value": "quality"})
    assert row["value"] == 4
    with pytest.raises(DataError, match="'rating' is of the task, not what a person gave"):
        table(rows, names={"value": "rating"})


@MAKERS
def test_who_gave_no_answer_has_none_and_the_tasks_is_not_put_there(table, make):
    rows = [make({"key": "a", "rating": 3}, {"why": 1}), make({"key": "b"}, {"rating": 2})]
    assert [(row["key"], row["value"]) for row in table(rows)[0]] == [("a", None), ("b", 2)]
    with pytest.raises(DataError, match="no column 'key'"):
        table([make({"key": "a"}, {"rating": 3}), make({}, {"rating": 2})])


ODD = {
    "a list for an object": record([], {}),
    "a text for metadata": record({}, {"rating": 4}, metadata="m"),
    "texts for responses": {**record({}, {}), "responses": ["y"]},
    "a text for responses": {**record({}, {}), "responses": "y"},
    "a text for a response": {**record({}, {}), "responses": {"rating": ["y"]}},
    "a number for a question's responses": {**record({}, {}), "responses": {"rating": 4}},
    "texts for suggestions": record({}, {"rating": 4}, suggestions=["s"]),
    "a list for a question's name": record({}, {}, suggestions=[{"question_name": ["q"]}]),
    "values that are a list": {**record({}, {}), "responses": [{"values": ["v"]}]},
    "a list for data": {"data": ["x"], "annotations": []},
    "a text for annotations": {"data": {}, "annotations": "x"},
    "a text for an annotation": {"data": {}, "annotations": ["x"]},
    "a text for a result": {"data": {}, "annotations": [{"result": "x"}]},
    "a text in a result": {"data": {}, "annotations": [{"result": ["x"]}]},
    "a list for from_name": {"data": {}, "annotations": [{"result": [{"from_name": ["a"]}]}]},
    "fewer users than answers": {"a.responses": [1, 2], "a.responses.users": ["u"]},
    "two answers of one person": {"a.responses": [1, 2], "a.responses.users": ["u", "u"]},
    "answers that are no list": {"a.responses": "[1", "a.responses.users": ["u"]},
    "a list without end": {"a.responses": "[" * 3000, "a.responses.users": ["u"]},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_no_tool_writes_is_named_with_its_line(tmp_path, odd):
    path = tmp_path / "odd.json"
    path.write_text("[\n" + json.dumps(odd) + "]")
    with pytest.raises(DataError) as caught:
        list(read_table(path))
    assert caught.value.line == 2
    assert caught.value.message.startswith(("expected ", "two answers to 'a' of one person"))


def test_null_is_no_answer(table):
    empty = {**record({"key": "a"}, {}), "responses": {"rating": [None]}, "metadata": None}
    rows, notes = table([empty, record({"key": "b"}, {"rating": 4})])
    assert [row["key"] for row in rows] == ["b"]
    assert "nobody answered, left out: line 1" in notes
    with pytest.raises(DataError) as caught:
        table([empty])
    assert caught.value.message == "no rows: nobody answered, left out: line 1"


@pytest.mark.parametrize("cells", ['"[4]","[""7""]"', "[4],['7']", '"[4]","[\'7\']"'])
def test_argillas_flat_form_as_csv(tmp_path, cells):
    path = tmp_path / "flat.csv"
    path.write_text(f"id,key,rating.responses,rating.responses.users\nu,a,{cells}\nv,b,,\n")
    notes = Notes()
    rows = list(read_table(path, **ASKED, notes=notes))
    assert rows == [(2, {"key": "a", "rater": "7", "value": 4})]
    assert "nobody answered, left out: line 3" in notes.lines()


def test_a_cell_nested_without_end_stays_text(tmp_path):
    path = tmp_path / "ls.csv"
    path.write_text("annotation_id,annotator,key\n1,7," + "[" * 3_000 + "\n")
    ((_, row),) = read_table(path)
    assert row["key"] == "[" * 3_000


def test_a_header_of_an_export_that_repeats_a_column(tmp_path):
    path = tmp_path / "ls.csv"
    path.write_text("annotation_id,annotator,key,Key\n1,7,a,b\n")
    with pytest.raises(DataError, match="the column 'key' occurs twice"):
        list(read_table(path))
