"""Which record of a JSON Lines file was changed, added or removed: a short digest of each line.

A file's digest says that it differs; these say where. They prove nothing by themselves.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import MoresError
from mores.json_text import JsonError, parse
from mores.release.pack.model import Difference

IDS = ("id", "item_id", "completion_id", "prompt_id", "number")
MOST = 20
"""Records of a file that are named."""


def named_lines(path: Path) -> list[str]:
    """Return for each line eight hexadecimal digits of its digest, and its record's name."""
    with path.open("rb") as file:
        return [f"{_short(line)} {_name(line)}".rstrip() for line in file]


def differing(name: str, path: Path, said: list[Any]) -> list[Difference]:
    """Name the records in which a file is not what it should be.

    Args:
        name: of the file, in the pack.
        path: where it lies.
        said: what `named_lines` gave when it was packed.
    """
    before, now = Counter(map(str, said)), Counter(named_lines(path))
    gone, added = list((before - now).elements()), list((now - before).elements())
    names = [line.partition(" ")[2] for line in gone]
    fresh = {line.partition(" ")[2] for line in added}
    found = [
        Difference(
            file=name,
            where=f"record {one!r}" if one else "a line",
            said="as it was packed",
            found="changed" if one in fresh else "removed",
        )
        for one in names
    ]
    found += [
        Difference(file=name, where=f"record {one!r}", said="nothing", found="added")
        for one in sorted(fresh - set(names))
    ]
    if len(found) > MOST:
        more = Difference(
            file=name, said="as packed", found=f"{len(found) - MOST} more records differ"
        )
        found = [*found[:MOST], more]
    if not found and list(map(str, said)) != named_lines(path):
        found = [Difference(file=name, said="its records in order", found="in another order")]
    return found


def _short(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()[:8]


def _name(line: bytes) -> str:
    try:
        row = parse(line.decode("utf-8"))
    except (JsonError, UnicodeDecodeError, MoresError):
        return ""
    if not isinstance(row, dict):
        return ""
    parts = [str(row[key]) for key in IDS if key in row][:1]
    parts += [str(row[key]) for key in ("rater", "arm", "participant") if key in row]
    return " ".join(parts)[:200]


def read_lines(path: Path) -> dict[str, list[Any]]:
    """Read what was written down of every file's lines; nothing where it cannot be read."""
    try:
        found = store.read_json(path)
    except MoresError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(k): v for k, v in found.items() if isinstance(v, list)}
