"""A name as people write it → one that can stand in files and tables.

Slugs("category").of("Mental health", notes)      # "mental_health", said once
"""

from __future__ import annotations

import unicodedata

from mores.errors import DataError
from mores.tables import Notes


def slug(name: str) -> str:
    """Return a name in lower case, blanks as ``_``: of "Mental health" ``mental_health``."""
    return "_".join(unicodedata.normalize("NFKC", name).lower().split())


class Slugs:
    """Names of one kind in one file; those with blanks are changed, and two must stay two."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._from: dict[str, str] = {}

    def of(self, name: str, notes: Notes) -> str:
        """Return a name without blanks, and note what was changed.

        Raises:
            DataError: two different names of this file would become one.
        """
        short = name if name and not any(map(str.isspace, name)) else slug(name)
        before = self._from.setdefault(short, name)
        if before != name:
            raise DataError(
                f"the names {before!r} and {name!r} of a {self._kind} would both become {short!r}",
                fix="if they are one, write both alike; if not, give one another name",
            )
        if short != name:
            notes.say(f"{self._kind} {name!r} → {short}")
        return short
