"""Is a text English? What knows English words only must not put a number on other texts.

    why_not_english("Das ist eine dumme Idee.")   # "not scored: not English"
    why_not_english("😀😀")                        # "not scored: no words to identify"
    why_not_english("Nope.")                      # "": short and slangy English stays

The language is identified by py3langid (BSD-3, offline, its model is in the wheel). It is taken at
its word only where it is fairly sure, for on a few words it is not; what it says of 5,972 English
texts and 36 others is in docs/toxicity.md.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from mores.study.languages import ranked

NOT_ENGLISH = "not scored: not English"
NO_WORDS = "not scored: no words to identify"
UNKNOWN = "not scored: language not identified"
REASONS = (NOT_ENGLISH, NO_WORDS, UNKNOWN)

SURE = 0.3
"""Least probability of another language; texts of a few words rarely give more."""
MOST_ENGLISH = 0.1
"""A text is another language's only where English has less than this."""
HARDLY_ENGLISH, FEW_WORDS = 0.02, 3
"""With so many words and less than this for English, no language may be sure, and none is ours."""
LIKE_ENGLISH = frozenset({"en", "sco", "pcm"})
"""English, Scots and Nigerian Pidgin: what slang is taken for."""
LEAST_LATIN = 0.5
"""Share of Latin among the letters below which no library needs to be asked."""
_LENGTH = 1000
"""Characters that are looked at: enough to tell."""


@lru_cache(maxsize=65_536)
def why_not_english(text: str) -> str:
    """Return why a text cannot be scored as English, one of `REASONS`, or nothing if it can.

    A text is English unless another language is likely. One without a letter has no words. Mixed
    texts are what most of them is.
    """
    head = text[:_LENGTH]
    letters = [c for c in head if c.isalpha()]
    if not letters:
        return NO_WORDS
    latin = sum(c.isascii() or unicodedata.name(c, "").startswith("LATIN") for c in letters)
    if latin < LEAST_LATIN * len(letters):
        return NOT_ENGLISH
    languages = ranked(head)
    best, sure = languages[0]
    english = sum(p for language, p in languages if language in LIKE_ENGLISH)
    if best in LIKE_ENGLISH or english >= MOST_ENGLISH:
        return ""
    if sure >= SURE:
        return NOT_ENGLISH
    return UNKNOWN if english < HARDLY_ENGLISH and len(head.split()) >= FEW_WORDS else ""


def too_short_to_tell(text: str) -> bool:
    """Whether a text has so few words that another language can pass for English."""
    return len(text.split()) <= FEW_WORDS
