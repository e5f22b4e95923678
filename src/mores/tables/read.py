"""`read_table`: any table that people bring, row after row, with the line of each.

Takes a file, gives the line on which each row begins and ``{column: cell}``; cells of CSV and of
workbooks are text as it stands.

    for line, row in read_table(Path("texts.csv"), ["text", "group"]):
        ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from mores.errors import DataError
from mores.tables.columns import Columns, folded, refuse_twice
from mores.tables.csv_rows import csv_rows
from mores.tables.exports import Answer, answers, tool_of
from mores.tables.json_rows import array_rows, is_array, line_rows
from mores.tables.notes import Notes
from mores.tables.opened import bare_name, codec_of, head, is_packed, open_lines
from mores.tables.xlsx_rows import xlsx_rows

Row = tuple[int, dict[str, Any]]
Container = Literal["csv", "jsonl", "xlsx"]

NAMELESS = "a column without a name not used"
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
    answered: Sequence[str] = (),
    told_by: Sequence[str] = (),
    notes: Notes | None = None,
) -> Iterator[Row]:
    """Read a table row by row; rows that are blank are skipped.

    CSV has a header. Its delimiter is that of a first line ``sep=;``, or else the one of comma,
    semicolon, tab and ``|`` under which the header has most of the columns asked for. Names in
    the header count without regard to case and blanks around them; keys of a row are the names
    as asked for, all others in lower case. A column without a name is left out, and noted if
    something is in it. JSON is one object a line, one array of objects or one object; names that
    are asked for count without regard to case where none is the same letter by letter, all
    others are exact, and values keep their type. A workbook
    (.xlsx) is read as the CSV of its first sheet. Each of them may be packed with gzip, but a
    workbook, which is packed already. Exports of Label Studio and Argilla give one row for each
    answer of a person (`mores.tables.exports`). Only CSV and JSON Lines that are no exports may
    have any size: of them only the row in hand is kept.

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
        answered: names that an export's task has no say in: only what a person gave is taken,
            None where this person gave nothing.
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
        tuple(answered),
        tuple(told_by),
    )
    container = form_of(path, encoding) if form == "auto" else form
    if sheet is not None and container != "xlsx":
        raise DataError("only a workbook (.xlsx) has sheets", path=path, fix="leave out --sheet")
    rows = _settled(_raw(path, container, columns, encoding, sheet, notes), columns, path, notes)
    first = next(rows, None)
    if first is None:
        why = "; ".join(notes.lines())
        raise DataError(
            f"no rows: {why}" if why else "no rows", path=path, fix="give a file with at least one"
        )
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
        yield from line_rows(path, codec, columns.asked)


def _settled(
    raw: Iterator[tuple[int, Any]], columns: Columns, path: Path, notes: Notes
) -> Iterator[Row]:
    """Call each column by its name here; exports of annotation tools are unpacked."""
    at, first = next(raw, (0, {}))
    tool = tool_of(first)
    if tool:
        notes.form = tool
        yield from _of_export(raw, at, first, columns, path, notes)
        return
    header = first if isinstance(first, list) else []
    names = columns.settle(header, path, at, notes) if header else {}
    last: tuple[str, ...] | None = None
    for line, row in raw if header or not at else chain([(at, first)], raw):
        if not header and tuple(row) != last:
            last = tuple(row)
            names = columns.settle(last, path, line, notes, exact=True)
        if row.get("") not in (None, ""):
            notes.add(NAMELESS, line)
        yield line, {names[name]: cell for name, cell in row.items() if name in names}


def _of_export(
    raw: Iterator[tuple[int, Any]],
    at: int,
    first: Any,
    columns: Columns,
    path: Path,
    notes: Notes,
) -> Iterator[Row]:
    """Answers of people. All are held: a control that one left out is found in another's."""
    header = isinstance(first, list)
    if header:
        refuse_twice([folded(name) for name in first if folded(name)], path, at)
    found: list[Answer] = []
    for line, row in raw if header else chain([(at, first)], raw):
        if row.pop("", None) not in (None, ""):
            notes.add(NAMELESS, line)
        found += answers(line, row, notes.form, path, notes)
    if not found:
        return
    given = dict.fromkeys(name for answer in found for name in answer.given)
    task = [
        name
        for name in dict.fromkeys(name for answer in found for name in answer.task)
        if name not in given
    ]
    start = at if header else found[0].line
    names = columns.settle([*task, *given], path, start, notes, exact=not header, task=task)
    for answer in found:
        whole = {**answer.task, **answer.given}
        row = {
            name: whole[raw_name]
            for raw_name, name in names.items()
            if raw_name in (answer.given if name in columns.answered else whole)
        }
        yield answer.line, columns.of_answer(row, path, answer.line)
