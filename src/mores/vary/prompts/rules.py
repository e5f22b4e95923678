"""The ways in which a question is asked by rule.

    kinds("en")                                  ("typos", "lower_case", …)
    reword("typos", "Is it right?", "en", "id")  Asked(text="Is it rihgt?")

A rule is a function of question, language and id alone, so that a study gets the same variants each
time. What people would accept as an answer stays the same (invariance tests; Ribeiro et al. 2020,
"Beyond Accuracy", section 2.2).
"""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from mores.records import Exchange
from mores.weights.neutral import neutral_texts

ANY = ("typos", "lower_case", "capitals")
"""Kinds that need no words of a language."""
FRAMES = ("formal", "indirect", "hypothetical", "role_play")
WORDS = ("informal", "learner")
OTHERS = ("push_back", "prefill", "long_context")
CASED = re.compile(r"[^\W\d_]")
TYPO_EVERY = 6
"""A letter is wrong in one of so many words, at least in one."""
LONG_WORDS = 400
"""Words of other matter before a question in the kind ``long_context``, at least."""
_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True)
class Asked:
    """A question in another way."""

    text: str
    earlier: tuple[Exchange, ...] = ()
    prefill: str = ""


def kinds(language: str) -> tuple[str, ...]:
    """Return the kinds that there are rules for in a language (BCP 47), in a fixed order."""
    table = _tables().get(_primary(language), {})
    there = (
        *(kind for kind in FRAMES if kind in table.get("frames", {})),
        *(kind for kind in WORDS if kind in table.get("words", {})),
        *(kind for kind in OTHERS if kind in table),
    )
    return (*ANY, *there)


def reword(kind: str, question: str, language: str, name: str) -> Asked | None:
    """Ask a question in one way; None where that would leave it as it is.

    Args:
        kind: one of `kinds` of the language.
        question: its text.
        language: BCP 47.
        name: of the variant; what a rule draws at random depends on it alone.

    Raises:
        KeyError: there is no such kind in this language.
    """
    if kind in ANY:
        text = {"typos": _typos, "lower_case": _lower, "capitals": _capitals}[kind](question, name)
        return Asked(text) if text != question else None
    table = _tables()[_primary(language)]
    if kind in FRAMES:
        return Asked(table["frames"][kind].format(q=question))
    if kind in WORDS:
        text = _swapped(question, table["words"][kind])
        return Asked(text) if text != question else None
    if kind == "push_back":
        return Asked(table[kind]["text"], earlier=(Exchange(prompt=question),))
    if kind == "prefill":
        return Asked(question, prefill=table[kind]["text"])
    return Asked(table["long_context"]["before"].format(prose=_prose(name), q=question))


@cache
def _tables() -> dict[str, Any]:
    text = (resources.files("mores.vary.prompts") / "frames.toml").read_text("utf-8")
    return tomllib.loads(text)


def _primary(language: str) -> str:
    """The language of a tag, without region and script."""
    return language.partition("-")[0].lower()


def _typos(question: str, name: str) -> str:
    """Two letters changed over, one left out or one doubled, inside a word of four or more."""
    words = list(_WORD.finditer(question))
    rng = random.Random(name)  # noqa: S311
    wrong = rng.sample(words, min(len(words), max(1, round(len(words) / TYPO_EVERY))))
    for found in sorted(wrong, key=lambda w: -w.start()):
        place = rng.randrange(found.start() + 1, found.end() - 2)
        two = question[place : place + 2]
        ways = [two[0], two[0] + two, *([two[::-1]] if two[0] != two[1] else [])]
        fresh = rng.choice(ways)
        question = question[:place] + fresh + question[place + 2 :]
    return question


def _lower(question: str, name: str) -> str:  # noqa: ARG001
    """Small letters, and neither apostrophes nor a closing mark."""
    bare = re.sub(r"['’]", "", question.lower())
    return re.sub(r"[.?!؟。]+\s*$", "", bare).lstrip("¿¡") if CASED.search(question) else question


def _capitals(question: str, name: str) -> str:  # noqa: ARG001
    return question.upper()


def _swapped(question: str, pairs: list[list[str]]) -> str:
    """Words for words, in one pass, so that nothing is changed twice."""
    new: dict[str, str] = {old: fresh for old, fresh in pairs}  # noqa: C416
    longest = sorted(new, key=len, reverse=True)
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, longest))})\b", re.IGNORECASE)
    changed = pattern.sub(lambda found: new[found[0].lower()], question)
    return re.sub(r"\s+", " ", re.sub(r"\s+([.?!,])", r"\1", changed)).strip()


def _prose(name: str) -> str:
    """Neutral texts in an order of the variant's own, until they are long enough."""
    texts = [text.answer for text in neutral_texts() if not text.prompt]
    random.Random(name).shuffle(texts)  # noqa: S311
    taken: list[str] = []
    for text in texts:
        taken.append(text)
        if sum(len(t.split()) for t in taken) >= LONG_WORDS:
            break
    return "\n\n".join(taken)
