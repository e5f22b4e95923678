"""The parts of a study that people edit, as rows; and how they go back into their files.

    seen = digests(study.folder)
    rows = rows_of(study, "values")              plain records, every field
    write_parts(study, {"values": changed}, seen)

Files stay the truth: what was not changed stays as it was written, to the byte; a file that
somebody else has changed since ``seen`` is not touched, and then no other is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from mores import store
from mores.errors import DataError, StoreError, did_you_mean
from mores.records import Charter, Example, Position, Prompt, Record, StancePair
from mores.study.rewrite import as_json, rewrite_charter, rewrite_lines
from mores.study.study import Study

Part = Literal["positions", "values", "control", "prompts", "stance"]
CHARTER = "charter.toml"
LOCK = ".files.lock"


class PartForm(Record, frozen=True, kw_only=True):
    """Where a part is, and what its rows are."""

    file: str
    key: str
    """Field by which a row is known."""
    record: type[Record]


PARTS: dict[Part, PartForm] = {
    "positions": PartForm(file=CHARTER, key="category", record=Position),
    "values": PartForm(file="values.jsonl", key="id", record=Example),
    "control": PartForm(file="control.jsonl", key="id", record=Example),
    "prompts": PartForm(file="prompts.jsonl", key="id", record=Prompt),
    "stance": PartForm(file="stance.jsonl", key="id", record=StancePair),
}


def digests(folder: Path) -> dict[str, str | None]:
    """Digest of each part's file, None where it is not there. Taken before the rows are read."""
    files = {form.file for form in PARTS.values()}
    return {
        name: store.digest_file(folder / name) if (folder / name).is_file() else None
        for name in sorted(files)
    }


def rows_of(study: Study, part: Part) -> list[dict[str, Any]]:
    """Return the rows of a part as plain data, every field, in file order, read anew.

    Raises:
        DataError: the file cannot be read.
    """
    study = study.again()
    if part == "positions":
        return [as_json(p) for p in study.charter.positions]
    if part in ("prompts", "stance"):
        return [as_json(r) for r in (study.prompts if part == "prompts" else study.stance)]
    return [as_json(example) for example in study.dataset(part).examples]


def as_records(part: Part, rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Any]:
    """Return rows as records of their part.

    Raises:
        DataError: a field is unknown, missing or of a wrong kind; a key is there twice.
    """
    form = PARTS[part]
    found: dict[str, Record] = {}
    for row in rows:
        record = store.as_record(dict(row), form.record, path=folder / form.file)
        name = getattr(record, form.key)
        if name in found:
            raise DataError(f"{form.key} {name!r} is there twice", path=folder / form.file)
        found[name] = record
    return list(found.values())


def write_parts(
    study: Study, rows: Mapping[Part, Sequence[Mapping[str, Any]]], seen: Mapping[str, str | None]
) -> list[Path]:
    """Write the parts given; all is checked before anything is written.

    Args:
        study: in whose folder.
        rows: part → all its rows, as they should be.
        seen: from `digests`, when what these rows came from was read.

    Returns:
        The files that changed.

    Raises:
        DataError: a row is not in order, a category is not in the charter, a set would be empty.
        StoreError: a file was changed by somebody else since, or cannot be written.
    """
    fresh = check_parts(study, rows)
    place = study.folder / "runs" / LOCK
    fix = "try again; the lock goes with the process that holds it"
    with store.held(place, "somebody else is writing this study", fix=fix, seconds=10):
        _refuse_changed(study.folder, fresh, seen)
        study, texts = study.again(), dict[Path, bytes]()
        for part, records in fresh.items():
            path = study.folder / PARTS[part].file
            before = path.read_bytes() if path.exists() else b""
            after = _text(study, part, records, before.decode("utf-8-sig")).encode("utf-8")
            if after != before and after != before.removeprefix(b"\xef\xbb\xbf"):
                texts[path] = after
        with ExitStack() as stack:  # all are on disk beside their place before the first is renamed
            for path, text in texts.items():
                stack.enter_context(store.replacing(path)).write_bytes(text)
    return list(texts)


def check_parts(
    study: Study, rows: Mapping[Part, Sequence[Mapping[str, Any]]]
) -> dict[Part, list[Any]]:
    """Return the parts given as records, if the study would be in order with them.

    Raises:
        DataError: a row is not in order, a category is not in the charter, a set would be empty.
    """
    fresh = {part: as_records(part, own, study.folder) for part, own in rows.items()}
    _refuse_unknown_categories(study, fresh)
    return fresh


def _text(study: Study, part: Part, records: list[Any], before: str) -> str:
    if part != "positions":
        return rewrite_lines(before, records)
    charter = study.charter
    changed = Charter(version=charter.version, language=charter.language, positions=tuple(records))
    return rewrite_charter(before, changed, path=study.folder / CHARTER)


def _refuse_unknown_categories(study: Study, fresh: Mapping[Part, list[Any]]) -> None:
    """Check the study as it would be: every record under a position, no set empty."""
    study = study.again()
    positions = fresh.get("positions") or list(study.charter.positions)
    known = [position.category for position in positions]
    parts: dict[Part, Sequence[Any]] = {
        "values": study.values.examples,
        "control": study.control.examples,
        "prompts": study.prompts,
        "stance": study.stance,
    }
    for part, before in parts.items():
        records = fresh.get(part, before)
        path = study.folder / PARTS[part].file
        if not records and part != "stance":
            raise DataError("nothing would be left", path=path, fix="keep at least one record")
        for record in records:
            if record.category not in known:
                raise DataError(
                    f"unknown category {record.category!r}{did_you_mean(record.category, known)}",
                    path=path,
                    where=f"id {record.id!r}",
                    fix="categories of charter.toml: " + ", ".join(known),
                )
    if "positions" in fresh and not fresh["positions"]:
        raise DataError("nothing would be left", path=study.folder / CHARTER)


def _refuse_changed(
    folder: Path, fresh: Mapping[Part, Any], seen: Mapping[str, str | None]
) -> None:
    now = digests(folder)
    for part in fresh:
        name = PARTS[part].file
        if now[name] != seen.get(name):
            raise StoreError(
                "was changed by somebody else meanwhile; nothing was written",
                path=folder / name,
                fix="read it again and merge (mores.study.merge)",
            )
