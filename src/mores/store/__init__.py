"""Files: JSON Lines in and out, digests, atomic writes, a lock.

The only module (with the command line) that touches a study's files. A file is
either the old one or the new one, never half of it: everything is written
beside its place, flushed to disk and renamed.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO, TypeVar

import msgspec

from mores.errors import DataError, StoreError, did_you_mean
from mores.json_text import JsonError, parse
from mores.records import IN_WORDS, to_plain
from mores.store.digests import digest as digest
from mores.store.digests import digest_bytes as digest_bytes
from mores.store.digests import digest_file as digest_file
from mores.store.digests import standing_for as standing_for

R = TypeVar("R", bound=msgspec.Struct)

Say = Callable[[str], None]
"""Where a step writes its lines for the user."""


# Reading -----------------------------------------------------------------------------------


@contextlib.contextmanager
def open_text(path: Path, *, encoding: str = "utf-8-sig", newline: str = "\n") -> Iterator[TextIO]:
    """Open a text file to read it piece by piece; line ends stay as they are.

    Args:
        path: the file.
        encoding: a codec of text that Python knows; by default UTF-8, with or without a mark.
        newline: as in `open`; ``""`` also ends lines at a carriage return.

    Raises:
        DataError: the file is missing, is a folder or is in another encoding (with the line).
    """
    try:
        with path.open(encoding=encoding, newline=newline) as file:
            yield file
    except FileNotFoundError:
        raise DataError("no such file", path=path, fix="check the path") from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", path=path) from None
    except UnicodeError as error:
        raise _undecodable(path, encoding, error) from None


def _undecodable(path: Path, encoding: str, error: UnicodeError) -> DataError:
    wanted = "UTF-8" if encoding == "utf-8-sig" else encoding
    message, line = f"cannot be read as {wanted}: {error}", None
    try:  # once more, as a whole: the error of a stream has its place in a piece only
        path.read_bytes().decode(encoding)
    except UnicodeDecodeError as whole:
        message = f"expected {wanted}, found the byte 0x{whole.object[whole.start]:02x}"
        line = whole.object[: whole.start].decode(encoding, "replace").count("\n") + 1
    return DataError(
        message,
        path=path,
        line=line,
        fix="save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8'), or name its encoding "
        "where a command takes one: --encoding cp1252",
    )


def read_text(path: Path) -> str:
    """Read a UTF-8 file (a byte-order mark is allowed); `open_text` says what it raises."""
    with open_text(path) as file:
        return file.read()


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: missing, not UTF-8 or not JSON.
    """
    text = read_text(path)
    try:
        return parse(text, strict=False)
    except JsonError as error:
        line = None if error.at is None else text.count("\n", 0, error.at) + 1
        raise DataError(f"not valid JSON: {error}", path=path, line=line) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        DataError: missing, not UTF-8 or not TOML (with the parser's line).
    """
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"not valid TOML: {error}", path=path) from None
    except RecursionError:
        raise DataError("not valid TOML: lists inside each other without end", path=path) from None


def read_jsonl(path: Path, kind: type[R], *, unique: str | None = "id") -> list[R]:
    """Read one record a line.

    Args:
        path: a JSON Lines file; blank lines are skipped.
        kind: record type of every line.
        unique: field whose values must all differ, if any.

    Raises:
        DataError: a line is no JSON, has unknown or missing fields, or repeats an id.
    """
    records: list[R] = []
    seen: dict[Any, int] = {}
    for number, row in iter_rows(path):
        record = as_record(row, kind, path=path, line=number)
        if unique is not None and hasattr(record, unique):
            key = getattr(record, unique)
            if key in seen:
                raise DataError(
                    f"{unique} {key!r} was already used on line {seen[key]}",
                    path=path,
                    line=number,
                    fix=f"give every record its own {unique}",
                )
            seen[key] = number
        records.append(record)
    return records


def read_rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read JSON Lines as plain objects with their line numbers.

    Raises:
        DataError: a line is not JSON or not an object.
    """
    return list(iter_rows(path))


def iter_rows(path: Path, *, encoding: str = "utf-8-sig") -> Iterator[tuple[int, dict[str, Any]]]:
    """Do what `read_rows` does one line after another: a file of any size."""
    # Lines end at "\n" only: JSON strings may hold U+2028 and the like unescaped.
    with open_text(path, encoding=encoding) as file:
        yield from json_lines(file, path)


def json_lines(lines: Iterable[str], path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Parse one object a line, with its number; blank lines are skipped.

    Raises:
        DataError: a line is not JSON (`mores.json_text` says what is) or not an object.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = parse(line)
            except JsonError as error:
                place = "" if error.at is None else f" at column {error.at + 1}"
                raise DataError(
                    f"not valid JSON: {error}{place}",
                    path=path,
                    line=number,
                    fix='write one object a line, such as {"id": "v-01", "prompt": "..."}',
                ) from None
            yield number, json_object(row, path, number)


def json_object(row: Any, path: Path, number: int) -> dict[str, Any]:
    """Return a value that was JSON, if it is an object.

    Raises:
        DataError: no object.
    """
    if not isinstance(row, dict):
        raise DataError(
            f"expected a JSON object, found {type(row).__name__}", path=path, line=number
        )
    return row


def as_record(row: Any, kind: type[R], *, path: Path | None = None, line: int | None = None) -> R:
    """Turn plain data into a record, or say what is wrong with it and where.

    Raises:
        DataError: unknown field (with a suggestion), missing field, wrong type or value.
    """
    name = row.get("id") if isinstance(row, dict) else None
    where = f"id {name!r}" if isinstance(name, str) else None
    if isinstance(row, dict):
        known = list(kind.__struct_encode_fields__)
        for key in row:
            if key not in known:
                raise DataError(
                    f"unknown field {key!r}{did_you_mean(str(key), known)}",
                    path=path,
                    line=line,
                    where=where,
                    fix="known fields: " + ", ".join(known),
                )
    try:
        return msgspec.convert(row, kind)
    except (msgspec.ValidationError, ValueError) as error:
        raise DataError(readable(str(error), row), path=path, line=line, where=where) from None


def readable(message: str, data: Any = None) -> str:
    """Turn msgspec's wording into ours: names without its path syntax, patterns in words.

    Args:
        message: what msgspec says.
        data: what it says it of, to name the value that no pattern fits.
    """
    text = message
    for pattern, words in IN_WORDS.items():
        asked = f"`str` matching regex {pattern!r}"
        if asked in text:
            _, _, place = text.partition("`$")
            found = _at(data, place.rstrip("`"))
            text = text.replace(asked, words) + (f", found {found!r}" if found else "")
    text = text.replace("Object missing required field ", "missing field ")
    text = text.replace("Expected ", "expected ").replace(", got ", ", found ")
    return text.replace(" - at `$.", " in field `").replace("`$.", "`")


def _at(data: Any, place: str) -> str:
    """The text at ``.positions[0].category``; "" where there is none."""
    for name, number in re.findall(r"\.(\w+)|\[(\d+)\]", place):
        try:
            data = data[name] if name else data[int(number)]
        except (KeyError, IndexError, TypeError):
            return ""
    return data if isinstance(data, str) else ""


# Writing -----------------------------------------------------------------------------------


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals into a `StoreError` that says what to do."""
    try:
        yield
    except OSError as error:
        fixes = {
            errno.ENOSPC: "the disk is full: free some space and run the same command again",
            errno.EDQUOT: "the disk quota is used up: free some space and run again",
            errno.EROFS: "the file system is read-only: choose another folder",
            errno.EACCES: "no permission: choose a folder that you may write to",
        }
        raise StoreError(
            f"cannot be written: {error.strerror or error}",
            path=path,
            fix=fixes.get(error.errno or 0, "nothing was changed; run again once it is solved"),
        ) from None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it into place if all went well.

    Raises:
        StoreError: disk full, no permission, read-only; the old file is then intact.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not possible on every file system
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically and durably (see `replacing` for what it raises)."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON with a final newline; NaN is refused."""
    plain = to_plain(value)
    write_text(path, json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_jsonl(path: Path, records: Iterable[Any]) -> None:
    """Write one record a line as they come, atomically; NaN is refused (ValueError)."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(encode(to_plain(record)) + "\n" for record in records)


# Locks and places --------------------------------------------------------------------------


_lent: set[Path] = set()


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[bool]:
    """Hold a run folder for one process; the system frees it if the process dies.

    A thread that holds it already may take it again. Gives whether the folder is ours: not where it
    was `lent`.

    Raises:
        StoreError: another process is at work in this folder.
    """
    if folder.resolve() in _lent:
        yield False
        return
    busy = "another mores process is at work here"
    with held(
        folder / ".lock", busy, fix="wait for it, or stop it; the lock goes with the process"
    ):
        yield True


@contextlib.contextmanager
def lent(folder: Path) -> Iterator[None]:
    """Let `lock` pass: the process that holds the folder has handed us work (`execute.lease`)."""
    _lent.add(folder.resolve())
    try:
        yield
    finally:
        _lent.discard(folder.resolve())


@contextlib.contextmanager
def held(path: Path, busy: str, *, fix: str, seconds: float = 0.0) -> Iterator[None]:
    """Hold a lock file, waiting for it some seconds at most.

    Raises:
        StoreError: another process holds it; ``busy`` and ``fix`` say what that means.
    """
    from filelock import FileLock, Timeout

    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = FileLock(path, is_singleton=True)
        try:
            file.acquire(timeout=seconds)
        except Timeout:
            raise StoreError(busy, path=path.parent, fix=fix) from None
    try:
        yield
    finally:
        file.release()


def cache_folder() -> Path:
    """Where fetched weights and data are kept: ``$MORES_CACHE`` or the user's cache."""
    chosen = os.environ.get("MORES_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mores"
