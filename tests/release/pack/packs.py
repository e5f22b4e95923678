"""Packs for tests, and what somebody with a text editor would do to one."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mores import store
from mores.release.pack.archive import write
from mores.release.pack.lines import named_lines
from mores.release.pack.model import INDEX, LINES

PEOPLE = ("Ada Lovelace", "Grace Hopper", "Mary Shelley", "Emmy Noether", "Lise Meitner")
REACHED = ("ada@example.org", "https://panel.example.org/done", "SECRET-CODE")
Change = bytes | Callable[[bytes], bytes] | None
RUN = "study/runs/quick"
ANSWERS = f"{RUN}/tiny-model/sample/completions.jsonl"
RATINGS = f"{RUN}/ratings/collected.jsonl"
REPORT = "report/report.json"


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(path: Path, changes: Mapping[str, Change], *, rehash: bool = False) -> Path:
    """Return a copy of a pack with other content; with all digests made to fit, if asked for."""
    files = content(path)
    for name, change in changes.items():
        if change is None:
            del files[name]
        else:
            files[name] = change if isinstance(change, bytes) else change(files[name])
    if rehash:
        _rehash(files, changes, path.parent)
    target = path.with_name("changed.zip")
    write(target, files)
    return target


def _rehash(files: dict[str, bytes], changes: Mapping[str, Change], folder: Path) -> None:
    lines = json.loads(files[LINES])
    for name in changes:
        if name in lines:
            (folder / "lines").write_bytes(files[name])
            lines[name] = named_lines(folder / "lines")
    files[LINES] = json.dumps(lines).encode()
    index = json.loads(files[INDEX])
    index["files"] = [one for one in index["files"] if one["path"] in files]
    for one in index["files"]:
        one["digest"] = store.digest_bytes(files[one["path"]])
        one["bytes"] = len(files[one["path"]])
    files[INDEX] = json.dumps(index).encode()


def line(number: int, edit: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """Edit one record of a JSON Lines file."""

    def change(data: bytes) -> bytes:
        rows = data.splitlines(keepends=True)
        row = json.loads(rows[number])
        edit(row)
        rows[number] = json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        return b"".join(rows)

    return change


def without_line(number: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        rows = data.splitlines(keepends=True)
        return b"".join(rows[:number] + rows[number + 1 :])

    return change


def edited(edit: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    """Edit a JSON file."""

    def change(data: bytes) -> bytes:
        value = json.loads(data)
        edit(value)
        return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()

    return change
