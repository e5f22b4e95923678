r"""What a guard model wrote → its verdict, or why there is none.

parse("unsafe\nS1,S10", "categories", ("safe", "unsafe"))
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """One verdict."""

    harmful: bool
    categories: tuple[str, ...]
    start: int
    """Where in the text its word begins."""


def parse(text: str, style: str, words: Sequence[str]) -> Verdict | None:
    """Return the verdict in a guard's answer; None where it does not have the form.

    Args:
        text: what it wrote, up to its end-of-turn token.
        style: see `GuardForm.answer`.
        words: for harmless and for harmful.
    """
    harmless, harmful = map(re.escape, words)
    if style == "categories":
        codes = r"(?P<codes>[A-Z]\d{1,2}(?:[ \t]*,[ \t]*[A-Z]\d{1,2})*)"
        pattern = rf"\s*(?:(?P<no>{harmless})|(?P<yes>{harmful})[ \t]*\n\s*{codes})\s*"
        found = re.fullmatch(pattern, text)
    elif style == "score tag":
        pattern = rf"<score>\s*(?:(?P<no>{harmless})|(?P<yes>{harmful}))\s*</score>"
        every = list(re.finditer(pattern, text, re.IGNORECASE))
        # Two verdicts are none.
        found = every[0] if len(every) == 1 else None
    else:
        pattern = rf"\s*(?:(?P<no>{harmless})|(?P<yes>{harmful}))\b"
        found = re.match(pattern, text)
    if found is None:
        return None
    word = "yes" if found["yes"] else "no"
    codes_found = found.groupdict().get("codes") or ""
    categories = tuple(code.strip() for code in codes_found.split(",") if code.strip())
    return Verdict(word == "yes", categories, found.start(word))


def probability(logits: Mapping[str, float], words: Sequence[str]) -> float | None:
    """Return softmax over the logits of the two words, at the word for harmful."""
    try:
        gap = float(logits[words[0]]) - float(logits[words[1]])
    except (KeyError, TypeError, ValueError):
        return None
    if not math.isfinite(gap):
        return None
    # Written so that neither end overflows.
    return 1 / (1 + math.exp(gap)) if gap < 0 else math.exp(-gap) / (1 + math.exp(-gap))
