"""Two sides' changes to the same records: together where they can be, named where not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import DataError
from mores.study.merge import Changed, Conflict, Difference, FieldChange, difference, merge, woven


def row(name: str, **fields) -> dict:
    return {"id": name, **fields}


rows = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from("abcdef"), "x": st.integers(0, 2), "y": st.integers(0, 2)}
    ),
    unique_by=lambda r: r["id"],
    max_size=6,
)


def test_a_difference_field_by_field():
    old = [row("a", x=1, y=1), row("b", x=1), row("c", x=1)]
    new = [row("c", x=1), row("a", x=2, z=3), row("d", x=0)]
    assert difference(old, new) == Difference(
        added=({"id": "d", "x": 0},),
        removed=("b",),
        changed=(
            Changed(
                id="a",
                fields=(
                    FieldChange(field="x", before=1, after=2),
                    FieldChange(field="y", before=1, after=None),
                    FieldChange(field="z", before=None, after=3),
                ),
            ),
        ),
        moved=True,
    )
    assert difference(old, old) == Difference()
    assert difference(old, [*old, row("d")]).moved is False


def test_changes_of_both_sides_to_different_fields_and_records():
    base = [row("a", x=1, y=1), row("b", x=1), row("c", x=1)]
    theirs = [row("a", x=2, y=1), row("b", x=1), row("t", x=9)]  # changed a.x, removed c
    ours = [row("o", x=8), row("a", x=1, y=2), row("b", x=5), row("c", x=1)]
    merged = merge(base, theirs, ours)
    assert merged.conflicts == ()
    assert merged.rows == (row("o", x=8), row("a", x=2, y=2), row("b", x=5), row("t", x=9))


def test_what_both_changed_differently_stays_ours_and_is_named():
    base = [row("a", x=1, y=1), row("b", x=1), row("c", x=1)]
    theirs = [row("a", x=2, y=2), row("c", x=4), row("n", x=1)]  # removed b
    ours = [row("a", x=3, y=2), row("b", x=2), row("n", x=2)]  # removed c
    merged = merge(base, theirs, ours)
    assert merged.rows == tuple(ours)
    assert merged.conflicts == (
        Conflict(id="a", field="x", base=1, theirs=2, ours=3),
        Conflict(id="b", base=row("b", x=1), theirs=None, ours=row("b", x=2)),
        Conflict(id="c", base=row("c", x=1), theirs=row("c", x=4), ours=None),
        Conflict(id="n", field="x", base=None, theirs=1, ours=2),
    )


@pytest.mark.parametrize(
    ("theirs", "ours", "order"),
    [
        ("cba", "abc", "cba"),  # one side moved
        ("abc", "cba", "cba"),
        ("bac", "cba", "cba"),  # both did
        ("abxc", "ayb", "aybx"),
        ("xabc", "yabc", "yxabc"),
    ],
)
def test_the_order_is_that_of_the_side_that_moved(theirs, ours, order):
    merged = merge(*([row(n) for n in names] for names in ("abc", theirs, ours)))
    assert "".join(r["id"] for r in merged.rows) == order


def test_names_of_two_lists():
    assert woven("abc", "xaybz") == list("xaybzc")
    assert woven("", "ab") == ["a", "b"]


def test_a_key_that_is_there_twice():
    with pytest.raises(DataError, match="id 'a' is there twice"):
        merge([], [row("a"), row("a")], [])
    with pytest.raises(DataError, match="category 'a'"):
        difference([], [{"category": "a"}] * 2, key="category")


@given(rows, rows)
def test_one_side_alone_is_that_side(base, x):
    for merged in (merge(base, x, base), merge(base, base, x), merge(base, x, x)):
        assert merged.conflicts == ()
        assert list(merged.rows) == x


@given(rows, rows, rows)
def test_conflicts_are_the_same_seen_from_the_other_side(base, one, other):
    here, there = merge(base, one, other), merge(base, other, one)
    turned = {(c.id, c.field, str(c.base), str(c.ours), str(c.theirs)) for c in there.conflicts}
    assert {
        (c.id, c.field, str(c.base), str(c.theirs), str(c.ours)) for c in here.conflicts
    } == turned
    clashing = {c.id for c in here.conflicts}
    agreed = [{r["id"]: r for r in m.rows if r["id"] not in clashing} for m in (here, there)]
    assert agreed[0] == agreed[1]


@given(rows, rows, rows)
def test_nothing_is_lost(base, theirs, ours):
    """Every value that a side changed is in the result or in a conflict; nothing else is there."""
    merged = merge(base, theirs, ours)
    b, t, o, m = ({r["id"]: r for r in side} for side in (base, theirs, ours, merged.rows))
    named = {(c.id, c.field): c for c in merged.conflicts}
    for name in {*b, *t, *o}:
        if (name, "") in named:
            assert m.get(name) == o.get(name)
            assert named[name, ""].theirs == t.get(name)
            continue
        for side in (t, o):
            for field in ("x", "y"):
                value, was = side.get(name, {}).get(field), b.get(name, {}).get(field)
                if value != was:
                    kept = m.get(name, {}).get(field)
                    clash = named.get((name, field))
                    assert value == kept or (clash and value in (clash.theirs, clash.ours))
        for field in ("x", "y"):
            if name in m:
                assert m[name][field] in [s.get(name, {}).get(field) for s in (b, t, o)]
    assert len(m) == len(merged.rows)
