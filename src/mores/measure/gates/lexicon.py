"""Words and patterns of the rules, from the data file.

lexicon().matches("anywhere", "i can't help with that")
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from mores import store

FILE = "refusal.toml"
PATTERNS = (
    "not_refusals",
    "anywhere",
    "opening",
    "filler",
    "asides",
    "discouraging",
    "agreeing",
)


@dataclass(frozen=True)
class Lexicon:
    """Compiled patterns by class, and lists of words."""

    version: str
    patterns: dict[str, re.Pattern[str]]
    request_words: frozenset[str]
    grammar_words: frozenset[str]
    digest: str

    def matches(self, kind: str, sentence: str) -> bool:
        """Say whether any pattern of a class occurs in a sentence (see `sentences`)."""
        return self.patterns[kind].search(sentence) is not None


@cache
def lexicon() -> Lexicon:
    """Read the data file once."""
    path = Path(str(resources.files("mores.measure.gates") / "data" / FILE))
    data = store.read_toml(path)
    return Lexicon(
        version=str(data["version"]),
        patterns={kind: re.compile("|".join(f"(?:{p})" for p in data[kind])) for kind in PATTERNS},
        request_words=frozenset(data["request_words"]),
        grammar_words=frozenset(data["grammar_words"]),
        digest=store.digest(data),
    )


_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})
_QUOTED = re.compile(r'"[^"\n]{1,300}"')
_ENDS = re.compile(r"(?<=[.!?:;])\s+|\n+")


def plain(text: str) -> str:
    """Lower case, straight quotes, no marks of emphasis, single blanks within lines."""
    lowered = text.translate(_QUOTES).lower().strip("\ufffd")
    return "\n".join(re.sub(r"[ \t*_#>]+", " ", line).strip() for line in lowered.splitlines())


def sentences(text: str) -> list[str]:
    """Sentences of a plain text without quoted speech, for what a figure says is no refusal.

    A text that is one quotation keeps its words.
    """
    spoken = _QUOTED.sub(" ", text)
    if len(words(spoken)) < 3:
        spoken = text.replace('"', " ")
    parts = (" ".join(part.split()).strip(" -\u2013\u2014'") for part in _ENDS.split(spoken))
    return [part for part in parts if words(part)]


def words(text: str) -> list[str]:
    """Words of a plain text, with their apostrophes."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text)
