"""Digests of values and files, and files that count as others.

store.digest_file(path)                          "sha256:..."
with store.standing_for({path: digest}): ...     the digest of the file that it was made from
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec


def digest_bytes(data: bytes) -> str:
    """Return ``sha256:`` and the 64 hexadecimal digits of some bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Return the digest of a file's content, or of the file that it stands for (`standing_for`)."""
    if _originals and (known := _originals.get(path.resolve())):
        return known
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


_originals: dict[Path, str] = {}


@contextlib.contextmanager
def standing_for(originals: Mapping[Path, str]) -> Iterator[None]:
    """Let files count as those that they were made from, which are not at hand.

    In a pack people's names, or all texts, are taken out of files whose digests are known all over
    the study.

    Args:
        originals: file → digest of the one that it stands for.
    """
    before = dict(_originals)
    _originals.update({path.resolve(): digest for path, digest in originals.items()})
    try:
        yield
    finally:
        _originals.clear()
        _originals.update(before)


def digest(value: Any) -> str:
    """Return the digest of a record or of plain data, independent of key order."""
    return digest_bytes(msgspec.json.encode(value, order="deterministic"))
