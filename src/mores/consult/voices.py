"""Dissent in participants' own words: the objection that speaks for the most others.

objection(reasons)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mores.curate.rules.personal_data import personal_data
from mores.records import Record
from mores.study.languages import ENGLISH

LONGEST = 700
"""Characters of an objection that are printed."""
RULE = (
    "chosen by rule, not by anybody: of the reasons that may be quoted, the one that shares most "
    "words with the others, the longer where two share as many"
)
_WORD = re.compile(r"\w+")


class Objection(Record, frozen=True, kw_only=True):
    """What those who disagree say."""

    gave_reasons: int
    """People who disagree and said why."""
    quotable: int
    """Of these, people who allow their words to be printed, and name no personal data in them."""
    words: str = ""
    """One of them, as it was written; empty where none may be printed."""
    cut: bool = False
    """Whether it goes on."""


def objection(reasons: Sequence[tuple[str, bool]], language: str = ENGLISH) -> Objection:
    """Choose one reason of those who disagree.

    Args:
        reasons: (text, whether it may be quoted) of each person who disagrees; empty texts are
            people who did not say why.
        language: of the statement, whose streets and identity numbers count as personal, too.

    Returns:
        The reason with the greatest mean Jaccard similarity of words to all others, quotable or
        not: what most objections have in common, in one person's words.
    """
    said = [(text.strip(), quote) for text, quote in reasons if text.strip()]
    bags = [set(_WORD.findall(text.casefold())) for text, _ in said]
    free = [
        at
        for at, (text, quote) in enumerate(said)
        if quote and not any(personal_data(text, language))
    ]
    if not free:
        return Objection(gave_reasons=len(said), quotable=0)

    def common(at: int) -> tuple[float, int, str]:
        others = [_alike(bags[at], bags[other]) for other in range(len(said)) if other != at]
        return sum(others) / max(1, len(others)), len(said[at][0]), said[at][0]

    words = said[max(free, key=common)][0]
    return Objection(
        gave_reasons=len(said),
        quotable=len(free),
        words=words[:LONGEST],
        cut=len(words) > LONGEST,
    )


def _alike(one: set[str], other: set[str]) -> float:
    either = one | other
    return len(one & other) / len(either) if either else 0.0
