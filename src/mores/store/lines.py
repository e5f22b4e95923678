"""Records of a JSON Lines file that mores wrote, one after another: a file of any size.

    for completion in iter_records(path, Completion): ...

What people write is read by `store.read_jsonl`, which refuses more (a key twice in one object) and
is twenty times as slow. A line that is not in order gets the same message from both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from mores import store
from mores.errors import DataError

R = TypeVar("R", bound=msgspec.Struct)
_MARK = b"\xef\xbb\xbf"


def iter_records(path: Path, kind: type[R], *, unique: str | None = "id") -> Iterator[R]:
    """Read one record a line and keep none.

    Args:
        path: a JSON Lines file; blank lines are skipped.
        kind: record type of every line.
        unique: field whose values must all differ, if any.

    Raises:
        DataError: missing, not UTF-8, a line that is no such record (with its number), or a value
            twice.
    """
    decode = msgspec.json.Decoder(kind).decode
    field = unique if unique in kind.__struct_fields__ else None
    seen: set[object] = set()
    if not path.is_file():
        with store.open_text(path):  # says what is there instead
            return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if number == 1:
                line = line.removeprefix(_MARK)
            if not line.strip():
                continue
            try:
                record = decode(line)
            except (msgspec.DecodeError, UnicodeError, ValueError):
                record = _with_care(path, number, kind)
            if field is not None:
                key = getattr(record, field)
                if key in seen:
                    raise _twice(path, field, key, number)
                seen.add(key)
            yield record


def read_records(path: Path, kind: type[R], *, unique: str | None = "id") -> list[R]:
    """Read all records; see `iter_records`."""
    return list(iter_records(path, kind, unique=unique))


def _with_care(path: Path, number: int, kind: type[R]) -> R:
    """Read one line as `store` does, whose messages are for people.

    Raises:
        DataError: what is wrong with it, or with the file's encoding before it.
    """
    for at, row in store.iter_rows(path):
        if at == number:
            return store.as_record(row, kind, path=path, line=number)
    raise DataError("the file changed while it was read", path=path, line=number)


def _twice(path: Path, field: str, key: object, number: int) -> DataError:
    first = next(at for at, row in store.iter_rows(path) if row.get(field) == key)
    return DataError(
        f"{field} {key!r} was already used on line {first}",
        path=path,
        line=number,
        fix=f"give every record its own {field}",
    )
