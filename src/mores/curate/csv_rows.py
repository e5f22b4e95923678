"""CSV with a header → rows with line numbers; the delimiter is found from the header.

Takes a file, gives (line, row) pairs.

    read_csv_rows(Path("samples.csv"))   # [(2, {"prompt": "...", "completion": "..."}), ...]
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import DataError, did_you_mean

DELIMITERS = (",", ";", "\t", "|")
QUESTION = ("prompt", "question")
ANSWER = ("completion", "answer")


def is_table(path: Path) -> bool:
    """Say whether a file is CSV: by its name, or by a first line that is such a header."""
    if path.suffix.lower() in (".csv", ".tsv"):
        return True
    if path.suffix.lower() in (".jsonl", ".json", ".ndjson"):
        return False
    return _delimiter(store.read_text(path)) is not None


def read_csv_rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read a CSV file; names of columns in any case, blank rows skipped.

    Raises:
        DataError: not UTF-8 (with the line), no header with question and answer, a
            row with more or fewer cells than the header, a quote that is not closed.
    """
    text = store.read_text(path)
    delimiter = _delimiter(text)
    if delimiter is None:
        raise _no_header(text, path)
    # Not splitlines: cells may hold line ends, which the reader itself must see.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, dict[str, Any]]] = []
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            if not header:
                header = _header(cells, path)
            elif any(cells):
                rows.append((line, _row(header, cells, path, line)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"not valid CSV: {error}",
            path=path,
            line=line,
            fix='quote a cell that holds the delimiter or a line end, and write " as ""',
        ) from None
    return rows


def _delimiter(text: str) -> str | None:
    """Return the delimiter for which the first line names a question and an answer column."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    for delimiter in DELIMITERS:
        names = _names(first, delimiter)
        if any(q in names for q in QUESTION) and any(a in names for a in ANSWER):
            return delimiter
    return None


def _names(line: str, delimiter: str) -> list[str]:
    # A header is short; a line of another format may exceed the reader's limit.
    cells = next(csv.reader([line[:10_000]], delimiter=delimiter), [])
    return [cell.strip().lower() for cell in cells]


def _header(cells: list[str], path: Path) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise DataError(f"the column {twice[0]!r} occurs twice", path=path, line=1)
    return names


def _row(header: list[str], cells: list[str], path: Path, line: int) -> dict[str, Any]:
    if len(cells) != len(header):
        raise DataError(
            f"expected {len(header)} cells as in the header, found {len(cells)}",
            path=path,
            line=line,
            fix="quote a cell that holds the delimiter or a line end",
        )
    row: dict[str, Any] = {name: cell for name, cell in zip(header, cells, strict=True) if name}
    if row.get("suppress"):
        try:
            row["suppress"] = json.loads(row["suppress"])
        except json.JSONDecodeError as error:
            raise DataError(
                f"the cell suppress is not JSON: {error.msg}", path=path, line=line
            ) from None
    return row


def _no_header(text: str, path: Path) -> DataError:
    first = next((line for line in text.splitlines() if line.strip()), "")
    names = max((_names(first, d) for d in DELIMITERS), key=len)
    hints = [did_you_mean(name, (*QUESTION, *ANSWER)) for name in names]
    hint = next((h for h in hints if h), "")
    shown = ", ".join(name[:30] for name in names[:8]) or "nothing"
    return DataError(
        "expected a header with prompt and completion, or question and answer; "
        f"found {shown}{hint}",
        path=path,
        line=1,
        fix="name the columns in the first line",
    )
