"""Files as they lie on the disk → text: plain, or packed with gzip, whatever the name.

with open_lines(Path("old.jsonl.gz"), encoding="utf-8-sig") as lines: ...
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mores import store
from mores.errors import DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LARGEST = 2**30
"""Bytes that a packed file may have once it is unpacked: a small file can hold terabytes."""
_GZIP = b"\x1f\x8b"
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def head(path: Path, count: int = 8) -> bytes:
    """Return a file's first bytes, unpacked; none where it cannot be read.

    Raises:
        DataError: a pipe.
    """
    if path.is_fifo():
        raise DataError(
            "a pipe, and a table is opened more than once",
            path=path,
            fix="write it to a file first",
        )
    with contextlib.suppress(OSError, zlib.error, EOFError):
        packed = is_packed(path)
        with gzip.open(path) if packed else path.open("rb") as file:
            return file.read(count)
    return b""


def is_packed(path: Path) -> bool:
    """Whether a file is gzip, by its first bytes."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(2) == _GZIP
    return False


def bare_name(path: Path) -> Path:
    """Return the name that a packed file has once it is unpacked."""
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


def codec_of(path: Path, encoding: str | None) -> str:
    """Return the codec to read a file with: that of its mark, else the one given, else UTF-8.

    Raises:
        DataError: a pipe, or an encoding that Python does not know.
    """
    start = head(path)  # `open_lines` says what is wrong with a file that cannot be read
    marked = next((codec for mark, codec in _MARKS.items() if start.startswith(mark)), None)
    codec = marked or encoding or "utf-8-sig"
    try:
        "".encode(codec)
    except LookupError:
        raise DataError(
            f"unknown encoding {codec!r}", path=path, fix="such as utf-8, cp1252 or utf-16"
        ) from None
    return codec


@contextlib.contextmanager
def open_lines(path: Path, *, encoding: str, newline: str = "\n") -> Iterator[TextIO]:
    """Do what `store.open_text` does, and unpack a file that is packed.

    Raises:
        DataError: what `store.open_text` raises; a packed file that is damaged, or has more
            than `LARGEST` bytes unpacked.
    """
    if not is_packed(path):
        with store.open_text(path, encoding=encoding, newline=newline) as file:
            yield file
        return
    try:
        with (
            gzip.open(path) as packed,
            io.TextIOWrapper(
                io.BufferedReader(_Limited(packed, path)), encoding=encoding, newline=newline
            ) as text,
        ):
            yield text
    except (zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"damaged gzip: {error}", path=path, fix="pack it again") from None
    except UnicodeError as error:
        raise DataError(
            f"cannot be read as {encoding.removesuffix('-sig')}: {error}",
            path=path,
            fix="name its encoding: --encoding cp1252",
        ) from None


class _Limited(io.RawIOBase):
    """Bytes of a packed file, up to a limit."""

    def __init__(self, packed: gzip.GzipFile, path: Path) -> None:
        self._packed, self._path, self._left = packed, path, LARGEST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        data = self._packed.read(len(view))
        self._left -= len(data)
        if self._left < 0:
            raise DataError(
                f"more than {LARGEST / 2**20:,.0f} MiB once unpacked",
                path=self._path,
                fix="if that is meant, unpack it yourself and give the plain file",
            )
        view[: len(data)] = data
        return len(data)
