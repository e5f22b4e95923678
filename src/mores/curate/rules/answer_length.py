"""M101: the answer has 40 to 340 words."""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.lint.rule import found
from mores.curate.lint.subject import Item, Subject
from mores.curate.text import count_words, is_unspaced
from mores.records import Finding, Severity

SHORTEST, LONGEST = 40, 340


class AnswerLength:
    """An answer has 40 to 340 words, as in the published process.

    Words are separated by blanks; of scripts without blanks letters are counted
    (`mores.curate.text.LETTERS_A_WORD`). Source: Solaiman and Dennison 2021 (PALMS), step 4.
    """

    id = "M101"
    name = "answer-length"
    severity: Severity = "error"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every answer that is shorter or longer."""
        for item in subject.samples:
            finding = self._one(item)
            if finding is not None:
                yield finding

    def _one(self, item: Item) -> Finding | None:
        n = count_words(item.answer)
        if SHORTEST <= n <= LONGEST or not n:  # an empty answer is M102's
            return None
        about = "about " if is_unspaced(item.answer) else ""
        change = f"add {SHORTEST - n}" if n < SHORTEST else f"cut {n - LONGEST}"
        return found(
            self,
            item,
            f"expected {SHORTEST} to {LONGEST} words, found {about}{n}",
            fix=f"{change} or more words, or split the sample",
            value=float(n),
        )
