"""The older prompt and completion format of hosted APIs: separators and endings, cut with care.

Such files end every prompt in a separator and every completion in a stop sequence. Both are cut
only where nearly all rows have the same one; an ending that is a word is cut only where the
prompts have a separator too, for an answer may end in that word. What is common is always said.

    rows = without_marks(rows, notes)      # rows: [(line, {"prompt": ..., "completion": ...})]
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mores.tables import Notes
from mores.tables.notes import listed

Rows = list[tuple[int, dict[str, Any]]]

NEARLY_ALL = 0.9
"""Share of the rows that must have the same mark."""
FEWEST = 3
"""Fewer rows than this show no habit: other forms say nothing of their endings."""

_SEPARATOR = re.compile(r"(?:\s*\n\n###(?:\n\n)?|\s*\n\n---\n\n|\s*->|\s+###)\s*$")
_ENDING = re.compile(r"(?:\s+END|\s*#{3,}|\s+-{3,}|\s*<\|[a-z_]+\|>|\s*</s>|\n)\s*$")


def separator_of(prompts: Sequence[str]) -> str:
    """Return the separator that nearly all prompts end in, or ""."""
    return _common(_SEPARATOR, prompts)[0]


def without_marks(rows: Rows, notes: Notes) -> Rows:
    """Cut the prompts' separator, the completions' first blank and their ending; say what."""
    prompts = [row["prompt"] for _, row in rows]
    separator, count = _common(_SEPARATOR, prompts)
    if separator:
        notes.say(f"{count} of {len(rows)} prompts end in {separator!r}: cut")
    ending = _ending(rows, separator, notes)
    cut: Rows = []
    for line, row in rows:
        completion = row["completion"].removesuffix(ending) or row["completion"]
        if completion[:1] == " " and completion.strip():
            notes.add("leading blank cut from the completion", line)
            completion = completion[1:]
        prompt = row["prompt"].removesuffix(separator) or row["prompt"]
        cut.append((line, {**row, "prompt": prompt, "completion": completion}))
    return cut


def say_endings(rows: Rows, notes: Notes) -> None:
    """Say that nearly all answers of another form end alike; nothing is cut."""
    ending, count = _common(_ENDING, [row["completion"] for _, row in rows])
    if ending.strip() and len(rows) >= FEWEST:
        notes.say(
            f"{count} of {len(rows)} answers end in {ending!r}: kept; if it is a stop sequence, "
            "--form legacy cuts it"
        )


def _ending(rows: Rows, separator: str, notes: Notes) -> str:
    """The ending to cut, or ""."""
    ending, count = _common(_ENDING, [row["completion"] for _, row in rows])
    if not ending:
        return ""
    what = f"{count} of {len(rows)} answers end in {ending!r}"
    if ending.strip().isalpha() and not separator:
        notes.say(f"{what}: kept, for it may be the answer's last word: no prompt has a separator")
        return ""
    notes.say(f"{what}: cut")
    others = [line for line, row in rows if not row["completion"].endswith(ending)]
    if others:
        notes.say(f"nothing was cut from the other answers: {listed(others)}")
    return ending


def _common(pattern: re.Pattern[str], texts: Sequence[str]) -> tuple[str, int]:
    """The mark that nearly all texts end in, and how many do; ("", 0) where there is none."""
    marks = Counter(match[0] for text in texts if (match := pattern.search(text)) and match.start())
    mark, count = marks.most_common(1)[0] if marks else ("", 0)
    return (mark, count) if count and count >= NEARLY_ALL * len(texts) else ("", 0)
