"""A kept answer of a guard model → a value. No model and no form file is needed for it.

read_guard(answer).value
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mores.measure.toxicity.guard_parse import parse, probability
from mores.measure.toxicity.raw import RawAnswer
from mores.measure.toxicity.scorer import Reading

KIND = "guard"


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
