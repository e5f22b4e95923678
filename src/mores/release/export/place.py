"""A folder that is whole or not there: written beside its place, and renamed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mores import store
from mores.errors import StoreError

ABOUT = "export.json"
"""In every export: by it one is known, so that nothing else is ever replaced."""


@contextmanager
def taking_place(target: Path, *, replace: bool) -> Iterator[Path]:
    """Give a folder beside a place; rename it into that place if all went well.

    Raises:
        StoreError: something is there that may not be replaced, or nothing can be written.
    """
    if target.exists() and not replace:
        raise StoreError(
            "this is there already, nothing was exported",
            path=target,
            fix="name another folder with --out, or ask for it to be replaced: --replace",
        )
    if target.exists() and not (target / ABOUT).exists():
        raise StoreError(
            "this is no export of mores, so it is not replaced",
            path=target,
            fix="name another folder with --out, or move this one away",
        )
    with store.disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # In the same file system, and gone whatever happens.
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        folder = beside / "new"
        with store.disk_errors(target):
            folder.mkdir()
        yield folder
        with store.disk_errors(target):
            if target.exists():
                target.rename(beside / "old")
            folder.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
