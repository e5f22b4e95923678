"""A file of ratings → its rows, each checked, with the line that it begins on.

Its columns are that of the ids, ``rater`` and ``value`` (1 to 5); ``seconds`` may be given.
A language model's file has no ``rater``: its name is given apart.

    rows = read_file(Path("ratings.csv"), "completion_id")
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from msgspec.structs import replace as struct

from mores import store
from mores.errors import DataError
from mores.records import Rating
from mores.tables import read_table


@dataclass(frozen=True)
class FileRow:
    """One line of the file."""

    line: int
    rating: Rating
    """Its `completion_id` is whatever the id's column holds."""


def read_file(
    source: Path, column: str, judge: str | None = None, encoding: str | None = None
) -> list[FileRow]:
    """Read and check every line.

    Args:
        source: the file, CSV or JSON Lines.
        column: name of the column of ids.
        judge: name of the language model that rated; the file then has no column ``rater``.
        encoding: of the file, such as ``cp1252``; by default UTF-8, or what its mark says.

    Raises:
        DataError: what `read_table` raises, a column beside these, a value that is not 1 to 5,
            seconds that are none, a rater who rates the same id twice.
    """
    names = (column, *(() if judge else ("rater",)), "value")
    rows = [
        FileRow(line, _rating({"rater": judge or "", **row}, column, source, line))
        for line, row in read_table(source, names, others=("seconds",), encoding=encoding)
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


def _rating(cells: dict[str, Any], column: str, source: Path, line: int) -> Rating:
    row = {name: "" if cell is None else str(cell).strip() for name, cell in cells.items()}
    value, seconds = row["value"], row.get("seconds", "")
    if not re.fullmatch(r"[1-5](\.0+)?", value):  # tools that hold numbers as floats write 4.0
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
        "value": int(value[0]),
        "seconds": taken,
    }
    return store.as_record(plain, Rating, path=source, line=line)
