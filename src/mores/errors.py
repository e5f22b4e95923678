"""Every error that `mores` raises on purpose.

    MoresError
    ├── StudyError        a study's configuration or layout
    ├── DataError         a data file: which file, which line or id
    │   └── LeakError     training data that the evaluation asks about
    ├── AssetError        weights or data that could not be fetched or verified
    ├── ModelError        a model that cannot be found, loaded, trained or sampled
    ├── TuneError         a training run that must not go on
    ├── MeasureError      a measure that cannot be taken
    ├── ServiceError      a service on the network that refuses, fails or costs too much
    └── StoreError        files: disk full, damaged, written by someone else

A message gives the place, what was expected, what was found and how to fix it.
The command line prints it and exits with code 2; anything else is a bug, keeps
its traceback and exits with code 3.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


class MoresError(Exception):
    """Base of all errors that a user can do something about."""

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        where: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.message = message
        self.path = str(path) if path is not None else None
        self.line = line
        self.where = where
        self.fix = fix
        super().__init__(self._text())

    def _text(self) -> str:
        place = self.path or ""
        if self.line is not None:
            place += f":{self.line}"
        if self.where:
            place += f" ({self.where})" if place else self.where
        head = f"{place}: {self.message}" if place else self.message
        return f"{head}\n  fix: {self.fix}" if self.fix else head

    @property
    def parts(self) -> dict[str, Any]:
        """Class and parts as plain data; what it does not have is None."""
        names = ("message", "path", "line", "where", "fix")
        return {"kind": type(self).__name__, **{name: getattr(self, name) for name in names}}


def from_parts(parts: dict[str, Any]) -> MoresError:
    """Return the error whose `MoresError.parts` these are; of a class not known here, the base."""
    given = dict(parts)
    kind = globals().get(given.pop("kind"))
    if not (isinstance(kind, type) and issubclass(kind, MoresError)):
        kind = MoresError
    return kind(given.pop("message"), **given)


class StudyError(MoresError):
    """The study's configuration or layout is wrong."""


class DataError(MoresError):
    """A data file holds something that cannot be used."""


class LeakError(DataError):
    """Training data and evaluation prompts overlap."""


class AssetError(MoresError):
    """Bundled weights or data could not be fetched or verified."""


class ModelError(MoresError):
    """A model cannot be found, loaded, trained or sampled."""


class TuneError(MoresError):
    """A training run must not start or go on."""


class MeasureError(MoresError):
    """A measure cannot be taken on this input."""


class ServiceError(MoresError):
    """A service on the network refuses, fails or would cost more than was allowed."""


class StoreError(MoresError):
    """A file could not be written or does not hold what its manifest says."""


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, or ``""``."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
