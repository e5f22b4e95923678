"""All sheets of a workbook, strictly: texts only, every cell where it belongs.

    for row in read_workbook(Path("study.xlsx"))["values"].rows:
        row.cells["id"], row.place("id")        # "v-01", "sheet 'values', cell A2"

`mores.tables.read_table` takes any table that people bring, and what a formula last came to. This
reads what mores wrote and people have edited: formulas are refused, and so are merged cells.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores.errors import DataError
from mores.tables.formulas import unguarded
from mores.tables.xlsx_rows import cell_text, refuse_bomb


@dataclass(frozen=True)
class SheetRow:
    """One row with something in it."""

    sheet: str
    line: int
    """As the spreadsheet counts."""
    cells: dict[str, str]
    """Column → text; "" for an empty cell."""
    letters: dict[str, str]
    """Column → its letter."""

    def place(self, column: str) -> str:
        """Where a cell is, in words."""
        return f"sheet {self.sheet!r}, cell {self.letters.get(column, 'A')}{self.line}"


@dataclass(frozen=True)
class Sheet:
    """One sheet."""

    name: str
    columns: dict[str, str]
    """Column → its letter, as they stand."""
    rows: tuple[SheetRow, ...]


def read_workbook(path: Path) -> dict[str, Sheet]:
    """Read every sheet of a workbook, hidden ones too; empty sheets and blank rows are left out.

    Raises:
        DataError: no workbook, damaged or too large; a formula, an error or merged cells; a name of
            a column that is missing or there twice. With sheet and cell.
    """
    from openpyxl import load_workbook

    refuse_bomb(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts that it does not keep, such as pictures
            book = load_workbook(path)
    except Exception as error:  # noqa: BLE001 - the reader fails in many ways on a damaged file
        raise DataError(
            f"not a workbook that can be read: {error}",
            path=path,
            fix="open it, and save it as .xlsx",
        ) from None
    found = (_sheet(sheet, path) for sheet in book.worksheets)
    return {sheet.name: sheet for sheet in found if sheet is not None}


def _sheet(sheet: Any, path: Path) -> Sheet | None:
    from openpyxl.utils import get_column_letter

    for merged in sheet.merged_cells.ranges:
        raise DataError(
            "merged cells: it cannot be told which row the text belongs to",
            path=path,
            where=f"sheet {sheet.title!r}, cells {merged.coord}",
            fix="take the merge apart, and write each row's text into its own cell",
        )
    grid = [[_text(cell, sheet.title, path) for cell in row] for row in sheet.iter_rows()]
    filled = [(line, texts) for line, texts in enumerate(grid, 1) if any(map(str.strip, texts))]
    if not filled:
        return None
    (top, header), *rest = filled
    letters = [get_column_letter(n) for n in range(1, len(header) + 1)]
    names = [name.strip() for name in header]
    for name, letter in zip(names, letters, strict=True):
        if name and names.count(name) > 1:
            raise DataError(
                f"the column {name!r} is there twice",
                path=path,
                where=f"sheet {sheet.title!r}, cell {letter}{top}",
                fix="give the second its own name back, or delete it",
            )
    columns = {name: letter for name, letter in zip(names, letters, strict=True) if name}
    rows = []
    for line, texts in rest:
        for name, letter, text in zip(names, letters, texts, strict=True):
            if not name and text.strip():
                raise DataError(
                    "a text in a column without a name",
                    path=path,
                    where=f"sheet {sheet.title!r}, cell {letter}{line}",
                    fix="move it into the column that it belongs to, or delete it",
                )
        cells = {name: text for name, text in zip(names, texts, strict=True) if name}
        rows.append(SheetRow(sheet.title, line, cells, columns))
    return Sheet(sheet.title, columns, tuple(rows))


def _text(cell: Any, sheet: str, path: Path) -> str:
    if cell.data_type == "f":
        raise DataError(
            "a formula; formulas are not evaluated here",
            path=path,
            where=f"sheet {sheet!r}, cell {cell.coordinate}",
            fix="write the text itself, or put an apostrophe before it if it begins with =",
        )
    text = cell_text(cell.value, cell.data_type, cell.data_type, path, cell.row, sheet, cell.column)
    return unguarded(text)
