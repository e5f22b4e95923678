"""Words, sentences and runs of words: how every rule of `mores check` cuts text up.

Takes plain strings, gives tuples of strings; no state, no data files.

    words("Don't stop, it's 5 o'clock")   # ("don't", "stop", "it's", "5", "o'clock")
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

Run = tuple[str, ...]
"""Words in a row."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]”’]*\s+|\n+")
# Scripts written without blanks between words: a count of blanks says nothing there.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def words(text: str) -> Run:
    """Return the words in lower case, without punctuation; compatibility forms folded (NFKC)."""
    folded = unicodedata.normalize("NFKC", text).replace("’", "'").casefold()
    return tuple(_WORD.findall(folded))


def runs(sequence: Sequence[str], length: int) -> list[Run]:
    """Return every run of `length` words, in order; none if the sequence is shorter."""
    return [tuple(sequence[i : i + length]) for i in range(len(sequence) - length + 1)]


def longest_run(a: Sequence[str], b: Sequence[str]) -> Run:
    """Return the longest run of words that both sequences hold (the first one, if several)."""
    best, end = 0, 0
    before = [0] * (len(b) + 1)
    for i, word in enumerate(a, 1):
        row = [0] * (len(b) + 1)
        for j, other in enumerate(b, 1):
            if word == other:
                row[j] = before[j - 1] + 1
                if row[j] > best:
                    best, end = row[j], i
        before = row
    return tuple(a[end - best : end])


def sentences(text: str) -> list[str]:
    """Return the sentences that hold a word; a line break ends one too, as in a list."""
    return [part for part in _SENTENCE_END.split(text) if words(part)]


def count_words(text: str) -> int:
    """Return the number of blank-separated words, as the published process counts them."""
    return len(text.split())


def is_unspaced(text: str) -> bool:
    """Say whether most letters belong to a script without blanks (Chinese, Japanese, Thai …)."""
    letters = sum(c.isalpha() for c in text)
    return letters > 0 and 2 * len(_UNSPACED.findall(text)) > letters


def printable(text: str) -> str:
    """Return the text with everything that a terminal could act on written as an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def excerpt(text: str) -> str:
    """Return the first 60 characters of a text on one line, quoted and safe to print."""
    line = " ".join(text.split())
    short = line if len(line) <= 60 else line[:59].rstrip() + "…"
    return f'"{printable(short)}"'
