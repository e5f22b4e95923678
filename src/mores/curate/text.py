"""Words, sentences and runs of words: how every rule of `mores check` cuts text up.

Takes plain strings, gives tuples of strings; no state, no data files.

    words("Don't stop, it's 5 o'clock")   # ("don't", "stop", "it's", "5", "o'clock")
    words("مُحَمَّد")                      # ("محمد",): vowel signs are no part of an Arabic word
    count_words("这是一个没有空格的回答。")   # 7: 11 letters
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache

from mores.study.languages import HAN_KANA, NO_BLANKS, THAI_KIN

Run = tuple[str, ...]
"""Words in a row."""

_SENTENCE_END = re.compile(
    r"(?<=[.!?…؟۔])[\"')\]”’»]*\s+|(?<=[。！？।])[」』”’）]*\s*|\n+"  # 。 needs no blank after it
)
LETTERS_A_WORD = {HAN_KANA: 1.57, THAI_KIN: 2.8}
"""Script without blanks → letters of a word, vowel signs and tone marks not counted.

Measured against the words of ICU's segmenter (UAX #29 with its dictionaries) on everyday texts: 1.5
in Chinese, 1.6 in Japanese, 2.8 in Thai; Lao, Khmer and Burmese are taken to be like Thai.
"""
ARABIC_SIGNS = re.compile(r"[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
"""Vowel signs and the stretching line: written or left out as one likes."""


def words(text: str) -> Run:
    """Return the words in lower case, without punctuation; compatibility forms folded (NFKC).

    Where no blanks are written between words, a run of letters stays one.
    """
    folded = unicodedata.normalize("NFKC", text).replace("’", "'").casefold()
    return tuple(_word().findall(ARABIC_SIGNS.sub("", folded)))


@cache
def _word() -> re.Pattern[str]:
    """Letters and digits with their combining marks, without which Hindi words would fall apart."""
    run = f"[^\\W_]+(?:[{ranges('M')}]+[^\\W_]*)*"
    return re.compile(f"{run}(?:'{run})*")


def ranges(category: str) -> str:
    """Return the characters of a Unicode category as ranges for a regular expression."""
    inside = [c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c))[0] == category]
    starts = [c for c, before in zip(inside, [-2, *inside], strict=False) if c != before + 1]
    ends = [c for c, after in zip(inside, [*inside[1:], -2], strict=True) if after != c + 1]
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in zip(starts, ends, strict=True))


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
    """Return the number of blank-separated words, as the published process counts them.

    A text of a script without blanks has as many as its letters make (`LETTERS_A_WORD`), rounded.
    """
    if not is_unspaced(text):
        return len(text.split())
    others = sum(bool(words(part)) for part in NO_BLANKS.sub(" ", text).split())
    parts = ((re.findall(f"[{script}]", text), n) for script, n in LETTERS_A_WORD.items())
    letters = (sum(map(str.isalpha, found)) / a_word for found, a_word in parts)
    return others + round(sum(letters))


def is_unspaced(text: str) -> bool:
    """Say whether most letters belong to a script without blanks (Chinese, Japanese, Thai …)."""
    letters = sum(c.isalpha() for c in text)
    return letters > 0 and 2 * len(NO_BLANKS.findall(text)) > letters


def printable(text: str) -> str:
    """Return the text with everything that a terminal could act on written as an escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def excerpt(text: str) -> str:
    """Return the first 60 characters of a text on one line, quoted and safe to print."""
    line = " ".join(text.split())
    short = line if len(line) <= 60 else line[:59].rstrip() + "…"
    return f'"{printable(short)}"'
