"""Text → lower-case words.

    words("She was well-read; it wasn’t her 2nd book.")
    # ['she', 'was', 'well-read', 'it', "wasn't", 'her', 'nd', 'book']

A word is a run of Unicode letters (with their combining marks); single
apostrophes and hyphens between letters belong to it. Digits, punctuation and
symbols end a word. Case is folded with `str.lower`, characters are composed
(NFC), curly apostrophes and typographic hyphens become plain ones, Arabic vowel
signs and stretching lines are left out. There is no
stemming and no list of names. Scripts that write no spaces between words
(Chinese, Japanese, Thai) are not segmented: a run of letters stays one word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from mores.curate.text import ARABIC_SIGNS, ranges

_ASCII_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")
_PLAIN = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\u2010": "-",
        "\u2011": "-",
        # Invisible characters inside words: soft hyphen, (non-)joiners, word joiner.
        "\u00ad": None,
        "\u200c": None,
        "\u200d": None,
        "\u2060": None,
    }
)


def words(text: str) -> list[str]:
    """Return the words of a text in order, lower-case."""
    text = text.lower()
    if text.isascii():
        return _ASCII_WORD.findall(text)
    text = ARABIC_SIGNS.sub("", unicodedata.normalize("NFC", text.translate(_PLAIN)))
    pattern = _ASCII_WORD if text.isascii() else _unicode_word()
    return pattern.findall(text)


def own_words(stems: Iterable[str]) -> frozenset[str]:
    """Return the words of some stems, and their forms in 's.

    A prompt puts its own words into the text about a group, so they say nothing
    about what the model associates with it.
    """
    found = {word for stem in stems for word in words(stem)}
    return frozenset(found | {f"{word}'s" for word in found})


@lru_cache(maxsize=1)
def _unicode_word() -> re.Pattern[str]:
    # `re` knows no \p{L} and \p{M}; without marks, Hindi words would fall apart.
    letter, mark = ranges("L"), ranges("M")
    run = f"[{letter}][{letter}{mark}]*"
    return re.compile(f"{run}(?:['-]{run})*")
