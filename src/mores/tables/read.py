"""`read_table`: any table that people bring, row after row, with the line of each.

Takes a file, gives the line on which each row begins and ``{column: cell}``; cells of CSV and of
workbooks are text as it stands.

    for line, row in read_table(Path("texts.csv"), ["text", "group"]):
        ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mores.errors import DataError
from mores.tables.columns import Columns
from mores.tables.csv_rows import csv_rows
from mores.tables.exports import answers, tool_of
from mores.tables.json_rows import array_rows, is_array, line_rows
from mores.tables.notes import Notes
from mores.tables.opened import bare_name, codec_of, head, is_packed, open_lines
from mores.tables.xlsx_rows import xlsx_rows

Row = tuple[int, dict[str, Any]]
Container = Literal["csv", "jsonl", "xlsx"]

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_table(
    path: Path,
    needed: Sequence[str | tuple[str, ...]] = (),
    *,
    others: Sequence[str] | None = None,
    form: Literal["auto", "csv", "jsonl", "xlsx"] = "auto",
    encoding: str | None = None,
    sheet: str | None = None,
    names: Mapping[str, str] | None = None,
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    told_by: Sequence[str] = (),
    notes: Notes | None = None,
) -> Iterator[Row]:
    """Read a table row by row; rows that are blank are skipped.

    CSV has a header. Its delimiter is that of a first line ``sep=;``, or else the one of comma,
    semicolon, tab and ``|`` under which the header has most of the columns asked for. Names in
    the header count without regard to case and blanks around them; keys of a row are the names
    as asked for, all others in lower case. A column without a name is left out. JSON is one
    object a line or one array of objects; names are exact and values keep their type. A workbook
    (.xlsx) is read as the CSV of its first sheet. Each of them may be packed with gzip, but a
    workbook, which is packed already. Exports of Label Studio and Argilla give one row for each
    answer of a person (`mores.tables.exports`). Only CSV and JSON Lines may have any size: of
    them only the row in hand is kept.

    Args:
        path: the file.
        needed: columns that must be there; a tuple of names asks for at least one of them.
        others: columns that are read beside them, all that are there by default. What is
            neither is left out, and noted.
        form: what the file is; ``auto`` goes by its name and its first characters. ``jsonl``
            stands for arrays too.
        encoding: such as ``cp1252``; by default UTF-8. A byte-order mark (UTF-8, UTF-16) is
            always believed.
        sheet: name of the sheet of a workbook.
        names: our name of a column → the file's.
        aliases: our name → names that other tools have for it, where ours is not there.
        told_by: further names by which the delimiter of CSV can be told.
        notes: takes what was renamed and left out, and what the file turned out to be.

    Raises:
        DataError: on reaching what is wrong, with the line: no file, another encoding, no row, a
            column that is missing or there twice, a row with more or fewer cells than the
            header, a quote that is not closed or text after one that is, a NUL character, no
            JSON, a formula without a value, a packed file that is too large, a sheet or a name
            of a column that there is not.
    """
    notes = notes if notes is not None else Notes()
    columns = Columns(
        tuple((name,) if isinstance(name, str) else name for name in needed),
        None if others is None else tuple(others),
        names or {},
        aliases or {},
        tuple(told_by),
    )
    container = form_of(path, encoding) if form == "auto" else form
    if sheet is not None and container != "xlsx":
        raise DataError("only a workbook (.xlsx) has sheets", path=path, fix="leave out --sheet")
    rows = _settled(_raw(path, container, columns, encoding, sheet, notes), columns, path, notes)
    first = next(rows, None)
    if first is None:
        raise DataError("no rows", path=path, fix="give a file with at least one")
    yield first
    yield from rows


def form_of(path: Path, encoding: str | None = None) -> Container:
    """Say what a file is: by its first bytes and its name, or else by its first character.

    Raises:
        DataError: an old or locked workbook, or the name tells nothing and the file cannot be read.
    """
    start = head(path)
    kind = bare_name(path).suffix.lower()
    if start.startswith(_ZIP) or kind == ".xlsx":
        if is_packed(path):
            raise DataError(
                "a workbook inside gzip", path=path, fix="unpack it: it is packed twice"
            )
        if kind in (".ods", ".numbers", ".zip"):
            raise DataError(
                f"a {kind} file cannot be read", path=path, fix="save it as .xlsx or CSV UTF-8"
            )
        return "xlsx"
    if start == _OLE:
        raise DataError(
            "a workbook of before 2007 (.xls), or one with a password",
            path=path,
            fix="save it as .xlsx without a password, or as CSV UTF-8",
        )
    if kind in (".jsonl", ".ndjson", ".json"):
        return "jsonl"
    if kind not in (".csv", ".tsv"):
        with open_lines(path, encoding=codec_of(path, encoding)) as file:
            if file.read(1000).lstrip()[:1] in ("{", "["):
                return "jsonl"
    return "csv"


def _raw(
    path: Path,
    container: Container,
    columns: Columns,
    encoding: str | None,
    sheet: str | None,
    notes: Notes,
) -> Iterator[tuple[int, Any]]:
    """Rows as the file has them; of tables with a header, that first, as a list."""
    notes.form = container
    if container == "xlsx":
        yield from xlsx_rows(path, sheet, notes)
        return
    codec = codec_of(path, encoding)
    if container == "csv":
        yield from csv_rows(path, columns.asked, codec)
    elif is_array(path, codec):
        notes.form = "json"
        yield from array_rows(path, codec)
    else:
        yield from line_rows(path, codec)


def _settled(
    raw: Iterator[tuple[int, Any]], columns: Columns, path: Path, notes: Notes
) -> Iterator[Row]:
    """Unpack exports, and call each column by its name here."""
    header = False
    tool, names = "", {}
    last: tuple[str, ...] | None = None
    for line, row in raw:
        if isinstance(row, list):
            header, tool = True, tool_of(row)
            inside = [name for name in row if name.strip().lower() != "was_cancelled"]
            names = columns.settle(inside if tool else row, path, line, notes)
        else:
            tool = tool if header else tool_of(row)
            notes.form = tool or notes.form
            for at, one in answers(line, row, tool, notes) if tool else [(line, row)]:
                if not header and tuple(one) != last:
                    last = tuple(one)
                    names = columns.settle(last, path, at, notes, exact=True)
                yield at, {names[name]: cell for name, cell in one.items() if name in names}
