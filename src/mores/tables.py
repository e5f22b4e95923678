"""The one reader of tables that people bring: CSV, TSV and JSON Lines, row after row.

Takes a file, gives the line on which each row begins and ``{column: cell}``; cells of CSV are
text as it stands. Only the row in hand is kept, so a file may have any size.

    for line, row in read_table(Path("texts.csv"), ["text", "group"]):
        ...
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from mores import store
from mores.errors import DataError, did_you_mean

Row = tuple[int, dict[str, Any]]

DELIMITERS = (",", ";", "\t", "|")
_SEP = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LONGEST_CELL = 2**31 - 1
"""Characters; Python's own limit of 131,072 refuses long documents. A C long on every system."""


@dataclass(frozen=True)
class _Columns:
    """What a caller asks of the columns."""

    needed: tuple[tuple[str, ...], ...]
    """One name of each group must be there."""
    others: tuple[str, ...] | None
    """Names that may be there beside them; None: any."""

    @property
    def asked(self) -> dict[str, str]:
        """Folded name → name as the caller writes it."""
        names = (*chain(*self.needed), *(self.others or ()))
        return {_folded(name): name for name in names}


def read_table(
    path: Path,
    needed: Sequence[str | tuple[str, ...]] = (),
    *,
    others: Sequence[str] | None = None,
    form: Literal["auto", "csv", "jsonl"] = "auto",
    encoding: str | None = None,
) -> Iterator[Row]:
    """Read a table row by row; rows that are blank are skipped.

    CSV has a header. Its delimiter is that of a first line ``sep=;``, or else the one of comma,
    semicolon, tab and ``|`` under which the header has most of the columns asked for. Names in
    the header count without regard to case and blanks around them; keys of a row are the names
    as asked for, all others in lower case. A column without a name is left out. In JSON Lines,
    names are exact and values keep their type.

    Args:
        path: the file.
        needed: columns that must be there; a tuple of names asks for at least one of them.
        others: the only columns that may be there as well; by default any.
        form: what the file is; ``auto`` goes by its name, or by its first character.
        encoding: such as ``cp1252``; by default UTF-8. A byte-order mark (UTF-8, UTF-16) is
            always believed.

    Raises:
        DataError: on reaching what is wrong, with the line: no file, another encoding, no row, a
            column that is missing, unknown or there twice, a row with more or fewer cells than
            the header, a quote that is not closed or text after one that is, a NUL character,
            no JSON.
    """
    codec = _codec(path, encoding)
    columns = _Columns(
        tuple((name,) if isinstance(name, str) else name for name in needed),
        None if others is None else tuple(others),
    )
    if form == "auto":
        form = form_of(path, encoding)
    rows = _csv_rows(path, columns, codec) if form == "csv" else _json_rows(path, columns, codec)
    first = next(rows, None)
    if first is None:
        raise DataError("no rows", path=path, fix="give a file with at least one")
    yield first
    yield from rows


def form_of(path: Path, encoding: str | None = None) -> Literal["csv", "jsonl"]:
    """Say what a file is: by its name, or where that tells nothing by its first character.

    Raises:
        DataError: the name tells nothing, and the file cannot be read.
    """
    kind = path.suffix.lower()
    if kind in (".jsonl", ".ndjson", ".json"):
        return "jsonl"
    if kind not in (".csv", ".tsv"):
        with store.open_text(path, encoding=_codec(path, encoding)) as file:
            if file.read(1000).lstrip()[:1] in ("{", "["):
                return "jsonl"
    return "csv"


def _codec(path: Path, encoding: str | None) -> str:
    if path.is_fifo():
        raise DataError(
            "a pipe, and a table is opened more than once",
            path=path,
            fix="write it to a file first",
        )
    start = b""
    with contextlib.suppress(OSError), path.open("rb") as file:  # `open_text` says what is wrong
        start = file.read(3)
    marked = next((codec for mark, codec in _MARKS.items() if start.startswith(mark)), None)
    codec = marked or encoding or "utf-8-sig"
    try:
        "".encode(codec)
    except LookupError:
        raise DataError(
            f"unknown encoding {codec!r}", path=path, fix="such as utf-8, cp1252 or utf-16"
        ) from None
    return codec


