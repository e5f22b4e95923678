"""Every error tells place, problem and remedy."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

from mores import errors
from mores.errors import DataError, LeakError, MoresError, StudyError, did_you_mean, from_parts

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, MoresError)
]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({}, "broken"),
        ({"path": "a.jsonl"}, "a.jsonl: broken"),
        ({"path": "a.jsonl", "line": 3}, "a.jsonl:3: broken"),
        ({"path": "a.jsonl", "line": 3, "where": "id 'v-1'"}, "a.jsonl:3 (id 'v-1'): broken"),
        ({"where": "id 'v-1'"}, "id 'v-1': broken"),
        ({"path": "a.jsonl", "fix": "mend it"}, "a.jsonl: broken\n  fix: mend it"),
        ({"fix": "mend it"}, "broken\n  fix: mend it"),
    ],
)
def test_the_text_gives_place_problem_and_remedy(place, text):
    assert str(DataError("broken", **place)) == text


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_can_be_made_from_its_parts(kind):
    """As plain data: it may have been raised on another machine."""
    error = kind("broken", path=Path("a.jsonl"), line=3, where="id 'v-1'", fix="mend it")
    again = from_parts(json.loads(json.dumps(error.parts)))
    assert type(again) is kind
    assert (str(again), again.parts) == (str(error), error.parts)


def test_an_error_of_a_class_that_is_not_known_here_is_still_one():
    parts = {"kind": "QuotaError", "message": "broken", "fix": "mend it"}
    assert type(from_parts(parts)) is MoresError
    assert str(from_parts({**parts, "kind": "Path"})) == "broken\n  fix: mend it"


def test_the_parts_stay_available():
    error = StudyError("broken", path="a", line=2, where="x", fix="y")
    assert (error.message, error.path, error.line, error.where, error.fix) == (
        "broken",
        "a",
        2,
        "x",
        "y",
    )


def test_the_tree_is_the_one_drawn_in_the_docstring():
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, Exception)
    }
    drawn = [word for word in errors.__doc__.split() if word.endswith("Error")]
    assert sorted(drawn) == sorted(classes)
    assert LeakError.__base__ is DataError
    direct = set(classes) - {"MoresError", "LeakError"}
    assert all(classes[name].__base__ is MoresError for name in direct)


@pytest.mark.parametrize(
    ("word", "answer"),
    [("epoch", "; did you mean 'epochs'?"), ("zzz", ""), ("", "")],
)
def test_did_you_mean_names_the_nearest_known_word_or_nothing(word, answer):
    assert did_you_mean(word, ["epochs", "method"]) == answer
