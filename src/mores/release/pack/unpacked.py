"""A pack in a folder: unpacked with suspicion, every file held against its digest.

unpacked = unpack_all(Path("wellbeing-full.zip"), folder)
unpacked.index, unpacked.differences
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mores import store
from mores.errors import DataError, MoresError
from mores.json_text import JsonError, parse
from mores.rate.blind import KEY
from mores.rate.ratings import COLLECTED_BY, GROUPS
from mores.release.pack.archive import MOST_BYTES, REMAKE, opened, read, unpack
from mores.release.pack.lines import differing, read_lines
from mores.release.pack.model import CRATE, FORM, INDEX, LINES, SIGNATURE, STUDY, Difference, Index
from mores.release.pack.people import BY_RATERS, RECORDS, TOLD
from mores.release.pack.tree import Tree
from mores.study import Study
from mores.study.config import StudyConfig
from mores.study.files import LABELS, SIGNATURES, study_files

MOST_INDEX = 64 * 1024 * 1024
"""Bytes of pack.json, signature.json and the metadata: more is no pack."""
MAY_STAND = {*RECORDS, "charter.toml", TOLD, LABELS, SIGNATURES, *BY_RATERS, GROUPS, COLLECTED_BY,
             KEY}  # fmt: skip
"""Files from which people are taken out. At full disclosure no other stands for one that reads
otherwise: a pack that says so of answers hides what was answered."""


@dataclass(frozen=True)
class Unpacked:
    """A pack's content, and what of it is not as it should be."""

    path: Path
    folder: Path
    index: Index
    index_bytes: bytes
    signature: bytes
    """signature.json, or nothing."""
    tree: Tree
    differences: tuple[Difference, ...]


def unpack_all(path: Path, folder: Path) -> Unpacked:
    """Unpack a pack and compare each file with its digest.

    Args:
        path: the pack.
        folder: an empty one.

    Raises:
        DataError: no zip, cut short, an entry that leads elsewhere, a link, a bomb; no pack, one of
            a newer form, files that no pack of this form has.
        StoreError: the disk is full.
    """
    with opened(path) as archive:
        names = set(archive.namelist())
        for needed in (INDEX, CRATE):
            if needed not in names:
                raise DataError(
                    f"this zip has no {needed}: it is no pack of mores, or a part of one",
                    path=path,
                    fix="make one with `mores pack STUDY`",
                )
        data = read(archive, INDEX, MOST_INDEX)
        index = read_index(data, path)
        signature = read(archive, SIGNATURE, MOST_INDEX) if SIGNATURE in names else b""
        listed = {one.path for one in index.files}
        if unknown := sorted(names - listed - {INDEX, SIGNATURE}):
            raise DataError(
                f"{len(unknown)} files that {INDEX} does not know, such as {unknown[0]!r}",
                path=path,
                fix="ask whoever sent it: a pack holds what it lists, and nothing else",
            )
        if (total := sum(one.bytes for one in index.files)) > MOST_BYTES:
            raise DataError(f"it says to hold {total:,} bytes", path=path, fix=REMAKE)
        found = [*_unpacked(archive, index, folder), *_wrong_stand_ins(index)]
    return Unpacked(path, folder, index, data, signature, _tree(index, folder, path), tuple(found))


def read_index(data: bytes, path: Path) -> Index:
    """Read pack.json.

    Raises:
        DataError: not one, or of a newer form.
    """
    try:
        plain = parse(data.decode("utf-8"))
    except (JsonError, UnicodeDecodeError) as error:
        raise DataError(f"{INDEX} is not JSON: {error}", path=path, fix=REMAKE) from None
    form = plain.get("form") if isinstance(plain, dict) else None
    if not isinstance(form, int) or isinstance(form, bool) or form < 1:
        raise DataError(f"{INDEX} says no form: no pack of mores", path=path, fix=REMAKE)
    if form > FORM:
        raise DataError(
            f"a pack of form {form}; this mores knows forms up to {FORM}",
            path=path,
            fix="check it with a newer mores: pip install --upgrade mores",
        )
    try:
        index = store.as_record(plain, Index)
    except DataError as error:
        raise DataError(f"{INDEX}: {error.message}", path=path, fix=REMAKE) from None
    twice = len({one.path.lower() for one in index.files}) < len(index.files)
    if twice or any(one.bytes < 0 for one in index.files):
        raise DataError(f"{INDEX} lists a file twice, or one of no size", path=path, fix=REMAKE)
    return index


def _unpacked(archive: zipfile.ZipFile, index: Index, folder: Path) -> list[Difference]:
    found: list[Difference] = []
    names = set(archive.namelist())
    changed: list[str] = []
    for one in index.files:
        if one.path not in names:
            found.append(Difference(file=one.path, said="in the pack", found="not there"))
            continue
        digest, why = unpack(archive, one.path, folder / one.path, one.bytes)
        if why or digest != one.digest:
            said = why or f"content with the digest {digest}"
            found.append(Difference(file=one.path, said=f"digest {one.digest}", found=said))
            changed.append(one.path)
    lines = read_lines(folder / LINES) if changed else {}
    for name in changed:
        if name in lines:
            found += differing(name, folder / name, lines[name])
    return found


def _wrong_stand_ins(index: Index) -> list[Difference]:
    if index.level != "full":
        return []
    return [
        Difference(
            file=one.path,
            said="stands for another file, with people taken out",
            found="a file that names no people",
        )
        for one in index.files
        if one.stands_for and one.path.rpartition("/")[2] not in MAY_STAND
    ]


def _tree(index: Index, folder: Path, path: Path) -> Tree:
    """The study in the pack.

    Raises:
        DataError: settings that none has, or that lead out of the pack.
    """
    said = index.settings
    study = Study(
        folder / STUDY,
        _config(said.config, path),
        dict(said.origins),
        said.place,
        None if said.kept is None else frozenset(said.kept),
    )
    home = study.folder.resolve()
    if not study.run_folder.resolve().is_relative_to(home):
        raise _leads_out(str(study.run_folder.relative_to(study.folder)), path)
    inside = [one for one in index.files if one.path.startswith(f"{STUDY}/")]
    return Tree(
        study,
        tuple(one.path.removeprefix(f"{STUDY}/") for one in inside),
        {one.path.removeprefix(f"{STUDY}/"): one.stands_for for one in inside if one.stands_for},
    )


def refuse_outside(study: Study, path: Path) -> None:
    """Refuse a study whose settings name a file that is not in the pack.

    Raises:
        DataError: they do.
    """
    home = study.folder.resolve()
    for file in study_files(study).values():
        if not file.is_relative_to(home):
            raise _leads_out(str(file), path)


def _leads_out(where: str, path: Path) -> DataError:
    return DataError(
        f"its settings lead out of the pack, to {where!r}; nothing there was read",
        path=path,
        fix="ask whoever sent it",
    )


def _config(plain: dict[str, Any], path: Path) -> StudyConfig:
    try:
        return msgspec.convert(plain, StudyConfig)
    except (msgspec.ValidationError, ValueError, MoresError) as error:
        raise DataError(
            f"its settings are not ones that this mores knows: {store.readable(str(error), plain)}",
            path=path,
            fix="check it with the version of mores that made it (mores_version in pack.json)",
        ) from None
