"""Two reports as plain data, place by place, each place named as a person would name it.

compared, differences = compare(said, found)
differences[0].where      "estimates[stance, values_targeted - control, overall, m].value"
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

NAMES = ("id", "name", "judge", "model", "measure", "contrast", "category", "key", "what", "task",
         "scorer", "question", "arm", "number", "gate")  # fmt: skip
"""Fields that name an entry of a list, in this order."""
CLOSE = 1e-9
"""Relative: another build of numpy may take a sum in another order. Nothing printed differs."""
LONGEST = 120
Place = tuple[str, Any, Any]
"""Where, what is said there, what was found; `ABSENT` where a side has nothing."""


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


def compare(said: Any, found: Any) -> tuple[int, list[Place]]:
    """Compare two values of plain data.

    Returns:
        Single values that were compared, and the places where they differ.
    """
    places = list(_places(said, found, ""))
    return len(places), [one for one in places if not _equal(one[1], one[2])]


def in_words(value: Any) -> str:
    """Return a value for a message, cut where it is long."""
    text = value if isinstance(value, str) else "nothing" if value is ABSENT else _json(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def under(place: str, prefixes: Sequence[str]) -> bool:
    """Whether a place is one of these, or below one."""
    return any(place == p or place.startswith((f"{p}.", f"{p}[")) for p in prefixes)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _places(said: Any, found: Any, at: str) -> Iterator[Place]:
    if isinstance(said, dict) and isinstance(found, dict) and (said or found):
        for key in dict.fromkeys([*said, *found]):
            below = f"{at}.{key}" if at else str(key)
            yield from _places(said.get(key, ABSENT), found.get(key, ABSENT), below)
    elif isinstance(said, list) and isinstance(found, list) and (said or found):
        ours, theirs = _named(said), _named(found)
        for name in dict.fromkeys([*ours, *theirs]):
            yield from _places(ours.get(name, ABSENT), theirs.get(name, ABSENT), f"{at}[{name}]")
    else:
        yield at, said, found


def _named(rows: list[Any]) -> dict[str, Any]:
    """Entries by what names them; by their place where that names two."""
    names = [_name(row) for row in rows]
    if len(set(names)) < len(names) or "" in names:
        names = [str(number) for number in range(len(rows))]
    return dict(zip(names, rows, strict=True))


def _name(row: Any) -> str:
    if not isinstance(row, dict):
        return ""
    details = row.get("details")
    named = [row.get(key) for key in NAMES]
    named += [details.get("model")] if isinstance(details, dict) else []
    return ", ".join(str(one) for one in named if isinstance(one, str | int) and one != "")


def _equal(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=1e-12)
    return type(one) is type(other) and bool(one == other)
