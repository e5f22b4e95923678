"""What a pack says of itself (pack.json), and what checking one finds."""

from __future__ import annotations

from typing import Any, Literal

from mores.records import Record

FORM = 1
"""Raised when an earlier mores could not read a pack of this one."""
INDEX = "pack.json"
CRATE = "ro-crate-metadata.json"
SIGNATURE = "signature.json"
AUDIT = "audit.json"
LINES = "lines.json"
STUDY, REPORT = "study", "report"
"""Folders of a pack: the study as it was, and what was said of it."""
PURPOSE = "mores-pack"
"""Namespace of a pack's SSH signature: one made for something else does not count here."""

Level = Literal["full", "no-texts", "figures"]
Why = Literal["weights", "people", "figures only", "media"]
State = Literal["holds", "differs", "not checked"]


class Entry(Record, frozen=True, kw_only=True):
    """One file of the pack."""

    path: str
    digest: str
    bytes: int
    stands_for: str = ""
    """Digest of the study's own file, where people or texts were taken out of this one."""


class LeftOut(Record, frozen=True, kw_only=True):
    """A file that is not in the pack, by its digest."""

    path: str
    digest: str
    why: Why


class Settings(Record, frozen=True, kw_only=True):
    """The study's settings as they were resolved when it was packed."""

    config: dict[str, Any]
    origins: dict[str, str]
    place: str = ""
    kept: tuple[str, ...] | None = None


class Index(Record, frozen=True, kw_only=True):
    """The content of pack.json: a signature is over its bytes."""

    form: int
    level: Level
    study: str
    version: str
    preset: str
    mores_version: str
    versions: dict[str, str]
    """Of Python and the libraries that decide numbers, when the report was written."""
    zlib: str
    """Version of what compressed the pack: the same one gives the same bytes."""
    settings: Settings
    base_models: dict[str, str]
    """Name → digest of the weights that everything rests on; no weights are in a pack."""
    report: str
    """Digest of the report.json that this one was made from."""
    files: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...]
    changed: dict[str, str | None]
    """Step's folder → what had changed since it ran, where the pack alone does not show it."""
    kept: tuple[str, ...]
    """Places of the report that the pack alone does not give."""
    notes: tuple[str, ...] = ()


class Packed(Record, frozen=True, kw_only=True):
    """What was written."""

    path: str
    level: Level
    digest: str
    bytes: int
    files: int
    left_out: dict[str, int]
    """Why → files that are not in the pack."""
    signed: str
    """Fingerprint of the key, or empty."""
    notes: tuple[str, ...]


class Check(Record, frozen=True, kw_only=True):
    """One thing that was looked at, or could not be."""

    what: str
    state: State
    said: str
    """In words: what holds, what differs, or why it was not checked."""


class Difference(Record, frozen=True, kw_only=True):
    """One place where a pack is not what it says."""

    file: str
    where: str = ""
    """A record of the file, or a place of the report."""
    said: str
    """What the pack says there."""
    found: str
    """What it should be, or what is there."""


class Verified(Record, frozen=True, kw_only=True):
    """Everything that was checked of a pack."""

    file: str
    digest: str
    study: str
    version: str
    preset: str
    level: Level
    mores_version: str
    checks: tuple[Check, ...]
    compared: int
    """Values of the report that were made again and compared."""
    differences: tuple[Difference, ...]
