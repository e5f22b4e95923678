"""What rules know of a language: ``words.<language>.toml``, one file a language.

words_of("es-MX").negations        # a pattern, or None for a language without a file
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path

from mores import store
from mores.records import Record
from mores.study.languages import primary


class LanguageWords(Record, frozen=True, kw_only=True):
    """The patterns of one language, as regular expressions."""

    negations: str
    """Of words that say no, in a text in lower case."""
    streets: tuple[str, ...] = ()
    """Of addresses, besides those that are looked for in every language."""
    identities: tuple[str, ...] = ()
    """Of national identity numbers, likewise."""


def words_of(tag: str) -> LanguageWords | None:
    """Return what is known of a language, or None."""
    return _read(primary(tag))


@cache
def _read(language: str) -> LanguageWords | None:
    path = Path(str(resources.files("mores.curate.rules") / f"words.{language}.toml"))
    if not path.exists():
        return None
    found = store.as_record(store.read_toml(path), LanguageWords, path=path)
    for pattern in (found.negations, *found.streets, *found.identities):
        re.compile(pattern)
    return found
