"""What a judge said, kept line by line: a kill loses what is under way, and nothing is paid twice.

Before a request is sent, a line counts the most that it may cost; the line of its answer takes back
what it did not. So the lines add up to what was spent at most, also where a process died between
the two.

    book = Book(step.journal(), earlier)
    book.answers[request.key]
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mores.rate.judge.answer import JudgeAnswer
from mores.records import Record
from mores.step import Journal


class Line(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the journal."""

    read: int = 0
    """Tokens more (or fewer) than the lines before say."""
    drawn: int = 0
    answer: JudgeAnswer | None = None


class Book:
    """Answers by the key of their request."""

    def __init__(self, journal: Journal, earlier: Iterable[JudgeAnswer]) -> None:
        """Read what is kept.

        Args:
            journal: of the step that is under way.
            earlier: what the step said the last time, for requests that are asked again.
        """
        self.journal = journal
        lines = [msgspec.json.decode(line, type=Line) for line in journal.lines]
        self.read, self.drawn = sum(x.read for x in lines), sum(x.drawn for x in lines)
        kept = [*earlier, *(x.answer for x in lines if x.answer is not None)]
        self.answers = {answer.key: answer for answer in kept if answer.final}

    def reserve(self, read: int, drawn: int) -> None:
        """Count the worst case of a request that is about to be sent."""
        self.journal.append(Line(read=read, drawn=drawn))

    def keep(self, answer: JudgeAnswer | None, read: int = 0, drawn: int = 0) -> None:
        """Keep what came, with the difference to what was reserved.

        Raises:
            StoreError: disk full, no permission.
        """
        self.journal.append(Line(read=read, drawn=drawn, answer=answer))
        if answer is not None:
            self.answers[answer.key] = answer
