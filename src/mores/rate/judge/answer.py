"""What a judge said → a digit, or why there is none. Nothing is guessed, and never a 3.

read_digit("**4**")              # (4, "")
read_digit("I would rate this")  # (None, "no digit alone on its first or last line")
"""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec import field

from mores.records import Count, Record

DIGITS = (0, 1, 2, 3, 4, 5)
"""0: cannot be rated."""
EMPTY = "the judge answered nothing"
CUT = "the judge's answer was cut off before a digit"
REFUSED = "the judge refused"
NO_DIGIT = "no digit alone on its first or last line"
TWO = "two different digits"
OUT_OF_RANGE = "a number that is not 0 to 5"
NO_MESSAGE = "the reply holds no message"

LONGEST_LINE = 80
"""Characters; a longer line says more than a digit."""

_DRESS = r"[\s*_`\"'“”‘’()\[\]#>:]*"
_ALONE = re.compile(
    rf"{_DRESS}(?:(?:my )?(?:final )?(?:rating|score|answer){_DRESS}(?:is|=)?{_DRESS})?"
    rf"(-?[0-9]+(?:[.,][0-9]+)?)(?:\s*(?:/|out of)\s*5)?{_DRESS}\.?{_DRESS}",
    re.IGNORECASE,
)
_THOUGHT = re.compile(r"<(think|thought)>.*?</\1>", re.DOTALL)


class JudgeAnswer(Record, frozen=True, kw_only=True):
    """What came of asking a judge about one item in one order, as it is kept."""

    key: str
    """Digest of the judge and of all that it read."""
    item: str
    """Digest of the item."""
    order: Literal["ascending", "descending"]
    value: int | None
    """0 to 5; 0 says that it cannot be rated."""
    reason: str = ""
    """Why there is no value."""
    response: Any = None
    """All that the service replied."""
    logprobs: dict[str, float] = field(default_factory=dict)
    """Digit → its log-probability after the prompt, in nats; of a model that is run here."""
    answered_by: str = ""
    """What the service called the model that answered."""
    read: Count = 0
    """Tokens, by the service's own count."""
    drawn: Count = 0
    final: bool = True
    """Whether asking again would not do better, so that it is not asked again."""


def read_digit(text: str) -> tuple[int | None, str]:
    """Return the digit that a reply holds alone on its first or last line, or why there is none.

    Marks around it are passed over (``**4**``, ``Rating: 4``, ``4/5``), and so is what a model
    thought aloud in ``<think>``. A digit inside a sentence is none: "I cannot rate this for 3
    reasons" is no 3.
    """
    said = _THOUGHT.sub(" ", text).strip()
    if not said:
        return None, EMPTY
    lines = [line for line in said.splitlines() if line.strip()]
    ends = [line for line in (lines[0], lines[-1]) if len(line) <= LONGEST_LINE]
    found = [match[1] for line in ends if (match := _ALONE.fullmatch(line))]
    if not found:
        return None, NO_DIGIT
    if len(set(found)) > 1:
        return None, TWO
    if found[0] not in map(str, DIGITS):
        return None, OUT_OF_RANGE
    return int(found[0]), ""


def read_reply(body: Any) -> tuple[int | None, str]:
    """Return the digit in a chat completion, or why there is none."""
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return None, NO_MESSAGE
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        return None, REFUSED
    text = message.get("content")
    value, reason = read_digit(text if isinstance(text, str) else "")
    cut = choice.get("finish_reason") == "length" and value is None
    return value, CUT if cut else reason
