"""Ratings from a file: everything is checked before anything is kept."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mores import store
from mores.errors import DataError
from mores.rate.rating_file import Reading
from mores.rate.ratings import add_ratings, read_ratings
from mores.records import Completion, Rating
from mores.study import folders, load_study
from mores.tables import Notes

IDS = [f"m.{arm}.t-{i}.d0" for arm in ("base", "control-s1") for i in range(3)]


@pytest.fixture
def study(tiny_study: Path):
    """A study with six answers."""
    config = tiny_study / "study.toml"
    lines = config.read_text().splitlines()
    config.write_text(
        "\n".join('name = "m"' if x.startswith('name = "tiny-model') else x for x in lines)
    )
    study = load_study(tiny_study)
    rows = [
        Completion(
            id=name,
            prompt_id=name.split(".")[2],
            category="care",
            model="m",
            arm=name.split(".")[1].partition("-")[0],
            seed=1 if name.endswith("-s1") else 0,
            draw=0,
            text="some words",
            finish_reason="stop",
            prompt_tokens=5,
            tokens=2,
        )
        for name in IDS
    ]
    store.write_jsonl(folders.model_folder(study, "m") / "sample" / "completions.jsonl", rows)
    return study


@pytest.fixture
def csv(tmp_path: Path):
    """Write a file of ratings and return its path."""

    def write(text: str, encoding: str = "utf-8", name: str = "ratings.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def kept(study) -> bytes | None:
    path = folders.ratings_folder(study) / "ratings.jsonl"
    return path.read_bytes() if path.exists() else None


def test_no_ratings_yet(study) -> None:
    assert read_ratings(study) == []


def test_import_and_read_back(study, csv) -> None:
    path = csv(
        "completion_id,rater,value,seconds\n"
        f"{IDS[0]},anna,4,12.5\n"
        "\n"
        f"{IDS[1]},anna,1,\n"
        f"{IDS[0]},ben,5,3\n"
    )
    expected = [
        Rating(completion_id=IDS[0], rater="anna", value=4, seconds=12.5),
        Rating(completion_id=IDS[1], rater="anna", value=1),
        Rating(completion_id=IDS[0], rater="ben", value=5, seconds=3.0),
    ]
    assert add_ratings(study, path) == expected
    assert read_ratings(study) == expected
    assert {r.kind for r in expected} == {"human"}


@pytest.mark.parametrize("mark", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_forms_that_spreadsheets_write(study, csv, mark: str, end: str, encoding: str) -> None:
    rows = [["rater", "completion_id", "value"], ["anna", IDS[0], "4"], ['"ben"', IDS[1], " 2 "]]
    path = csv(end.join(mark.join(row) for row in rows) + end, encoding)
    assert [(r.rater, r.completion_id, r.value) for r in add_ratings(study, path)] == [
        ("anna", IDS[0], 4),
        ("ben", IDS[1], 2),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", f"Completion_ID, Rater,VALUE,Seconds\n{IDS[0]},anna,4,\n"),
        ("a.csv", f"completion_id,rater,value\n{IDS[0]},anna,4.0\n"),
        ("a.csv", f"sep=;\ncompletion_id;rater;value\n{IDS[0]};anna;4.00\n"),
        ("a.jsonl", f'{{"completion_id": "{IDS[0]}", "rater": "anna", "value": 4}}\n'),
        ("a.jsonl", f'{{"completion_id": "{IDS[0]}", "rater": "anna", "value": 4.0}}\n'),
    ],
)
def test_forms_that_other_tools_write(study, csv, name: str, text: str) -> None:
    assert add_ratings(study, csv(text, name=name)) == [
        Rating(completion_id=IDS[0], rater="anna", value=4)
    ]


LS = {"annotation_id": 9, "annotator": "1", "completion_id": IDS[0], "id": 0, "lead_time": 12.3}


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("min.json", [{**LS, "rating": [{"rating": 4}]}]),
        ("min.json", [{**LS, "rating": "4"}, {**LS, "completion_id": IDS[1], "rating": []}]),
        ("min.json", [{**LS, "rating": 4.0}]),
        *(
            (
                "full.json",
                [
                    {
                        "id": 1,
                        "data": {"completion_id": IDS[0], "text": "some words"},
                        "annotations": [
                            {
                                "id": 9,
                                "completed_by": 1,
                                "lead_time": 12.3,
                                "result": [{"from_name": "rating", "value": value}],
                            }
                        ],
                        "predictions": [{"result": [{"value": {"rating": 1}}]}],
                    }
                ],
            )
            for value in ({"rating": 4}, {"choices": ["4"]}, {"number": 4})
        ),
    ],
)
def test_label_studio_ratings(study, csv, name: str, rows: list[dict]) -> None:
    notes = Notes()
    path = csv(json.dumps(rows), name=name)
    assert add_ratings(study, path, notes=notes) == [
        Rating(completion_id=IDS[0], rater="1", value=4, seconds=12.3)
    ]
    said = notes.lines()
    assert "rater is read from the column 'annotator'" in said
    assert "value is read from the column 'rating'" in said
    if "annotations" in rows[0]:
        assert any("predictions of a model are not answers of people" in line for line in said)


@pytest.mark.parametrize("cell", ["4", "4.0", '"[{""rating"": 4}]"', '"{""choices"": [""4""]}"'])
def test_label_studio_ratings_as_csv(study, csv, cell: str) -> None:
    head = "annotation_id,annotator,completion_id,created_at,id,lead_time,rating,was_cancelled\n"
    notes = Notes()
    path = csv(f"{head}0,1,{IDS[0]},2026,0,12.3,{cell},False\n1,1,{IDS[1]},2026,1,9,5,True\n")
    assert add_ratings(study, path, notes=notes) == [
        Rating(completion_id=IDS[0], rater="1", value=4, seconds=12.3)
    ]
    assert "column 'created_at' not used" in notes.lines()
    assert "skipped by its annotator, left out: line 3" in notes.lines()


@pytest.mark.parametrize("data", [{"value": 3}, {"rating": 3}, {"rater": "m"}, {"seconds": 1}])
def test_what_the_task_had_is_no_rating(study, csv, data: dict) -> None:
    result = [{"from_name": "rating", "value": {"rating": 4}}]
    tasks = [
        {"id": 1, "data": {"completion_id": IDS[0], **data},
         "annotations": [{"completed_by": 1, "lead_time": 12.3, "result": result}]},
        {"id": 2, "data": {"completion_id": IDS[1], **data},
         "annotations": [{"completed_by": 1, "lead_time": 9.0, "result": []}]},
    ]  # fmt: skip
    notes = Notes()
    assert add_ratings(study, csv(json.dumps(tasks), name="t.json"), notes=notes) == [
        Rating(completion_id=IDS[0], rater="1", value=4, seconds=12.3)
    ]
    assert "no value given, left out: line 1" in notes.lines()


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"rating": 3, "quality": 4}, "'rating' and 'quality'"),
        ({"value": 3, "rating": 4}, "'value' and 'rating'"),
        ({"value": 3, "rating": "good"}, "'value' and 'rating'"),
    ],
)
def test_a_flat_export_with_two_that_could_be_the_rating(study, csv, columns, named) -> None:
    path = csv(json.dumps([{**LS, **columns}]), name="min.json")
    with pytest.raises(DataError, match=f"{named} could each be the rating"):
        add_ratings(study, path)
    assert kept(study) is None
    reading = Reading(names={"value": named.split("'")[3]})
    if columns[named.split("'")[3]] == 4:
        assert [r.value for r in add_ratings(study, path, None, reading)] == [4]


def test_raters_that_a_tool_holds_as_floats(study, csv) -> None:
    text = f"completion_id,rater,value\n{IDS[0]},1.0,4\n{IDS[1]},1,3\n{IDS[0]},v1.0,2\n"
    notes = Notes()
    ratings = add_ratings(study, csv(text), notes=notes)
    assert sorted({r.rater for r in ratings}) == ["1", "v1.0"]
    assert "raters' numbers taken as whole: '1.0' is the rater 1" in notes.lines()
    with pytest.raises(DataError, match=r"rater '1' rates .* twice"):
        add_ratings(study, csv(f"completion_id,rater,value\n{IDS[0]},1.0,4\n{IDS[0]},1,3\n"))


@pytest.mark.parametrize("name", ["completion_id", "rater"])
@pytest.mark.parametrize(("cell", "found"), [(None, "nothing"), (["x"], "list"), ({}, "dict")])
def test_a_name_is_text_or_a_number(study, csv, name: str, cell: object, found: str) -> None:
    row = {"completion_id": IDS[0], "rater": "anna", "value": 4, name: cell}
    with pytest.raises(DataError, match=f"{name}: expected a name, found {found}"):
        add_ratings(study, csv(json.dumps([row]), name="x.json"))


def test_argilla_ratings(study, csv) -> None:
    record = {
        "id": IDS[0],
        "fields": {"text": "some words"},
        "metadata": {"completion_id": IDS[0]},
        "responses": {
            "rating": [{"value": 4, "user_id": "u1"}, {"value": 2, "user_id": "u2"}],
            "why": [{"value": "kind", "user_id": "u1"}],
        },
        "suggestions": {"rating": {"value": 1, "agent": "a-model"}},
    }
    notes = Notes()
    path = csv(json.dumps([record]), name="a.json")
    assert [(r.rater, r.value) for r in add_ratings(study, path, notes=notes)] == [
        ("u1", 4),
        ("u2", 2),
    ]
    assert "column 'rating.suggestion' not used" in notes.lines()


def test_other_columns_are_named_and_told(study, csv) -> None:
    notes = Notes()
    path = csv(f"Id,who,value,note\n{IDS[0]},Ada Lovelace,4,x\n")
    reading = Reading(names={"completion_id": "id", "rater": "who"})
    assert add_ratings(study, path, None, reading, notes) == [
        Rating(completion_id=IDS[0], rater="ada_lovelace", value=4)
    ]
    assert notes.lines() == (
        "column 'note' not used",
        "rater 'Ada Lovelace' → ada_lovelace",
    )


def test_importing_again_changes_nothing(study, csv) -> None:
    path = csv(f"completion_id,rater,value,seconds\n{IDS[0]},anna,4,9\n{IDS[1]},anna,1,\n")
    first = add_ratings(study, path)
    before = kept(study)
    assert add_ratings(study, path) == first
    assert kept(study) == before


def test_a_second_file_adds(study, csv) -> None:
    add_ratings(study, csv(f"completion_id,rater,value\n{IDS[0]},anna,4\n"))
    both = add_ratings(study, csv(f"completion_id,rater,value\n{IDS[0]},anna,4\n{IDS[0]},ben,2\n"))
    assert [(r.rater, r.value) for r in both] == [("anna", 4), ("ben", 2)]


HEAD = "completion_id,rater,value,seconds\n"
GOOD = f"{IDS[0]},anna,4,1\n"
LONG = "x" * 140_000
BAD = {
    # what: (file, line, part of the message)
    "empty file": ("", None, "the file is empty"),
    "only a header": (HEAD, None, "no rows"),
    "missing column": (f"completion_id,value\n{IDS[0]},4\n", 1, "no column 'rater'"),
    "repeated column": (f"completion_id,rater,value,value\n{IDS[0]},a,4,5\n", 1, "value"),
    "unknown completion": (HEAD + GOOD + "m.base.t-9.d0,anna,4,\n", 3, "unknown completion"),
    "value 0": (HEAD + GOOD + f"{IDS[1]},anna,0,\n", 3, "from 1 to 5, found '0'"),
    "value 6": (HEAD + GOOD + f"{IDS[1]},anna,6,\n", 3, "from 1 to 5, found '6'"),
    "value 4.5": (HEAD + GOOD + f"{IDS[1]},anna,4.5,\n", 3, "found '4.5'"),
    "value 3.5": (HEAD + GOOD + f"{IDS[1]},anna,3.5,\n", 3, "whole number"),
    "value missing": (HEAD + GOOD + f"{IDS[1]},anna,,\n", 3, "found ''"),
    "value a word": (HEAD + GOOD + f"{IDS[1]},anna,good,\n", 3, "found 'good'"),
    "value in other digits": (HEAD + GOOD + f"{IDS[1]},anna,４,\n", 3, "found '４'"),
    "seconds a word": (HEAD + GOOD + f"{IDS[1]},anna,4,long\n", 3, "found 'long'"),
    "seconds nan": (HEAD + GOOD + f"{IDS[1]},anna,4,nan\n", 3, "found 'nan'"),
    "seconds infinite": (HEAD + GOOD + f"{IDS[1]},anna,4,inf\n", 3, "found 'inf'"),
    "seconds negative": (HEAD + GOOD + f"{IDS[1]},anna,4,-3\n", 3, "found '-3'"),
    "rated twice": (HEAD + GOOD + f"{IDS[1]},ben,2,\n{IDS[0]},anna,4,\n", 4, "also on line 2"),
    "rated twice otherwise": (HEAD + GOOD + f"{IDS[0]},anna,5,\n", 3, "twice"),
    "too few cells": (
        HEAD + GOOD + f"{IDS[1]},anna\n",
        3,
        "expected 4 cells as in the header, found 2",
    ),
    "too many cells": (
        HEAD + GOOD + f"{IDS[1]},anna,4,1,1\n",
        3,
        "expected 4 cells as in the header, found 5",
    ),
    "no rater": (HEAD + GOOD + f"{IDS[1]},,4,\n", 3, "rater: expected a name, found nothing"),
    "raters that would become one": (
        HEAD + f"{IDS[0]},Anna B,4,\n{IDS[1]},anna  b,4,\n",
        3,
        "'Anna B' and 'anna  b' of a rater would both become 'anna_b'",
    ),
    "quote never closed": (HEAD + GOOD + f'{IDS[1]},"anna,4,\n' + LONG, 3, "quot"),
}


@pytest.mark.parametrize(("text", "line", "message"), BAD.values(), ids=BAD)
def test_errors_name_the_line_and_keep_nothing(
    study, csv, text: str, line: int | None, message: str
) -> None:
    path = csv(text)
    with pytest.raises(DataError) as found:
        add_ratings(study, path)
    assert message in str(found.value)
    assert (found.value.path, found.value.line) == (str(path), line)
    assert kept(study) is None
    # Nor is anything lost that was there.
    add_ratings(study, csv(HEAD + f"{IDS[2]},cem,3,\n", name="earlier.csv"))
    before = kept(study)
    with pytest.raises(DataError):
        add_ratings(study, path)
    assert kept(study) == before


def test_a_near_miss_is_suggested(study, csv) -> None:
    path = csv(HEAD + "m.base.t-0.d1,anna,4,\n")
    with pytest.raises(DataError, match=r"did you mean 'm\.base\.t-0\.d0'"):
        add_ratings(study, path)


def test_another_value_than_before_is_refused(study, csv) -> None:
    add_ratings(study, csv(HEAD + GOOD))
    before = kept(study)
    path = csv(HEAD + f"{IDS[1]},anna,2,\n{IDS[0]},anna,5,\n")
    with pytest.raises(DataError, match=r"already gave .* a 4, the file says 5") as found:
        add_ratings(study, path)
    assert found.value.line == 3
    assert kept(study) == before


def test_not_utf8_and_no_such_file(study, csv, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="UTF-8"):
        add_ratings(study, csv(HEAD + f"{IDS[0]},jörg,4,\n", "latin-1"))
    (rating,) = add_ratings(
        study, csv(HEAD + f"{IDS[0]},jörg,4,\n", "latin-1"), reading=Reading("latin-1")
    )
    assert rating.rater == "jörg"
    with pytest.raises(DataError, match="no such file"):
        add_ratings(study, tmp_path / "absent.csv")


def test_before_sampling(study, csv) -> None:
    (folders.model_folder(study, "m") / "sample" / "completions.jsonl").unlink()
    with pytest.raises(DataError, match=r"completions\.jsonl"):
        add_ratings(study, csv(HEAD + GOOD))


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(IDS), st.sampled_from(["anna", "ben", "cem"])),
        st.integers(1, 5),
        min_size=1,
    ),
    st.integers(0, 3),
)
@settings(max_examples=15)
def test_what_goes_in_comes_out(study, csv, values: dict[tuple[str, str], int], cut: int) -> None:
    # In one file or in two, overlapping or not: the same ratings.
    (folders.ratings_folder(study) / "ratings.jsonl").unlink(missing_ok=True)
    rows = [f"{name},{rater},{value}\n" for (name, rater), value in values.items()]
    head = "completion_id,rater,value\n"
    add_ratings(study, csv(head + "".join(rows[: cut + 1])))
    found = add_ratings(study, csv(head + "".join(rows)))
    assert {(r.completion_id, r.rater): r.value for r in found} == values
    assert read_ratings(study) == found
