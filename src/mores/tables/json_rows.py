"""JSON Lines, or one JSON array of objects → rows with the line on which each begins."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import DataError
from mores.json_text import JsonError, parse_next
from mores.tables.columns import folded
from mores.tables.exports import tool_of
from mores.tables.opened import open_lines

Rows = Iterator[tuple[int, dict[str, Any]]]


def is_array(path: Path, codec: str) -> bool:
    """Whether the first character that is no blank opens an array."""
    with open_lines(path, encoding=codec) as file:
        for line in file:
            if line.strip():
                return line.lstrip()[0] == "["
    return False


def line_rows(path: Path, codec: str, asked: Collection[str]) -> Rows:
    """Yield one object a line; blank lines are skipped, only the row in hand is kept.

    A file of one object may have it over several lines.

    Args:
        path: the file.
        codec: of the file.
        asked: folded names of keys that a row may have.

    Raises:
        DataError: a line is no JSON object (with the line), or all rows are inside one object.
    """
    with open_lines(path, encoding=codec) as file:
        rows = store.json_lines(file, path)
        try:
            first = next(rows, None)
        except DataError as error:
            first = _one_object(path, codec, error)
        if first is None:
            return
        inside = _inside(first[1], asked)
        second = next(rows, None) if inside else None
        if inside and second is None:
            raise DataError(
                f"the rows are a list inside an object, under {inside!r}",
                path=path,
                line=first[0],
                fix="give the list alone: a file that begins with [",
            )
        yield from chain([first], [second] if second else [], rows)


def _one_object(path: Path, codec: str, error: DataError) -> tuple[int, dict[str, Any]]:
    """The object that a whole file is, if its first line is none by itself; else the error."""
    with open_lines(path, encoding=codec) as file:
        text = file.read()
    at, line = _after_blanks(text, 0, 1)
    try:
        row, end = parse_next(text, at)
    except JsonError:
        raise error from None
    after, below = _after_blanks(text, end, line + text.count("\n", at, end))
    if not isinstance(row, dict) or below == line:
        raise error
    if text[after:]:
        raise DataError(
            "an object over several lines, and something after it",
            path=path,
            line=below,
            fix="write one object a line, or all of them as one array: [..., ...]",
        )
    return line, row


def _inside(row: dict[str, Any], asked: Collection[str]) -> str:
    """The key under which an object that is no row holds a list of rows; "" if there is none."""
    if not asked or any(folded(name) in asked for name in row) or tool_of(row):
        return ""
    lists = [
        name
        for name, value in row.items()
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    ]
    return lists[0] if len(lists) == 1 else ""


def array_rows(path: Path, codec: str) -> Rows:
    """Yield the objects of one array; the whole file is read.

    Raises:
        DataError: no JSON, or something in the array that is no object (with the line).
    """
    with open_lines(path, encoding=codec) as file:
        text = file.read()
    at, line = _after_blanks(text, text.index("[") + 1, 1 + text[: text.index("[")].count("\n"))
    while text[at : at + 1] != "]":
        try:
            row, end = parse_next(text, at)
        except JsonError as error:
            raise DataError(
                f"not valid JSON: {error}",
                path=path,
                line=line,
                fix="a file that begins with [ is one array of objects",
            ) from None
        yield line, store.json_object(row, path, line)
        at, line = _after_blanks(text, end, line + text.count("\n", at, end))
        if text[at : at + 1] == ",":
            at, line = _after_blanks(text, at + 1, line)
        elif text[at : at + 1] != "]":
            raise DataError(
                "not valid JSON: expected a comma or the end of the array",
                path=path,
                line=line,
                fix="was the file cut off?",
            )
    if text[at + 1 :].strip():
        raise DataError("not valid JSON: text after the end of the array", path=path, line=line)


def _after_blanks(text: str, at: int, line: int) -> tuple[int, int]:
    """Return where the next character that is no blank stands, and its line."""
    while at < len(text) and text[at].isspace():
        line += text[at] == "\n"
        at += 1
    return at, line
