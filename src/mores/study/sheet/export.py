"""A study → a workbook: positions, samples, prompts and stance pairs, a sheet each.

Every text is a text to the spreadsheet, whatever it begins with. The header, ids and digests are
protected, without a password: that guards against slips. The last column holds a digest of each
cell of its row, and a hidden sheet what was exported, so that on the way back it is known what was
changed in the workbook and what, meanwhile, in the files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import DataError, StoreError
from mores.records import Record
from mores.study.parts import PARTS, Part, rows_of
from mores.study.sheet.cells import COLUMNS, DIGEST, Cells, as_cells, digest_of
from mores.study.study import Study
from mores.tables.formulas import guarded

ABOUT, EXPORTED = "about", "exported"
LONGEST = 32_767
"""Characters that a cell of a workbook can hold."""
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_WIDE = ("statement", "why", "basis", "prompt", "completion", "text", "aligned", "opposed")
_HELP = """{study}: what people can edit of this study, a sheet for each of its files.

Edit, add and delete rows as you like, and send the workbook back. On its way in nothing is written
before somebody has seen what would change, and what was changed here and in the files meanwhile, in
different ways, is left as it is there and named.

Leave the names of the columns, the ids of rows that are there and the column "digest" as they are;
they are protected, without a password. To delete a row, take the protection off (Review, Unprotect
Sheet). A new row needs an id that no other has, and no digest. Columns and rows may stand in any
order; nothing is read from colours. Do not merge cells, and use no formulas. An apostrophe before a
text that begins with = + - or @ keeps it a text, and is taken off again.

presets: names with commas between them. suppress: on each line a rule, a colon, the reason. basis:
a source on each line, with [binding], [soft] or [regional] after it. accountable: who answers for
the position, contact: how to reach them; or nobody: why nobody does. accepted: a day, such as
2026-11-27."""


class SheetExport(Record, frozen=True, kw_only=True):
    """What was written."""

    file: str
    rows: dict[str, int]
    """Sheet → its rows."""


def export_sheet(study: Study, file: Path, *, replace: bool = False) -> SheetExport:
    """Write a study's texts as a workbook, to be edited in a spreadsheet and brought back.

    Args:
        study: with the files.
        file: the workbook to write (.xlsx).
        replace: overwrite a workbook that is there, and what may have been edited in it.

    Raises:
        DataError: a text that a workbook cannot hold, with its id.
        StoreError: the file is there already, or cannot be written.
    """
    from openpyxl import Workbook

    if file.suffix.lower() != ".xlsx":
        raise StoreError("expected a name that ends in .xlsx", path=file)
    if file.exists() and not replace:
        raise StoreError(
            "is there already, and may hold edits", path=file, fix="name another, or --replace"
        )
    book = Workbook()
    _about(book.active, study.config.name)
    index: list[tuple[str, str, str]] = [("study", study.config.name, "")]
    rows: dict[str, int] = {}
    for part, form in PARTS.items():
        sheet = book.create_sheet(part)
        _header(sheet, part)
        for line, row in enumerate(rows_of(study, part), 2):
            cells = as_cells(part, row)
            digest = digest_of(part, cells)
            _row(sheet, line, part, cells, digest, study)
            index.append((part, cells[form.key], digest))
        rows[part] = sheet.max_row - 1
    _exported(book.create_sheet(EXPORTED), index)
    with store.replacing(file) as temporary, temporary.open("wb") as out:
        book.save(out)
    return SheetExport(file=str(file), rows=rows)


def _about(sheet: Any, study: str) -> None:
    from openpyxl.styles import Alignment

    sheet.title = ABOUT
    sheet.column_dimensions["A"].width = 110
    for line, text in enumerate(_HELP.format(study=study).split("\n\n"), 1):
        _text(sheet, line, 1, text.replace("\n", " ")).alignment = Alignment(wrap_text=True)


def _exported(sheet: Any, index: list[tuple[str, str, str]]) -> None:
    sheet.sheet_state = "veryHidden"
    for line, texts in enumerate([("part", "id", DIGEST), *index], 1):
        for column, text in enumerate(texts, 1):
            _text(sheet, line, column, text)


def _header(sheet: Any, part: Part) -> None:
    from openpyxl.styles import Alignment, Font, Protection
    from openpyxl.utils import get_column_letter

    for number, name in enumerate((*COLUMNS[part], DIGEST), 1):
        own = sheet.column_dimensions[get_column_letter(number)]
        own.width = 8 if name == DIGEST else 60 if name in _WIDE else 18
        own.alignment = Alignment(wrap_text=True, vertical="top")
        own.protection = Protection(locked=name == DIGEST)
        _text(sheet, 1, number, name).font = Font(bold=True)
    sheet.freeze_panes = "B2"
    sheet.protection.sheet = True
    for allowed in ("formatCells", "formatColumns", "formatRows", "insertRows", "deleteRows",
                    "sort", "autoFilter"):  # fmt: skip
        setattr(sheet.protection, allowed, False)  # the format's word for "not forbidden"


def _row(sheet: Any, line: int, part: Part, cells: Cells, digest: str, study: Study) -> None:
    from openpyxl.styles import Alignment, Protection

    form = PARTS[part]
    for number, (column, text) in enumerate({**cells, DIGEST: digest}.items(), 1):
        shown = guarded(text)
        fault = _fault(shown)
        if fault:
            raise DataError(
                f"{column} holds {fault}",
                path=study.folder / form.file,
                where=f"{form.key} {cells[form.key]!r}",
                fix="mend it (`mores check` shows it), or edit this study in its files",
            )
        cell = _text(sheet, line, number, shown)
        cell.alignment = Alignment(wrap_text=column != DIGEST, vertical="top")
        cell.protection = Protection(locked=column in (form.key, DIGEST))


def _fault(text: str) -> str:
    """What no cell can hold."""
    if found := _NO_XML.search(text):
        return f"U+{ord(found[0]):04X}, which no workbook can hold"
    return (
        f"{len(text):,} characters, and a cell at most {LONGEST:,}" if len(text) > LONGEST else ""
    )


def _text(sheet: Any, line: int, column: int, text: str) -> Any:
    """A cell that is a text to the spreadsheet, whatever it looks like."""
    cell = sheet.cell(line, column)
    cell.value = text
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell
