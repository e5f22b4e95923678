"""The one reader of JSON: what it refuses, and that it always does so in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores import store
from mores.errors import DataError
from mores.json_text import DEEPEST, JsonError, parse, parse_next

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, width=32),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@given(VALUES.filter(lambda v: "Infinity" not in json.dumps(v)))
def test_it_reads_what_the_standard_library_reads(value):
    assert parse(f" \n{json.dumps(value)}\t") == value


def test_depth_has_a_limit_below_the_stacks():
    assert parse(nested(DEEPEST)) == json.loads(nested(DEEPEST))
    for levels in (DEEPEST + 1, 900, 3_000, 1_000_000):
        for strict in (True, False):
            with pytest.raises(JsonError, match="more than 100 levels"):
                parse(nested(levels), strict=strict)
    with pytest.raises(JsonError, match="more than 100 levels"):
        parse('{"a":' * 3_000 + "1" + "}" * 3_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "the key 'a' occurs twice in one object"),
        ('[{"b": {"a": 1, "a": 1}}]', "the key 'a' occurs twice"),
        ("[NaN]", "NaN is not JSON"),
        ("1e999", "too large for a number"),
        ("9" * 5_000, "a number of thousands of digits"),
        ('"\\ud83d"', "half of a surrogate pair"),
        ("[" * 3_000, "more than 100 levels"),
        ("", "Expecting value"),
    ],
)
def test_what_no_file_of_ours_could_hold(text, message):
    with pytest.raises(JsonError, match=message):
        parse(text)


def test_where_it_went_wrong():
    with pytest.raises(JsonError, match="Extra data") as caught:
        parse('{"a": 1} x')
    assert caught.value.at == 9
    assert parse_next('[1] {"a": 2}', 4) == ({"a": 2}, 12)


def test_files_of_other_programs_may_hold_infinity(tmp_path: Path):
    path = tmp_path / "config.json"
    path.write_text('{"time_step_limit": [0.0, Infinity]}')
    assert store.read_json(path) == {"time_step_limit": [0.0, float("inf")]}
    path.write_text('{"a":\n' + nested(3_000) + "}")
    with pytest.raises(DataError, match="more than 100 levels"):
        store.read_json(path)
    path.write_text('{"a":\n}')
    with pytest.raises(DataError) as caught:
        store.read_json(path)
    assert caught.value.line == 2


def test_lines_and_toml_that_are_nested_without_end(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a": 1}\n{"a": ' + nested(3_000) + "}\n")
    with pytest.raises(DataError, match="more than 100 levels") as caught:
        store.read_rows(path)
    assert caught.value.line == 2
    path.write_text("a = " + nested(3_000))
    with pytest.raises(DataError, match="lists inside each other"):
        store.read_toml(path)
