"""JSON Lines, or one JSON array of objects → rows with the line on which each begins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import DataError
from mores.tables.opened import open_lines

Rows = Iterator[tuple[int, dict[str, Any]]]


def is_array(path: Path, codec: str) -> bool:
    """Whether the first character that is no blank opens an array."""
    with open_lines(path, encoding=codec) as file:
        for line in file:
            if line.strip():
                return line.lstrip()[0] == "["
    return False


def line_rows(path: Path, codec: str) -> Rows:
    """Yield one object a line; blank lines are skipped, only the row in hand is kept.

    Raises:
        DataError: a line is no JSON object (with the line).
    """
    with open_lines(path, encoding=codec) as file:
        yield from store.json_lines(file, path)


def array_rows(path: Path, codec: str) -> Rows:
    """Yield the objects of one array; the whole file is read.

    Raises:
        DataError: no JSON, or something in the array that is no object (with the line).
    """
    with open_lines(path, encoding=codec) as file:
        text = file.read()
    decoder = json.JSONDecoder(parse_constant=store.refuse_constant, parse_float=store.finite_float)
    at, line = _after_blanks(text, text.index("[") + 1, 1 + text[: text.index("[")].count("\n"))
    while text[at : at + 1] != "]":
        try:
            row, end = decoder.raw_decode(text, at)
        except ValueError as error:
            detail = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise DataError(
                f"not valid JSON: {detail}",
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
