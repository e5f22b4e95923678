"""The workbook of a study as it came back: its sheets, its rows, what is known of the export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mores.errors import DataError, did_you_mean
from mores.study.parts import PARTS, Part
from mores.study.sheet.cells import COLUMNS, DIGEST, NAMES, Cells
from mores.study.study import Study
from mores.tables.workbook import Sheet, SheetRow


@dataclass(frozen=True)
class Exported:
    """What is known of the export."""

    digests: dict[tuple[str, str], str]
    """Part and id → digest, in the order of the files then."""
    complete: bool
    """Whether the hidden sheet is there; without it no row counts as removed."""


def exported_in(sheet: Sheet | None, study: Study, file: Path) -> Exported:
    """Read the hidden sheet.

    Raises:
        DataError: it was exported from another study.
    """
    rows = [row.cells for row in sheet.rows] if sheet else []
    for row in rows:
        if row.get("part") == "study" and row.get("id") != study.config.name:
            raise DataError(
                f"was exported from the study {row.get('id')!r}, not from {study.config.name!r}",
                path=file,
                fix="give the folder of that study",
            )
    own = {(row["part"], row.get("id", "")): row.get(DIGEST, "") for row in rows if "part" in row}
    return Exported(digests=own, complete=sheet is not None)


def refuse_unknown_sheets(sheets: Mapping[str, Sheet], file: Path) -> None:
    """Refuse a sheet that is none of ours, perhaps under another name."""
    for name in sheets:
        if name not in PARTS:
            raise DataError(
                f"unknown sheet{did_you_mean(name, list(PARTS))}",
                path=file,
                where=f"sheet {name!r}",
                fix=f"give it its name back, or delete it; sheets: {', '.join(PARTS)}",
            )


def rows_in(part: Part, sheet: Sheet, file: Path) -> dict[str, SheetRow]:
    """Return a sheet's rows by their key; columns may stand in any order.

    Raises:
        DataError: a column is unknown or missing, a row has no key, or one that another has.
    """
    key, wanted = PARTS[part].key, (*COLUMNS[part], DIGEST)
    for name, letter in sheet.columns.items():
        if name not in wanted:
            missing = [column for column in wanted if column not in sheet.columns]
            raise DataError(
                f"unknown column {name!r}{did_you_mean(name, missing)}",
                path=file,
                where=f"sheet {part!r}, cell {letter}1",
                fix="columns: " + ", ".join(wanted),
            )
    missing = [column for column in wanted if column not in sheet.columns]
    if missing:
        raise DataError(
            f"the column {missing[0]!r} is missing",
            path=file,
            where=f"sheet {part!r}",
            fix="put it back (empty cells would empty the field), or export anew",
        )
    places: dict[str, SheetRow] = {}
    for row in sheet.rows:
        name = row.cells[key].strip()
        if not name:
            raise DataError(
                f"no {key}", path=file, where=row.place(key), fix="give the row one of its own"
            )
        if name in places:
            raise DataError(
                f"{key} {name!r} is also in {places[name].place(key)}",
                path=file,
                where=row.place(key),
                fix=f"give every row its own {key}",
            )
        places[name] = row
    return places


def cells_of(part: Part, row: SheetRow) -> Cells:
    """Return what a row says, without its digest."""
    cells = {column: row.cells[column] for column in COLUMNS[part]}
    return {c: text.strip() if c in NAMES else text for c, text in cells.items()}
