"""A sample of a log: every line as likely, one answer of each, memory that does not grow."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from mores.errors import DataError
from mores.release.watch.traffic import LONGEST, Answer, known_questions, one_each, sample_log


def written(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_short_log_is_taken_whole(tmp_path):
    rows = [{"answer": f"a{i}", "question": f"q{i}", "user": "x"} for i in range(5)]
    seen = sample_log(written(tmp_path / "l.jsonl", rows), 9, seed="s")
    assert seen.answers == tuple(Answer(f"a{i}", f"q{i}") for i in range(5))
    assert (seen.rows, seen.without, seen.sampled) == (5, 0, 5)


def test_every_line_is_as_likely(tmp_path):
    path = written(tmp_path / "l.jsonl", [{"answer": str(i)} for i in range(12)])
    taken = [0] * 12
    for seed in range(1200):
        for one in sample_log(path, 3, seed=str(seed)).answers:
            taken[int(one.text)] += 1
    # Each is in a quarter of the samples: 300 of 1200, standard deviation 15.
    assert sum(taken) == 3600
    assert all(abs(count - 300) < 5 * 15 for count in taken), taken
    assert sample_log(path, 3, seed="1") == sample_log(path, 3, seed="1")


def test_names_of_other_tools_and_of_the_user(tmp_path):
    rows = [{"prompt": "q", "completion": "a", "session_id": 7}]
    (one,) = sample_log(written(tmp_path / "l.jsonl", rows), 1, seed="s").answers
    assert one == Answer("a", "q", "7")
    path = tmp_path / "l.csv"
    path.write_text('was,said\nWhy?,"So, ""then"""\n', encoding="utf-8")
    names = {"question": "was", "answer": "said"}
    assert sample_log(path, 1, seed="s", names=names).answers == (Answer('So, "then"', "Why?"),)


def test_one_answer_of_each_question_and_each_conversation():
    rows = [
        Answer("1", "Who is it?", "u"),
        Answer("2", "who  is IT?", "v"),
        Answer("3", "Why?", "u"),
        Answer("4", "When?", "w"),
        Answer("5"),
        Answer("6"),
    ]
    assert [a.text for a in one_each(rows)] == ["1", "4", "5", "6"]
    assert known_questions(rows, ["Who is it?", "What?"]) == 2
    assert known_questions(rows[4:], ["Who is it?"]) is None


def test_absent_is_no_empty_answer(tmp_path):
    rows = [{"answer": None}, {"answer": ""}, {"answer": "x" * (LONGEST + 5)}]
    seen = sample_log(written(tmp_path / "l.jsonl", rows), 9, seed="s")
    assert [len(a.text) for a in seen.answers] == [0, LONGEST]
    assert (seen.rows, seen.without) == (3, 1)


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ('{"answer": "a"}\n{"answer": 3}\n', "expected a text as answer, found int", 2),
        ('{"answer": "a"}\n{"answer": "a", "question": ["b"]}\n', "as question, found list", 2),
        ('{"answer": "a"}\n{"answer": \n', "not valid JSON", 2),
        ('{"said": "a"}\n', "answer", 1),
        ('{"answer": null}\n', "none of 1 lines has an answer", None),
        ("", "no rows", None),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, said, line):
    path = tmp_path / "l.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said) as caught:
        sample_log(path, 9, seed="s")
    assert caught.value.line == line


def peak(path: Path) -> int:
    sample_log(path, 50, seed="s")  # whatever is loaded once
    tracemalloc.start()
    sample_log(path, 50, seed="s")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_memory_does_not_grow_with_the_log(tmp_path):
    rows = ({"answer": f"an answer of some words, number {i:06d}"} for i in range(40_000))
    long = written(tmp_path / "long.jsonl", rows)
    rows = ({"answer": f"an answer of some words, number {i:06d}"} for i in range(2_000))
    short = written(tmp_path / "short.jsonl", rows)
    assert long.stat().st_size > 2_000_000
    assert peak(long) < peak(short) + 50_000  # bytes
