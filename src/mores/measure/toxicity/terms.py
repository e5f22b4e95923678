"""From a text to the terms that the two lexical models count.

    word_terms("You ARE an idiot")       ["you", "are", "an", "idiot"]
    character_terms("an ox", 2, 2)       [" a", "an", "n ", " o", "ox", "x "]
    stems("Those idiots cannot read!")   "idiot read"

`word_terms` and `character_terms` do what scikit-learn's analyzers ``word`` and
``char_wb`` do (feature_extraction/text.py). `stems` does what the package
toxicityclassifier does before it looks up character runs: lower case, remove
ASCII punctuation, split into tokens, drop function words, stem (Porter 2).
"""

from __future__ import annotations

import re
import string
from functools import lru_cache
from importlib import resources
from typing import Any

_WORD = re.compile(r"(?u)\b\w\w+\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)

# What NLTK's word tokenizer still splits once ASCII punctuation is gone: quotation
# marks, dashes and the contractions of Robert MacIntyre's list.
_MARKS = re.compile("([«»“”„‘’‒–—―])")
_CONTRACTIONS = re.compile(r"\b(?:(can)(not)|(gim)(me)|(gon)(na)|(got)(ta)|(lem)(me)|(wan)(na))\b")


def word_terms(text: str) -> list[str]:
    """Return runs of two or more word characters in lower case."""
    return _WORD.findall(text.lower())


def character_terms(text: str, shortest: int, longest: int) -> list[str]:
    """Return all character runs of each length inside words padded with a space.

    Args:
        text: any text; words are what white space separates.
        shortest: least length of a run, at least 1.
        longest: greatest length; a padded word shorter than a length counts once,
            whole, and for no greater length.
    """
    terms: list[str] = []
    for word in text.lower().split():
        padded = f" {word} "
        for length in range(shortest, longest + 1):
            last = len(padded) - length
            terms.extend(padded[start : start + length] for start in range(max(last, 0) + 1))
            if last <= 0:
                break
    return terms


def stems(text: str) -> str:
    """Return the stems of the content words, joined by spaces."""
    bare = _MARKS.sub(r" \1 ", text.strip().lower().translate(_NO_PUNCTUATION))
    split = _CONTRACTIONS.sub(lambda match: " ".join(filter(None, match.groups())), bare)
    tokens = [token for token in split.split() if token not in function_words()]
    return " ".join(map(_stem, tokens))


@lru_cache(maxsize=65_536)
def _stem(token: str) -> str:
    stem: str = _stemmer().stemWord(token)
    return stem


@lru_cache(maxsize=1)
def function_words() -> frozenset[str]:
    """English words of `function_words_en.txt`."""
    place = resources.files("mores.measure.toxicity").joinpath("function_words_en.txt")
    lines = place.read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")
