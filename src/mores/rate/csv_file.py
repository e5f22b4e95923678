"""A CSV of ratings → its rows, each checked, with the line that it begins on.

The header names the id's column, ``rater`` and ``value`` (1 to 5); ``seconds`` may be given.
A language model's file has no ``rater``: its name is given apart.
Commas, semicolons and tabs are understood.

    rows = read_file(Path("ratings.csv"), "completion_id")
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec.structs import replace as struct

from mores import store
from mores.errors import DataError
from mores.records import Rating


@dataclass(frozen=True)
class FileRow:
    """One line of the file."""

    line: int
    rating: Rating
    """Its `completion_id` is whatever the id's column holds."""


def read_file(source: Path, column: str, judge: str | None = None) -> list[FileRow]:
    """Read and check every line.

    Args:
        source: the CSV.
        column: name of the column of ids.
        judge: name of the language model that rated; the file then has no column ``rater``.

    Raises:
        DataError: not UTF-8, not CSV, a missing, unknown or repeated column, a value that is not
            1 to 5, seconds that are none, a rater who rates the same id twice.
    """
    names = (column, *(() if judge else ("rater",)), "value")
    rows = [
        FileRow(line, _rating({"rater": judge or "", **row}, column, source, line))
        for line, row in _rows(source, names)
    ]
    if judge:
        rows = [replace(row, rating=struct(row.rating, kind="judge")) for row in rows]
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.rating.completion_id, row.rating.rater)
        if key in seen:
            raise DataError(
                f"rater {key[1]!r} rates {key[0]!r} twice (also on line {seen[key]})",
                path=source,
                line=row.line,
                fix="keep one of the two",
            )
        seen[key] = row.line
    return rows


def columns_of(source: Path) -> list[str]:
    """Return the names in the header, as they are; none where it is not CSV."""
    text = store.read_text(source)
    try:
        first = next(csv.reader(io.StringIO(text, newline=""), dialect=_dialect(text)), [])
    except csv.Error:  # `read_file` says what is wrong
        return []
    return [name.strip() for name in first]


def _rows(source: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Rows with the line that each begins on."""
    text = store.read_text(source)
    reader = csv.reader(io.StringIO(text, newline=""), dialect=_dialect(text))
    header: list[str] = []
    rows = []
    line = 1
    try:
        for cells in reader:
            if not header:
                header = _header(cells, columns, source)
            elif any(cell.strip() for cell in cells):
                rows.append((line, _row(header, cells, source, line)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"not valid CSV: {error}",
            path=source,
            line=line,
            fix='close every quote; a cell that holds one writes it twice: ""',
        ) from None
    if not header:
        raise DataError("the file is empty", path=source)
    if not rows:
        raise DataError("no ratings below the header", path=source)
    return rows


def _header(cells: list[str], needed: tuple[str, ...], source: Path) -> list[str]:
    columns = (*needed, "seconds")
    header = [name.strip() for name in cells]
    found = {
        "missing": [name for name in needed if name not in header],
        "unknown": [name for name in header if name not in columns],
        "twice": sorted({name for name in header if header.count(name) > 1}),
    }
    for what, names in found.items():
        if names:
            raise DataError(
                f"columns: {what} {', '.join(names)}",
                path=source,
                line=1,
                fix=f"expected {', '.join(columns)}",
            )
    return header


def _row(header: list[str], cells: list[str], source: Path, line: int) -> dict[str, str]:
    if len(cells) != len(header):
        raise DataError(f"expected {len(header)} cells, found {len(cells)}", path=source, line=line)
    return dict(zip(header, map(str.strip, cells), strict=True))


def _dialect(text: str) -> type[csv.Dialect]:
    class Found(csv.excel):
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        strict = True

    return Found


def _rating(row: dict[str, str], column: str, source: Path, line: int) -> Rating:
    value, seconds = row["value"], row.get("seconds", "")
    if value not in ("1", "2", "3", "4", "5"):
        raise DataError(
            f"value: expected a whole number from 1 to 5, found {value!r}",
            path=source,
            line=line,
            fix="leave out what could not be rated; absent is not a number",
        )
    try:
        taken = float(seconds) if seconds else None
    except ValueError:
        taken = math.nan
    if taken is not None and not 0.0 <= taken < math.inf:
        raise DataError(
            f"seconds: expected a number from 0 on, found {seconds!r}", path=source, line=line
        )
    plain = {
        "completion_id": row[column],
        "rater": row["rater"],
        "value": int(value),
        "seconds": taken,
    }
    return store.as_record(plain, Rating, path=source, line=line)
