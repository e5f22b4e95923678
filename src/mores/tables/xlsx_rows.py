"""A sheet of an Excel workbook (.xlsx) → rows, cells as text, with their row numbers.

The first thing that comes is the header, as a list; then ``{column: cell}``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from mores.errors import DataError, did_you_mean
from mores.tables.columns import row_of
from mores.tables.notes import Notes

LARGEST = 2**28
"""Bytes of a workbook once it is unpacked."""

Rows = Iterator[tuple[int, Any]]


def xlsx_rows(path: Path, sheet: str | None, notes: Notes) -> Rows:
    """Yield the header and the rows of a sheet; a row of blanks is skipped.

    Args:
        path: the workbook.
        sheet: name of the sheet; by default the first.
        notes: takes which sheet was read, where there are several.

    Raises:
        DataError: no workbook, a damaged or too large one, no such sheet, a formula without a
            saved value, a cell that holds an error such as ``#REF!``; with the row.
    """
    from openpyxl import load_workbook

    refuse_bomb(path)
    try:  # twice: one shows values, the other what is a formula
        books = [load_workbook(path, read_only=True, data_only=only) for only in (True, False)]
    except Exception as error:  # noqa: BLE001 - the reader fails in many ways on a damaged file
        raise DataError(
            f"not a workbook that can be read: {error}",
            path=path,
            fix="open it, and save it as .xlsx or CSV UTF-8",
        ) from None
    try:
        name = _sheet(books[0].sheetnames, sheet, path, notes)
        values, formulas = (book[name] for book in books)
        header: list[str] = []
        for line, (cells, sources) in enumerate(
            zip(values.iter_rows(), formulas.iter_rows(), strict=True), 1
        ):
            texts = [
                cell_text(cell.value, cell.data_type, source.data_type, path, line, name, column)
                for column, (cell, source) in enumerate(zip(cells, sources, strict=True), 1)
            ]
            if not any(map(str.strip, texts)):
                continue
            if not header:
                header = texts
                yield line, list(header)
            else:
                yield line, _row(header, texts, path, line)
        if not header:
            raise DataError(f"the sheet {name!r} is empty", path=path, fix="name another: --sheet")
    finally:
        for book in books:
            book.close()


def refuse_bomb(path: Path) -> None:
    """Refuse a workbook that is none, or that would fill the memory once it is unpacked."""
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"cannot be read: {error}", path=path) from None
    if size > LARGEST:
        raise DataError(
            f"{size / 2**20:,.0f} MiB once unpacked, more than {LARGEST / 2**20:,.0f}",
            path=path,
            fix="save the sheet as CSV UTF-8",
        )


def _sheet(names: list[str], wanted: str | None, path: Path, notes: Notes) -> str:
    if wanted is None:
        if len(names) > 1:
            others = ", ".join(map(repr, names[1:]))
            notes.say(f"the first sheet was read, {names[0]!r}; not read: {others} (--sheet)")
        return names[0]
    if wanted not in names:
        raise DataError(
            f"no sheet {wanted!r}{did_you_mean(wanted, names)}",
            path=path,
            fix="sheets: " + ", ".join(map(repr, names)),
        )
    return wanted


def cell_text(
    value: Any, kind: str, source: str, path: Path, line: int, sheet: str, column: int
) -> str:
    """A cell as a spreadsheet writes it to CSV; whole numbers without a point."""
    from openpyxl.utils import get_column_letter

    place = f"sheet {sheet!r}, cell {get_column_letter(column)}{line}"
    if value is None:
        if source == "f":
            raise DataError(
                "a formula without a saved value",
                path=path,
                line=line,
                where=place,
                fix="open the workbook in a spreadsheet and save it, or paste values only",
            )
        return ""
    if kind == "e":
        raise DataError(
            f"the cell holds the error {value}", path=path, line=line, where=place, fix="mend it"
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)


def _row(header: list[str], texts: list[str], path: Path, line: int) -> dict[str, Any]:
    # Rows are as long as their last cell: what lacks is blank, what is beyond has no name.
    beyond = [text for text in texts[len(header) :] if text.strip()]
    if beyond:
        raise DataError(
            f"expected {len(header)} cells as in the header, found {len(texts)}",
            path=path,
            line=line,
            fix="give every column a name in the header",
        )
    return dict(row_of(header, [*texts, *[""] * len(header)][: len(header)]))
