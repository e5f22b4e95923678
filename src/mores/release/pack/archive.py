"""The zip file of a pack: the same bytes for the same content, and read with suspicion.

    write(path, {"pack.json": b"...", "study/values.jsonl": Path(...)})
    with opened(path) as archive: names(archive); read(archive, "pack.json", most=...)

A zip from elsewhere may have names that climb out of the folder, links, the same name twice, or a
few bytes that unpack to terabytes. All are refused before anything is written, and what is unpacked
is counted as it comes.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from mores import store
from mores.errors import DataError

WHEN = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name: a pack says nothing of when it was made."""
MOST_FILES = 100_000
MOST_BYTES = 16 * 1024**3
"""Of all files together, unpacked."""
CHUNK = 1024 * 1024
Content = bytes | Path
REMAKE = "get the file again, or make it again with `mores pack`"
LONGEST_NAME = 200
LOCAL_HEADER, LISTED, END = 30, 46, 22
"""Bytes of a zip's headers without names: of a file, of its line in the list, of the end."""


def write(path: Path, files: Mapping[str, Content]) -> None:
    """Write a zip of some files, atomically.

    Raises:
        StoreError: it could not be written.
    """
    with store.replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, WHEN)
            entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            content = files[name]
            with archive.open(
                entry, "w", force_zip64=size_of(content) >= zipfile.ZIP64_LIMIT
            ) as target:
                if isinstance(content, bytes):
                    target.write(content)
                else:
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, target, CHUNK)


def size_of(content: Content) -> int:
    """Bytes of some content."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose entries are all plain files inside it.

    Raises:
        DataError: no such file, no zip or one that was cut short, or an entry that no pack has.
    """
    if not path.is_file():
        raise DataError("no such file", path=path, fix="check the path")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(
            f"this is no zip file, or one that was cut short or damaged ({error})",
            path=path,
            fix=REMAKE,
        ) from None
    with archive:
        _refuse(archive, path)
        yield archive


def gapless(path: Path) -> bool:
    """Say whether a zip is its entries one after another, its list of them, and nothing besides."""
    with zipfile.ZipFile(path) as archive:
        at = 0
        for entry in sorted(archive.infolist(), key=lambda one: one.header_offset):
            if entry.header_offset != at or entry.extra or entry.comment:
                return False
            at += LOCAL_HEADER + len(entry.filename.encode()) + entry.compress_size
        listed = sum(LISTED + len(entry.filename.encode()) for entry in archive.infolist())
        return archive.start_dir == at and path.stat().st_size == at + listed + END


def _refuse(archive: zipfile.ZipFile, path: Path) -> None:
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise DataError(
            f"{len(entries)} files: a pack has {MOST_FILES} at most", path=path, fix=REMAKE
        )
    seen: set[str] = set()
    names = {entry.filename for entry in entries}
    for entry in entries:
        above = {str(p) for p in PurePosixPath(entry.filename).parents}
        twice = "is there twice" if entry.filename.lower() in seen else ""
        under = "lies below another file" if above & names else ""
        if why := _wrong(entry) or twice or under:
            raise DataError(
                f"the entry {entry.filename[:200]!r} {why}: no pack has that, nothing was unpacked",
                path=path,
                fix="do not unpack it by other means; ask whoever sent it",
            )
        seen.add(entry.filename.lower())
    if (total := sum(entry.file_size for entry in entries)) > MOST_BYTES:
        raise DataError(
            f"it would unpack to {total:,} bytes; more than {MOST_BYTES:,} are not unpacked",
            path=path,
            fix=REMAKE,
        )


def _wrong(entry: zipfile.ZipInfo) -> str:
    """Say what no pack's entry is, or nothing."""
    name, mode = entry.orig_filename, entry.external_attr >> 16
    parts = PurePosixPath(name).parts
    if name.startswith("/") or "\\" in name or ":" in name or ".." in parts or "\0" in name:
        return "leads out of the folder that it would be unpacked to"
    if not name or name.endswith("/") or "/".join(parts) != name or "." in parts:
        return "is no plain file"
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        return "has a name that is too long"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is a link or a device"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in another way than deflate"
    return ""


def read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return the content of one entry, of so many bytes at most.

    Raises:
        DataError: it is larger, or damaged.
    """
    where = archive.filename
    try:
        with archive.open(name) as source:
            data = source.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise DataError(f"{name} is damaged: {error}", path=where, fix=REMAKE) from None
    if len(data) > most:
        raise DataError(f"{name} has more than {most:,} bytes", path=where, fix=REMAKE)
    return data


def unpack(archive: zipfile.ZipFile, name: str, target: Path, most: int) -> tuple[str, str]:
    """Write one entry to a file, piece by piece, and count.

    Args:
        archive: from `opened`.
        name: the entry.
        target: where it goes.
        most: bytes that it should have; what comes after them is not read.

    Returns:
        The digest of what was written, and what is wrong with the entry, if anything.

    Raises:
        StoreError: it could not be written.
    """
    digest, size, why = hashlib.sha256(), 0, ""
    with store.disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            try:
                with archive.open(name) as source:
                    while piece := source.read(CHUNK):
                        size += len(piece)
                        if size > most:
                            why = f"it goes on after the {most:,} bytes that it should have"
                            break
                        digest.update(piece)
                        file.write(piece)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                why = f"it cannot be unpacked whole: {error}"
    return "sha256:" + digest.hexdigest(), why
