"""A study as plain data, for other processes and machines: its place and its resolved settings.

sent = Sent.of(study)
sent.open()              # elsewhere: people's files are read there
"""

from __future__ import annotations

from pathlib import Path

from mores.records import Record
from mores.study.config import StudyConfig
from mores.study.study import Study


class Sent(Record, frozen=True, kw_only=True):
    """What a `Study` is made of, besides the files in its folder."""

    folder: str
    config: StudyConfig
    place: str
    kept: tuple[str, ...] | None

    @classmethod
    def of(cls, study: Study) -> Sent:
        """Write down a study; its folder by its whole path."""
        return cls(
            folder=str(study.folder.resolve()),
            config=study.config,
            place=study.place,
            kept=None if study.kept is None else tuple(sorted(study.kept)),
        )

    def open(self) -> Study:
        """Return the study again; where its settings came from is not known any more."""
        kept = None if self.kept is None else frozenset(self.kept)
        return Study(Path(self.folder), self.config, {}, self.place, kept)
