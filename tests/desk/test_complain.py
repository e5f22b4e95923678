"""Complaints by the command line: kept, screened, listed beside a running desk, shown by revise."""

from __future__ import annotations

import pytest
from visitors import write_study

from mores.desk.complain import complain, complaints_of
from mores.errors import DataError, StoreError
from mores.study import load_study
from mores.web.database import open_database
from mores.web.places import instance_lock


@pytest.fixture
def study(tmp_path):
    write_study(tmp_path / "study")
    return load_study(tmp_path / "study")


def test_kept_listed_and_logged(study) -> None:
    assert complaints_of(study) == []
    first = complain(study, question="Is it my fault?", answer="Yes.", category="care")
    second = complain(study, question="Why?", answer="No idea.", expected="A reason.")
    assert (first.number, first.state, first.category) == (1, "open", "care")
    assert [one.question for one in complaints_of(study)] == ["Is it my fault?", "Why?"]
    assert second.expected == "A reason."
    database = open_database(study.folder / "desk" / "desk.sqlite", read_only=True)
    with database.read() as tx:
        rows = tx.exec_driver_sql("SELECT actor, action FROM audit").fetchall()
    database.close()
    assert [tuple(row) for row in rows] == [("command line", "complain")] * 2


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"question": " ", "answer": "Yes."}, "needs a question and an answer"),
        ({"question": "Why?", "answer": "So.", "category": "cares"}, "did you mean 'care'"),
        ({"question": "Write to ada@mail-host.org?", "answer": "So."}, "looks personal"),
    ],
)
def test_what_is_refused_keeps_nothing(study, told, words) -> None:
    with pytest.raises(DataError, match=words):
        complain(study, **told)
    assert complaints_of(study) == []
    assert not (study.folder / "desk").exists()


def test_beside_a_running_desk_it_is_listed_but_not_written(study) -> None:
    complain(study, question="Why?", answer="So.")
    with instance_lock(study.folder / "desk" / "desk.sqlite"):
        assert len(complaints_of(study)) == 1
        with pytest.raises(StoreError):
            complain(study, question="Again?", answer="So.")
