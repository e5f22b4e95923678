"""Two reports side by side: what is equal, and how a place is named."""

from __future__ import annotations

import pytest

from mores.release.pack.compare import ABSENT, compare, in_words, under


def places(one, other):
    return {where: (a, b) for where, a, b in compare(one, other)[1]}


def test_places_are_named_by_what_names_their_entry():
    one = {"estimates": [
        {"measure": "rating", "contrast": "a - b", "category": "overall", "value": 1.0,
         "details": {"model": "m"}},
        {"measure": "rating", "contrast": "a - b", "category": "overall", "value": 2.0,
         "details": {"model": "n"}},
    ]}  # fmt: skip
    other = {"estimates": [one["estimates"][1], one["estimates"][0] | {"value": 1.5}]}
    assert places(one, other) == {"estimates[rating, a - b, overall, m].value": (1.0, 1.5)}
    assert compare(one, one)[0] == 10


def test_what_is_there_on_one_side_only_differs():
    assert places({"a": None}, {}) == {"a": (None, ABSENT)}
    assert places({"a": [{"id": "x", "n": 1}]}, {"a": []}) == {
        "a[x]": ({"id": "x", "n": 1}, ABSENT)
    }
    assert places({"a": [1, 2]}, {"a": [1]}) == {"a[1]": (2, ABSENT)}
    assert places({"a": {}}, {"a": []}) == {"a": ({}, [])}


def test_entries_that_nothing_tells_apart_are_counted():
    rows = [{"id": "x", "v": 1}, {"id": "x", "v": 2}]
    assert places(rows, [rows[0], rows[1] | {"v": 3}]) == {"[1].v": (2, 3)}


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (0.1 + 0.2, 0.3, True),  # the last bit: a sum taken in another order
        (1.0, 1.0 + 1e-8, False),
        (0.0, 1e-11, False),
        (0.0, 1e-13, True),
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, 0, False),
        ("1", 1, False),
        ("shown", "not shown", False),
    ],
)
def test_what_counts_as_equal(one, other, equal):
    assert (places(one, other) == {}) is equal


def test_places_below_others_and_long_values():
    assert under("charter.positions[a].who", ("charter.positions",))
    assert under("inputs", ("inputs",))
    assert not under("inputs_of", ("inputs",))
    assert in_words("x" * 500) == "x" * 119 + "…"
    assert (in_words(ABSENT), in_words(None), in_words(0.5)) == ("nothing", "null", "0.5")
