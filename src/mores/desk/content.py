"""The study's files as the desk shows them: read when they change, never written by reading.

    shelf = Shelf(read)               read() gives the study anew
    content = shelf.content()          what the files say now
    shelf.trouble                      why a file cannot be read now, or empty

A file that no longer parses while the desk is open does not take the pages away: what was last
read stays on them, marked, and nothing is accepted until the file is in order again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from mores import store
from mores.curate.lint.check import check_subject
from mores.curate.lint.subject import Item, Subject, read_subject
from mores.curate.lint.suppress import read_check
from mores.errors import MoresError
from mores.records import Example, Finding, Prompt, StancePair
from mores.study import Study
from mores.study.files import SIGNATURES, SIGNERS
from mores.study.rewrite import as_row
from mores.study.signoff import ThingState, sign_off

KINDS: dict[str, type[Example | Prompt | StancePair]] = {
    "values": Example,
    "control": Example,
    "prompts": Prompt,
    "stance": StancePair,
}
FIELDS: dict[str, tuple[str, ...]] = {
    "charter": ("title", "statement", "why"),
    "values": ("category", "prompt", "completion", "why", "source", "license"),
    "control": ("category", "prompt", "completion", "why", "source", "license"),
    "prompts": ("category", "text", "split", "kind", "near"),
    "stance": ("category", "prompt", "aligned", "opposed", "split"),
}
"""What people write at the desk, in the order of the form."""
NEEDED = {"title", "statement", "category", "prompt", "completion", "text", "aligned", "opposed"}
LONG = {"statement", "prompt", "completion", "text", "aligned", "opposed", "why"}
OPTIONS = {"split": ("test", "validation"), "kind": ("neutral", "leading")}


class Name(NamedTuple):
    """A record of the study: its file and its id there."""

    part: str
    id: str

    @property
    def key(self) -> str:
        """Field of the record that holds its id."""
        return "category" if self.part == "charter" else "id"

    def __str__(self) -> str:
        """As an address and in the database."""
        return f"{self.part}/{self.id}"


@dataclass(frozen=True)
class Content:
    """What the files said when they were last read."""

    study: Study
    subject: Subject
    findings: tuple[Finding, ...]
    records: Mapping[Name, dict[str, Any]]
    """Plain data of each record, fields at their defaults left out."""
    lines: Mapping[Name, int]
    stamp: str
    """Of the files when they were read."""

    def digest(self, name: Name) -> str:
        """Digest of a record, empty for one that is not there."""
        record = self.records.get(name)
        return store.digest(record) if record is not None else ""

    def of(self, part: str) -> list[tuple[Name, dict[str, Any]]]:
        """Records of one file, in its order."""
        return [(name, row) for name, row in self.records.items() if name.part == part]

    @cached_property
    def signed(self) -> Mapping[str, ThingState]:
        """Everything that can be signed, by its name, and who has signed it."""
        return {one.what: one for one in sign_off(self.study).things}

    def about(self, name: Name) -> list[Finding]:
        """What `mores check` says of one record."""
        return _about(self.findings, name)


class Shelf:
    """The study's files, read again when one of them has changed."""

    def __init__(self, read: Callable[[], Study]) -> None:
        self.read = read
        """Reads the study anew: settings, charter and records."""
        self.trouble = ""
        self._stamp: object = None
        self._content: Content | None = None
        self._lock = threading.Lock()
        self.writing = threading.Lock()
        """Held by whoever writes the files from this program."""

    def content(self) -> Content:
        """Return what the files say; what they said last where one cannot be read now.

        Raises:
            MoresError: they cannot be read, and never could since the desk was opened.
        """
        with self._lock:
            try:
                study = self.read()
                stamp = _stamp(study)
                if stamp != self._stamp:
                    self._content, self._stamp = _read(study, str(stamp)), stamp
                self.trouble = ""
            except MoresError as error:
                if self._content is None:
                    raise
                self.trouble = str(error)
            assert self._content is not None
            return self._content

    def forget(self) -> None:
        """Read again at the next look: this program itself has written."""
        with self._lock:
            self._stamp = None


def _stamp(study: Study) -> object:
    beside = ("charter.toml", "check.toml", "study.toml", "rating.toml", SIGNATURES, SIGNERS)
    names = [*beside, *(f"{part}.jsonl" for part in KINDS)]
    paths = [study.folder / name for name in names]
    return [(s.st_mtime_ns, s.st_size) if (s := _stat(p)) else None for p in paths]


def _stat(path: Any) -> Any:
    try:
        return path.stat()
    except OSError:
        return None


def _read(study: Study, stamp: str) -> Content:
    subject = read_subject(study)
    records: dict[Name, dict[str, Any]] = {}
    lines: dict[Name, int] = {}
    for position in study.charter.positions:
        records[Name("charter", position.category)] = as_row(position)
    for item in subject.items:
        name = Name(item.part, item.id)
        records[name], lines[name] = as_row(item.record), item.line
    findings = check_subject(subject, config=read_check(study.folder))
    return Content(study, subject, tuple(findings), records, lines, stamp)


def findings_of(content: Content, name: Name, record: dict[str, Any]) -> list[Finding]:
    """What `mores check` would say of a record if it stood in its file.

    Args:
        content: what the files say.
        name: the record's; a new one is put at the end.
        record: its fields.

    Raises:
        DataError: it is no record of that file.
    """
    made = store.as_record(record, KINDS[name.part])
    line = content.lines.get(name)
    rows = content.subject.part(name.part)  # type: ignore[arg-type]
    item = Item(name.part, line or len(rows) + 1, made)  # type: ignore[arg-type]
    changed = [item if row.id == name.id else row for row in rows]
    subject = _with(content.subject, name.part, changed if line else [*rows, item])
    return _about(check_subject(subject, config=read_check(content.study.folder)), name)


def _with(subject: Subject, part: str, rows: list[Item]) -> Subject:
    """The same subject with other records in one file."""
    if part == "values":
        return replace(subject, values=tuple(rows))
    if part == "control":
        return replace(subject, control=tuple(rows))
    if part == "prompts":
        return replace(subject, prompts=tuple(rows))
    return replace(subject, pairs=tuple(rows))


def _about(findings: Any, name: Name) -> list[Finding]:
    path = f"{name.part}.jsonl"
    return [f for f in findings if name.id in f.ids and f.path in (path, "")]
