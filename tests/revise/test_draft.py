"""Drafts: by a model here, with their origin, never over what people edited."""

from __future__ import annotations

import json

import pytest

from mores import store
from mores.curate import check_study, failing
from mores.errors import DataError, ServiceError
from mores.records import Example
from mores.revise.draft import draft
from mores.revise.wanted import wanted_drafts
from mores.study import load_study


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.csv"
    path.write_text("prompt,category,id\nHow can I help?,care,q1\nWho is beautiful?,beauty,q2\n")
    return path


def test_a_model_of_the_study_writes(tiny_study, questions, tiny_folder):
    study = load_study(tiny_study)
    made = draft(study, questions, max_new_tokens=12)
    rows = store.read_jsonl(made.path, Example)
    assert made.path == tiny_study / "drafts.jsonl"
    assert (made.written, made.kept, made.empty) == (4, 0, 0)
    assert [r.id for r in rows] == ["q1-1", "q1-2", "q2-1", "q2-2"]
    assert rows[0].completion != rows[1].completion  # another draw
    assert {r.source for r in rows} == {f"draft by {tiny_folder.name}, from the position"}
    assert [r.reviewer for r in rows] == [""] * 4


def test_a_draft_is_asked_for_in_the_language_of_the_study(tiny_study, questions):
    (first, *_) = wanted_drafts(load_study(tiny_study), questions, 1)
    assert first.task.endswith("Do not mention the position itself.")
    charter = tiny_study / "charter.toml"
    charter.write_text('language = "es-MX"\n' + charter.read_text("utf-8"), encoding="utf-8")
    (first, *_) = wanted_drafts(load_study(tiny_study), questions, 1)
    assert first.task.endswith("Do not mention the position itself. Write in Spanish.")


def test_what_lies_there_is_kept(tiny_study, questions):
    study = load_study(tiny_study)
    first = draft(study, questions, candidates=1, max_new_tokens=8)
    rows = store.read_jsonl(first.path, Example)
    edited = [{**json.loads(x), "completion": "Mine."} for x in first.path.read_text().splitlines()]
    first.path.write_text("".join(json.dumps(row) + "\n" for row in edited))
    again = draft(study, questions, candidates=2, max_new_tokens=8)
    assert (again.written, again.kept) == (2, 2)
    now = store.read_jsonl(first.path, Example)
    assert [r.completion for r in now[:2]] == ["Mine.", "Mine."]
    assert len(now) == 2 * len(rows)


def test_an_unread_draft_fails_the_check(tiny_study, questions):
    study = load_study(tiny_study)
    made = draft(study, questions, candidates=1, max_new_tokens=8)
    with (tiny_study / "values.jsonl").open("a") as values:
        values.write(made.path.read_text())
    found = [f for f in failing(check_study(load_study(tiny_study))) if f.rule == "M505"]
    assert [f.ids for f in found] == [("q1-1",), ("q2-1",)]


def test_bad_input(tiny_study, questions, tmp_path):
    study = load_study(tiny_study)
    with pytest.raises(ServiceError, match="name the one that is to write"):
        draft(study, questions, endpoint="http://127.0.0.1:9/v1")
    with pytest.raises(ServiceError, match="a budget without an address"):
        draft(study, questions, most_tokens=100)
    for wrong in ({"most_money": 1.0}, {"price_read": -1.0}, {"most_tokens": -1}):
        with pytest.raises(ServiceError, match="options of --endpoint"):
            draft(study, questions, model="big", endpoint="http://127.0.0.1:9/v1", **wrong)
    odd = tmp_path / "odd.csv"
    odd.write_text("prompt,category\nWho?,beautyy\n")
    with pytest.raises(DataError, match=r"unknown category 'beautyy'") as error:
        draft(study, odd)
    assert "line 2" in str(error.value)
    assert not (tiny_study / "drafts.jsonl").exists()
