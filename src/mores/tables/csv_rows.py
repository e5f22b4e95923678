"""CSV of any dialect → rows, read one after another.

The first thing that comes is the header, as a list; then ``{column: cell}``, all with the line
on which they begin.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from mores.errors import DataError
from mores.tables.columns import folded, row_of
from mores.tables.opened import open_lines

DELIMITERS = (",", ";", "\t", "|")
_SEP = re.compile(r"""("?)sep=([,;\t|])\1([,;\t|]*)""", re.IGNORECASE)
"""A spreadsheet's first line; saved again it is quoted, or as long as the table."""
_LONGEST_CELL = 2**31 - 1
"""Characters; Python's own limit of 131,072 refuses long documents. A C long on every system."""

Rows = Iterator[tuple[int, Any]]


def csv_rows(path: Path, asked: set[str], codec: str) -> Rows:
    """Yield the header and the rows of a CSV file.

    Args:
        path: the file.
        asked: folded names of columns, by which the delimiter is told.
        codec: of the file.

    Raises:
        DataError: no header, a row with more or fewer cells than it, a quote that is not closed
            or text after one that is, a NUL character; with the line.
    """
    csv.field_size_limit(_LONGEST_CELL)
    # newline="": a quoted cell may hold line ends of every kind.
    with open_lines(path, encoding=codec, newline="") as file:
        lines = enumerate(_text_lines(file, path), 1)
        start, first, delimiter = _begin(lines, asked, path)
        rest = (line for _, line in lines)
        reader = csv.reader(chain([first], rest), delimiter=delimiter, strict=True)
        before = start - 1
        header: list[str] = []
        try:
            for cells in reader:
                if not header:
                    header = cells
                    yield start, list(header)
                elif any(map(str.strip, cells)):
                    yield start, _row(header, cells, path, start)
                start = before + reader.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"not valid CSV: {error}",
                path=path,
                line=start,
                fix='close every quote; quote a cell that holds one, and write it as ""',
            ) from None


def _text_lines(file: Iterable[str], path: Path) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        if "\0" in line:
            raise DataError(
                "found a NUL character, which no text has",
                path=path,
                line=number,
                fix="save the file as CSV UTF-8; UTF-16 without a byte-order mark reads "
                "with --encoding utf-16-le",
            )
        yield line


def _begin(lines: Iterator[tuple[int, str]], asked: set[str], path: Path) -> tuple[int, str, str]:
    """Find the header's first line, its number, and the delimiter."""
    filled = ((number, line) for number, line in lines if line.strip())
    number, first = next(filled, (0, ""))
    hint = _SEP.fullmatch(first.rstrip("\r\n "))
    if hint:
        number, first = next(filled, (0, ""))
    if not first:
        raise DataError(
            "the file is empty", path=path, fix="give a file with a header and at least one row"
        )
    return number, first, (hint[3] or hint[2])[0] if hint else _delimiter(first, asked)


def _delimiter(line: str, asked: set[str]) -> str:
    def fit(delimiter: str) -> tuple[int, int]:
        names = next(csv.reader([line], delimiter=delimiter), [])
        return len(asked.intersection(map(folded, names))), len(names)

    return max(DELIMITERS, key=fit)


def _row(header: list[str], cells: list[str], path: Path, line: int) -> dict[str, Any]:
    if len(cells) != len(header):
        raise DataError(
            f"expected {len(header)} cells as in the header, found {len(cells)}",
            path=path,
            line=line,
            fix="quote a cell that holds the delimiter or a line end",
        )
    return row_of(header, cells)
