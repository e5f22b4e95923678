"""What a judge said, kept line by line: a kill loses what is under way, and nothing is paid twice.

book = Book(step.journal(), earlier)
book.answers[request.key]
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from mores.rate.judge.answer import JudgeAnswer
from mores.step import Journal


class Book:
    """Answers by the key of their request; threads may share it."""

    def __init__(self, journal: Journal, earlier: Iterable[JudgeAnswer]) -> None:
        """Read what is kept.

        Args:
            journal: of the step that is under way.
            earlier: what the step said the last time, for requests that are asked again.
        """
        self.journal = journal
        self._turn = threading.Lock()
        kept = [*earlier, *journal.records(JudgeAnswer)]
        self.answers = {a.key: a for a in kept if a.final}

    def keep(self, answer: JudgeAnswer) -> None:
        """Keep what came.

        Raises:
            StoreError: disk full, no permission.
        """
        with self._turn:
            self.journal.append(answer)
            self.answers[answer.key] = answer
