"""M202: two samples, or two prompts, that differ in a few words only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mores.curate.lint.rule import found
from mores.curate.lint.subject import Item, Subject
from mores.curate.similarity import (
    ANSWER_THRESHOLD,
    QUESTION_THRESHOLD,
    Matrix,
    pairs_above,
    question_similarity,
    run_jaccard,
)
from mores.curate.text import Run
from mores.records import Finding, Severity


class NearDuplicates:
    """No two answers and no two questions are nearly the same; every pair is compared.

    Answers: Jaccard of 3-word runs of at least 0.3, over values and control
    together. Questions: cosine of idf-weighted stems of at least 0.5, within
    each file (a control question has the form of its values partner by design).
    Exact duplicates are M201's.
    """

    id = "M202"
    name = "near-duplicate"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every pair, at the later of its two places."""
        yield from self._pairs(
            subject.samples, "answer", lambda i: i.answer_words, ANSWER_THRESHOLD, run_jaccard
        )
        language = subject.charter.language
        for items in (subject.values, subject.control, subject.prompts, subject.pairs):
            yield from self._pairs(
                items,
                "question",
                lambda i: i.question_words,
                QUESTION_THRESHOLD,
                lambda a, b: question_similarity(a, b, language=language),
            )

    def _pairs(
        self,
        items: Sequence[Item],
        what: str,
        text: Callable[[Item], Run],
        threshold: float,
        measure: Callable[[Sequence[Run], Sequence[Run]], Matrix],
    ) -> Iterator[Finding]:
        texts = [text(item) for item in items]
        lower = np.tril(measure(texts, texts), -1)
        for i, j, value in pairs_above(lower, threshold):
            if texts[i] == texts[j]:
                continue
            yield found(
                self,
                items[i],
                f"nearly the {what} of {items[j].id} ({items[j].place}): "
                f"similarity {value:.2f}, expected under {threshold:.2f}",
                fix="rewrite one of the two, or delete it",
                others=[items[j]],
                value=round(value, 4),
            )
