"""The form of a text in numbers: six measures, none of which looks at what it says.

Each takes a sample's `Item` and gives named numbers; None where the text is too
short for the measure.

    answer_length(item)   # {"words": 235.0}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mores.curate.lint.subject import Item
from mores.curate.text import Run, count_words, runs, sentences, words

Features = Mapping[str, float | None]
Measure = Callable[[Item], Features]

WINDOW = 40
"""Words in a window of the type-token ratio: the shortest answer that M101 allows."""

MARKS = {
    "commas": ",،、，", "semicolons": ";؛；", "colons": ":：", "question marks": "?¿؟？",
    "exclamation marks": "!¡！", "quotation marks": "\"“”„«»「」『』", "brackets": "()[]",
    "dashes": "–—", "apostrophes": "'’", "ellipses": "…",
}  # fmt: skip
"""Punctuation that is counted, by name."""

_LIST_ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+\S", re.MULTILINE)
_MARKUP = re.compile(r"\*\*|__|`|^#{1,6}\s", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n\s*\n")


def answer_length(item: Item) -> Features:
    """Words of the answer, separated by blanks."""
    return {"words": float(count_words(item.answer))}


def sentence_length(item: Item) -> Features:
    """Mean words in a sentence of the answer."""
    parts = sentences(item.answer)
    return {"words a sentence": len(words(item.answer)) / len(parts) if parts else None}


def type_token(item: Item) -> Features:
    """Different words over words, as a moving average (MATTR) that length does not shift."""
    return {"type-token ratio": moving_ratio(item.answer_words)}


def moving_ratio(text: Run, window: int = WINDOW) -> float | None:
    """Return the mean share of different words over all windows of `window` words.

    A plain type-token ratio falls with length, so it would measure length a
    second time. Source: Covington and McFall 2010, Journal of Quantitative
    Linguistics 17(2), the moving-average type-token ratio.

    Returns:
        A share in (0, 1], or None for a text shorter than a window.
    """
    different = [len(set(run)) for run in runs(text, window)]
    return sum(different) / (window * len(different)) if different else None


def punctuation(item: Item) -> Features:
    """Marks of each kind for 100 words of the answer."""
    n = count_words(item.answer)
    return {
        name: 100 * sum(map(item.answer.count, marks)) / n if n else None
        for name, marks in MARKS.items()
    }


def layout(item: Item) -> Features:
    """List items, paragraphs and markup of the answer, counted."""
    text = item.answer.strip()
    return {
        "list items": float(len(_LIST_ITEM.findall(text))),
        "paragraphs": float(len(_PARAGRAPH.split(text))),
        "markup": float(len(_MARKUP.findall(text))),
    }


def openers(item: Item) -> Features:
    """The first word of the answer and that of the question, as 1 for the word that it is.

    Cliff's delta of such a feature is the difference in shares.
    """
    first = {"answers": item.answer_words[:1], "questions": item.question_words[:1]}
    return {f'{what} opening with "{word}"': 1.0 for what, run in first.items() for word in run}
