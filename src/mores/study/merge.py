"""What two people did to the same records since they had them in common.

    difference(old, new)            added, removed, changed field by field
    merge(base, theirs, ours)       both sides' changes together, and what they changed differently

Takes records as plain rows, each with a key that no other has, and changes none of them. What both
sides changed differently is a conflict: the result keeps ours, and the conflict names all three, so
that nothing is overwritten and nothing is lost. A field that a row does not have counts as None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mores.errors import DataError
from mores.records import Record

Row = Mapping[str, Any]
Rows = Sequence[Row]
_Index = dict[str, Row]


class FieldChange(Record, frozen=True, kw_only=True):
    """One field of one record."""

    field: str
    before: Any
    after: Any


class Changed(Record, frozen=True, kw_only=True):
    """One record that is in both versions, with what differs."""

    id: str
    fields: tuple[FieldChange, ...]


class Difference(Record, frozen=True, kw_only=True):
    """What leads from one version to another."""

    added: tuple[dict[str, Any], ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Changed, ...] = ()
    moved: bool = False
    """Whether records that are in both stand in another order."""


class Conflict(Record, frozen=True, kw_only=True):
    """What both sides changed differently."""

    id: str
    field: str = ""
    """Empty where one side removed the whole record that the other changed."""
    base: Any
    theirs: Any
    ours: Any
    """Which is what stays."""


class Merged(Record, frozen=True, kw_only=True):
    """Both sides' changes together."""

    rows: tuple[dict[str, Any], ...]
    conflicts: tuple[Conflict, ...] = ()


def difference(old: Rows, new: Rows, *, key: str = "id") -> Difference:
    """Say what leads from one version to another; rows in the order of the new one.

    Raises:
        DataError: two rows of one version have one key.
    """
    before, after = _index(old, key), _index(new, key)
    changed = [
        Changed(id=name, fields=fields)
        for name, row in after.items()
        if name in before and (fields := _fields(before[name], row))
    ]
    return Difference(
        added=tuple(dict(row) for name, row in after.items() if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(changed),
        moved=_moved(list(before), list(after)),
    )


def merge(base: Rows, theirs: Rows, ours: Rows, *, key: str = "id") -> Merged:
    """Put two sides' changes together.

    Args:
        base: what both had in common.
        theirs: one side.
        ours: the other, which stays where both changed the same field differently, and where one
            removed a record that the other changed.
        key: field by which a record is known.

    Returns:
        Rows in the order of whichever side moved records, ours where both did; what the other side
        added comes after what it stands after there. Conflicts in the order of the records.

    Raises:
        DataError: two rows of one version have one key.
    """
    b, t, o = (_index(rows, key) for rows in (base, theirs, ours))
    kept: dict[str, dict[str, Any]] = {}
    conflicts: list[Conflict] = []
    for name in dict.fromkeys([*b, *o, *t]):
        row, own = _record(name, b.get(name), t.get(name), o.get(name))
        conflicts += own
        if row is not None:
            kept[name] = row
    lead, other = (t, o) if not _moved(list(b), list(o)) else (o, t)
    order = woven([i for i in lead if i in kept], [i for i in other if i in kept])
    return Merged(rows=tuple(kept[name] for name in order), conflicts=tuple(conflicts))


def woven(lead: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return the names of both: in the order of the first, others after what they stand after."""
    order, there = list(lead), set(lead)
    before: str | None = None
    for name in other:
        if name not in there:
            order.insert(0 if before is None else order.index(before) + 1, name)
            there.add(name)
        before = name
    return order


def _record(
    name: str, base: Row | None, theirs: Row | None, ours: Row | None
) -> tuple[dict[str, Any] | None, list[Conflict]]:
    """One record of both sides, None where it is removed; and what they changed differently."""
    if _same(theirs, base) or _same(theirs, ours):
        return _copy(ours), []
    if _same(ours, base):
        return _copy(theirs), []
    if theirs is None or ours is None:
        return _copy(ours), [
            Conflict(id=name, base=_copy(base), theirs=_copy(theirs), ours=_copy(ours))
        ]
    row, conflicts = dict(ours), []
    for field in dict.fromkeys([*ours, *theirs]):
        was, one, other = (side.get(field) for side in (base or {}, theirs, ours))
        if one in (was, other):
            continue
        if other == was:
            row[field] = one
        else:
            conflicts.append(Conflict(id=name, field=field, base=was, theirs=one, ours=other))
    return row, conflicts


def _index(rows: Rows, key: str) -> _Index:
    found: _Index = {}
    for row in rows:
        if row[key] in found:
            raise DataError(f"{key} {row[key]!r} is there twice", fix=f"give each its own {key}")
        found[row[key]] = row
    return found


def _fields(old: Row, new: Row) -> tuple[FieldChange, ...]:
    pairs = {name: (old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new])}
    return tuple(
        FieldChange(field=name, before=a, after=b) for name, (a, b) in pairs.items() if a != b
    )


def _same(one: Row | None, other: Row | None) -> bool:
    if one is None or other is None:
        return one is other
    return not _fields(one, other)


def _copy(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else dict(row)


def _moved(old: Sequence[str], new: Sequence[str]) -> bool:
    there, kept = set(new), set(old)
    return [name for name in old if name in there] != [name for name in new if name in kept]
