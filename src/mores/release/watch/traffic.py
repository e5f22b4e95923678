"""A log of real traffic → a sample of its answers, in memory that does not grow with the log.

    seen = sample_log(Path("log.jsonl"), 200, seed="2021/1")
    seen.answers     # at most 200

Each line with an answer is as likely to be in the sample (Vitter's algorithm R, 1985). Of answers
to one question, or of one conversation where the log names them, only one is kept: they are no
independent signs of anything.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores.errors import DataError
from mores.tables import read_table

ALIASES = {
    "answer": ("completion", "response", "output", "output_text", "reply", "text"),
    "question": ("prompt", "input", "input_text", "query", "instruction"),
    "group": ("conversation_id", "conversation", "session_id", "session", "thread_id", "user_id"),
}
LONGEST = 20_000
"""Characters of an answer that are looked at: bounds memory, whatever a line holds."""


@dataclass(frozen=True)
class Answer:
    """One answer, with its question where it is known."""

    text: str
    question: str | None = None
    group: str | None = None
    """Conversation or person, as the log names it; never kept."""


@dataclass(frozen=True)
class Seen:
    """What was drawn from the traffic."""

    answers: tuple[Answer, ...]
    """One for each question and each group that differs."""
    rows: int
    without: int
    """Lines without an answer."""
    sampled: int
    """Before answers to one question, or of one group, were taken together."""
    prompts: tuple[str, ...] = ()
    """Ids of the study's prompts that these answer, in their order; none of a log."""


def sample_log(
    path: Path, count: int, *, seed: str, names: Mapping[str, str] | None = None
) -> Seen:
    """Read a log once, line by line, and keep a sample.

    Args:
        path: JSON Lines or CSV with a column ``answer``; ``question`` and ``group`` if they are
            known.
        count: answers to keep at most.
        seed: decides which.
        names: our name of a column → the log's.

    Raises:
        DataError: no such file or column, a line that cannot be read or whose answer is no text
            (with the line), or no answer at all.
    """
    draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
    kept: list[Answer] = []
    rows = answered = 0
    table = read_table(
        path, ["answer"], others=["question", "group"], names=names or {}, aliases=ALIASES
    )
    for line, row in table:
        rows += 1
        text = _text(row.get("answer"), "answer", path, line)
        question = _text(row.get("question"), "question", path, line)
        if text is None:
            continue
        group = row.get("group")
        answered += 1
        place = len(kept) if len(kept) < count else draw.randrange(answered)
        if place < count:
            kept[place : place + 1] = [
                Answer(text[:LONGEST], question, None if group in (None, "") else str(group))
            ]
    if not kept:
        raise DataError(
            f"none of {rows} lines has an answer",
            path=path,
            fix="name the column that has it: --map answer=NAME",
        )
    return Seen(one_each(kept), rows, rows - answered, len(kept))


def one_each(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """Return answers of which no two share a question or a group; the first of each is kept."""
    seen: set[tuple[str, str]] = set()
    found = []
    for answer in answers:
        keys = set()
        if answer.question is not None:
            keys.add(("question", folded(answer.question)))
        if answer.group is not None:
            keys.add(("group", answer.group))
        if not keys & seen:
            found.append(answer)
        seen |= keys
    return tuple(found)


def folded(question: str) -> str:
    """A question without regard to case and blanks."""
    return " ".join(question.split()).casefold()


def known_questions(answers: Iterable[Answer], own: Iterable[str]) -> int | None:
    """Return how many questions are the study's own; None where none is known."""
    asked = [folded(a.question) for a in answers if a.question is not None]
    prompts = {folded(text) for text in own}
    return sum(q in prompts for q in asked) if asked else None


def _text(value: Any, name: str, path: Path, line: int) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise DataError(
        f"expected a text as {name}, found {type(value).__name__}",
        path=path,
        line=line,
        fix=f"name the column that holds the text: --map {name}=NAME",
    )
