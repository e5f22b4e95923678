"""Complaints about a model's answers, as the desk hands them on: desk/complaints.jsonl.

The desk's database is where they are kept (`mores.desk`); the file is what other rooms read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mores import store
from mores.records import Record
from mores.store.lines import read_records
from mores.study.study import Study


class Event(Record, frozen=True, kw_only=True):
    """Something that was done about a complaint."""

    deed: str
    """``assigned``, ``answered``, ``closed``, ``reopened``."""
    text: str
    who: str
    at: float
    """Seconds since 1970."""


class Complaint(Record, frozen=True, kw_only=True):
    """An answer that somebody did not accept."""

    number: int
    category: str
    """Of the position that it is about, or empty."""
    question: str
    answer: str
    expected: str
    at: float
    """Seconds since 1970."""
    state: str
    """``open``, ``assigned``, ``answered``, ``closed``."""
    traced: str = ""
    """What a trace of the answer says, in one paragraph; empty where it was not traced."""
    events: tuple[Event, ...] = ()


def desk_folder(study: Study) -> Path:
    """Where the desk's database, its backups and the complaints are kept."""
    return study.folder / "desk"


def keep_out_of_repositories(folder: Path) -> None:
    """Write a ``.gitignore`` into a folder of people's words, where there is none."""
    if not (folder / ".gitignore").exists():
        store.write_text(folder / ".gitignore", "# Words of people: not for a repository.\n*\n")


def read_complaints(study: Study) -> list[Complaint]:
    """Return the complaints of a study, oldest first; none where nobody has complained.

    Raises:
        DataError: a damaged line.
    """
    path = desk_folder(study) / "complaints.jsonl"
    return read_records(path, Complaint, unique="number") if path.exists() else []


def write_complaints(study: Study, complaints: Sequence[Complaint]) -> None:
    """Write them, for the other rooms; people's words are kept out of a repository."""
    folder = desk_folder(study)
    keep_out_of_repositories(folder)
    store.write_jsonl(folder / "complaints.jsonl", complaints)