def _json_rows(path: Path, columns: _Columns, codec: str) -> Iterator[Row]:
    for line, row in store.iter_rows(path, encoding=codec):
        _check(list(row), columns, path, line)
        yield line, row


def _csv_rows(path: Path, columns: _Columns, codec: str) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    # newline="": a quoted cell may hold line ends of every kind.
    with store.open_text(path, encoding=codec, newline="") as file:
        lines = enumerate(_text_lines(file, path), 1)
        start, first, delimiter = _begin(lines, columns, path)
        rest = (line for _, line in lines)
        reader = csv.reader(chain([first], rest), delimiter=delimiter, strict=True)
        before = start - 1
        header: list[str] = []
        try:
            for cells in reader:
                if not header:
                    header = _header(cells, columns, path, start)
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


def _begin(lines: Iterator[tuple[int, str]], columns: _Columns, path: Path) -> tuple[int, str, str]:
    """Find the header's first line, its number, and the delimiter."""
    filled = ((number, line) for number, line in lines if line.strip())
    number, first = next(filled, (0, ""))
    hint = _SEP.fullmatch(first.rstrip("\r\n"))
    if hint:
        number, first = next(filled, (0, ""))
    if not first:
        raise DataError(
            "the file is empty", path=path, fix="give a file with a header and at least one row"
        )
    return number, first, hint[1] if hint else _delimiter(first, set(columns.asked))


def _delimiter(line: str, asked: set[str]) -> str:
    def fit(delimiter: str) -> tuple[int, int]:
        names = next(csv.reader([line], delimiter=delimiter), [])
        return len(asked.intersection(map(_folded, names))), len(names)

    return max(DELIMITERS, key=fit)


def _header(cells: list[str], columns: _Columns, path: Path, line: int) -> list[str]:
    """Names that rows are keyed by, "" for a column without one."""
    asked = columns.asked
    names = [asked.get(_folded(cell), _folded(cell)) for cell in cells]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            f"the column {twice!r} occurs twice", path=path, line=line, fix="rename one of them"
        )
    _check([name for name in names if name], columns, path, line)
    return names


def _check(names: list[str], columns: _Columns, path: Path, line: int) -> None:
    """Refuse what lacks a needed column, or has one that is not allowed."""
    missing = [group for group in columns.needed if not any(name in names for name in group)]
    known = [*chain(*columns.needed), *(columns.others or ())]
    unknown = [name for name in names if name not in known] if columns.others is not None else []
    if not missing and not unknown:
        return
    if missing:
        message = ", ".join("no column " + " or ".join(map(repr, group)) for group in missing)
        hints = (did_you_mean(name, names) for name in chain(*missing))
    else:
        message = f"unknown column {_listed(unknown)}"
        hints = (did_you_mean(name, known) for name in unknown)
    have = f"columns: {_listed(names) or 'none'}"
    raise DataError(
        message + next(filter(None, hints), ""),
        path=path,
        line=line,
        fix=have if columns.others is None else f"expected {', '.join(known)}; {have}",
    )


def _listed(names: list[str]) -> str:
    # What is no table may have a first line of any length.
    return ", ".join(repr(name[:40]) for name in names[:20])


def _row(header: list[str], cells: list[str], path: Path, line: int) -> dict[str, Any]:
    if len(cells) != len(header):
        raise DataError(
            f"expected {len(header)} cells as in the header, found {len(cells)}",
            path=path,
            line=line,
            fix="quote a cell that holds the delimiter or a line end",
        )
    row = dict(zip(header, cells, strict=True))
    row.pop("", None)
    return row


def _folded(name: str) -> str:
    return name.strip().lower()
