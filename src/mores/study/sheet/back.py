"""A workbook → what it would change in a study, and the changed study.

Three versions are compared: what was exported, the workbook, and the files as they are now. What is
known of the first are digests: of each cell it can be told whether the workbook or the files
changed it. Where both did, differently, the files stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mores.errors import DataError, did_you_mean
from mores.records import Record
from mores.study.merge import Changed, Conflict, Merged, difference, merge, woven
from mores.study.parts import PARTS, Part, as_records, check_parts, digests, rows_of, write_parts
from mores.study.sheet.cells import (
    COLUMNS,
    DIGEST,
    Cells,
    as_cells,
    from_cells,
    split_digest,
    was,
)
from mores.study.sheet.export import ABOUT, EXPORTED
from mores.study.sheet.read import Exported, cells_of, exported_in, refuse_unknown_sheets, rows_in
from mores.study.study import Study
from mores.tables.workbook import Sheet, SheetRow, read_workbook


class PartChange(Record, frozen=True, kw_only=True):
    """What a sheet would change in its file; all values as they stand in cells."""

    part: Part
    file: str
    added: tuple[dict[str, str], ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Changed, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    """Changed in the workbook and in the file since the export; the file stays as it is."""

    @property
    def anything(self) -> bool:
        """Whether there is anything to apply."""
        return bool(self.added or self.removed or self.changed)


class SheetChange(Record, frozen=True, kw_only=True):
    """What a workbook would change, or has changed, in a study."""

    file: str
    parts: tuple[PartChange, ...]
    """Those with a change or a conflict."""
    written: tuple[str, ...] = ()
    """Files that were changed; empty where nothing was applied."""
    applied: bool = False
    notes: tuple[str, ...] = ()


def import_sheet(study: Study, file: Path, *, apply: bool = False) -> SheetChange:
    """Show what an edited workbook would change in a study; with --apply, change it.

    What was changed both in the workbook and in the files since the export is never overwritten:
    it is listed, and the exit code is 1.

    Args:
        study: whose files are compared.
        file: the workbook (.xlsx), from `mores sheet export`.
        apply: write the changes. All is checked first; nothing is written where anything is wrong.

    Raises:
        DataError: the workbook or a cell in it is not in order, with sheet and cell.
        StoreError: a file changed while this ran, or cannot be written.
    """
    seen, study = digests(study.folder), study.again()
    sheets = read_workbook(file)
    exported = exported_in(sheets.pop(EXPORTED, None), study, file)
    sheets.pop(ABOUT, None)
    refuse_unknown_sheets(sheets, file)
    notes = [
        f"the sheet {part!r} is not in the workbook: nothing of it changes"
        for part in PARTS
        if part not in sheets
    ]
    if not exported.complete:
        notes.append("the hidden sheet is gone: rows that are not there count as not looked at")
    changes, fresh = [], dict[Part, list[dict[str, Any]]]()
    categories = list(study.charter.categories)
    for part in PARTS:  # positions first: samples may be of one that the workbook adds
        if part in sheets:
            change, rows = _part(study, part, sheets[part], exported, categories, file)
            changes.append(change)
            if change.anything:
                fresh[part] = rows
            if part == "positions":
                categories = [row["category"] for row in rows]
    check_parts(study, fresh)
    written = write_parts(study, fresh, seen) if apply and fresh else []
    return SheetChange(
        file=str(file),
        parts=tuple(change for change in changes if change.anything or change.conflicts),
        written=tuple(path.name for path in written),
        applied=apply,
        notes=tuple(notes),
    )


def _part(
    study: Study,
    part: Part,
    sheet: Sheet,
    exported: Exported,
    categories: Sequence[str],
    file: Path,
) -> tuple[PartChange, list[dict[str, Any]]]:
    """What a sheet changes, and all rows of its part as they should be."""
    form = PARTS[part]
    places = rows_in(part, sheet, file)
    rows = {row[form.key]: row for row in rows_of(study, part)}
    ours = {name: as_cells(part, row) for name, row in rows.items()}
    theirs = {name: cells_of(part, place) for name, place in places.items()}
    base = dict(_base(part, places, theirs, ours, exported, file))
    order = woven([name for name in base if name in theirs], list(theirs))
    merged = merge(
        list(base.values()),
        [theirs[name] for name in order],
        list(ours.values()),
        key=form.key,
    )
    fresh = []
    for cells in merged.rows:
        name = cells[form.key]
        row = rows.get(name, {})
        if place := places.get(name):
            with _naming_cells(part, place, file):
                row = from_cells(part, cells, row, ours.get(name, {}))
                as_records(part, [row], study.folder)
                _refuse_category(row, categories if part != "positions" else [row["category"]])
        fresh.append(row)
    return _change(part, ours, merged), fresh


def _base(
    part: Part,
    places: Mapping[str, SheetRow],
    theirs: Mapping[str, Cells],
    ours: Mapping[str, Cells],
    exported: Exported,
    file: Path,
) -> Iterator[tuple[str, Cells]]:
    """What was exported: of each cell, whichever of the two texts now has its digest."""
    known = {name: digest for (own, name), digest in exported.digests.items() if own == part}
    for name, place in places.items():
        known[name] = place.cells[DIGEST].strip() or known.get(name, "")
    for name, text in known.items():
        there = places.get(name)
        if not text:
            continue  # a new row
        cells = split_digest(part, text)
        if cells is None:
            raise DataError(
                "not a digest that mores wrote",
                path=file,
                where=there.place(DIGEST) if there else f"sheet {EXPORTED!r}",
                fix="leave the cell empty for a new row; of others, undo what was done to it",
            )
        if was(cells[PARTS[part].key], name) is None:
            continue  # a row that was copied, and given an id of its own
        sides = [side[name] for side in (theirs, ours) if name in side]
        yield (
            name,
            {
                column: _text_of(digest, [side[column] for side in sides])
                for column, digest in cells.items()
            },
        )


def _text_of(digest: str, texts: Sequence[str]) -> str:
    """The text of a digest; where both sides changed it, one that no side has."""
    text = was(digest, *texts)
    return f"\0{digest}" if text is None else text


def _change(part: Part, ours: Mapping[str, Cells], merged: Merged) -> PartChange:
    form = PARTS[part]
    found = difference(list(ours.values()), merged.rows, key=form.key)
    return PartChange(
        part=part,
        file=form.file,
        added=found.added,
        removed=found.removed,
        changed=found.changed,
        conflicts=tuple(map(_known_base, merged.conflicts)),
    )


def _known_base(conflict: Conflict) -> Conflict:
    """A conflict without what it was before, of which only a digest is known."""
    return Conflict(
        id=conflict.id, field=conflict.field, base=None, theirs=conflict.theirs, ours=conflict.ours
    )


@contextmanager
def _naming_cells(part: Part, place: SheetRow, file: Path) -> Iterator[None]:
    """Say of what is wrong with a row in which cell it stands."""
    try:
        yield
    except DataError as error:
        raise DataError(
            error.message, path=file, where=place.place(_column(part, error)), fix=error.fix
        ) from None


def _refuse_category(row: Mapping[str, Any], categories: Sequence[str]) -> None:
    if row["category"] not in categories:
        raise DataError(
            f"unknown category {row['category']!r}{did_you_mean(row['category'], [*categories])}",
            where="category",
            fix="categories of the charter: " + ", ".join(categories),
        )


def _column(part: Part, error: DataError) -> str:
    """The column that an error is about; the key where it says none."""
    named = re.search(r"field `(\w+)", error.message)
    column = named[1] if named else str(error.where)
    return column if column in COLUMNS[part] else PARTS[part].key
