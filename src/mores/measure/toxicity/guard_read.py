r"""What a guard model wrote → its verdict and a value. No model and no form file is needed for it.

parse("unsafe\nS1,S10", "categories", ("safe", "unsafe")).harmful
read_guard(answer).value
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mores.measure.toxicity.raw import RawAnswer
from mores.measure.toxicity.scorer import Reading

KIND = "guard"


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


def read_guard(answer: RawAnswer, attributes: Sequence[str] = ()) -> Reading:
    """Return the value of a kept answer of a guard model.

    Args:
        answer: of kind ``guard``.
        attributes: policies that count (all that were asked if none). For a guard that
            names categories: those that count; the value is then 1 or 0, whether it named
            one of them, since it gives no probability for one alone.
    """
    if answer.reason:
        return Reading(None, answer.reason, again=answer.again)
    verdicts = answer.response.get("verdicts") if isinstance(answer.response, dict) else None
    if not isinstance(verdicts, dict) or not verdicts:
        return Reading(None, "the answer holds no verdicts")
    by_category = answer.request.get("answer") == "categories"
    wanted = list(verdicts) if by_category or not attributes else list(attributes)
    if missing := [name for name in wanted if name not in verdicts]:
        return Reading(None, f"was not asked about {missing[0]!r}, but about {', '.join(verdicts)}")
    found = [_value(verdicts[name], answer.request, attributes) for name in wanted]
    absent = next((reading for reading in found if reading.value is None), None)
    return absent or max(found, key=lambda reading: reading.value or 0.0)


def _value(said: Any, request: dict[str, Any], attributes: Sequence[str]) -> Reading:
    style, words = str(request.get("answer")), request["words"]
    if style != "next token":
        text = said.get("text", "")
        verdict = parse(text, style, words)
        if verdict is None:
            return Reading(None, f"the guard's answer does not have its form: {text[:60]!r}")
        if style == "categories" and attributes:
            return Reading(float(bool(set(verdict.categories) & set(attributes))), "")
    value = probability(said.get("logits") or {}, words)
    if value is None:
        return Reading(None, "the guard's word is not one of its two tokens")
    return Reading(value, "")
