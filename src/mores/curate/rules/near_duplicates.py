"""M202: two samples, or two prompts, that differ in a few words only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mores.curate.alike import Pairs, alike_answers, alike_questions
from mores.curate.lint.rule import found, not_checked
from mores.curate.lint.subject import Item, Subject
from mores.curate.similarity import ANSWER_THRESHOLD, NO_STEMS, QUESTION_THRESHOLD, has_stemmer
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
    of_words = True

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every pair, at the later of its two places."""
        if not has_stemmer(subject.charter.language):
            yield not_checked(self, subject, NO_STEMS)
        answers = [item.answer_words for item in subject.samples]
        alike = alike_answers(answers, answers, ANSWER_THRESHOLD, below=True)
        yield from self._pairs(subject.samples, "answer", answers, ANSWER_THRESHOLD, alike)
        for items in (subject.values, subject.control, subject.prompts, subject.pairs):
            asked = [item.question_words for item in items]
            alike = alike_questions(
                asked, asked, QUESTION_THRESHOLD, language=subject.charter.language, below=True
            )
            yield from self._pairs(items, "question", asked, QUESTION_THRESHOLD, alike)

    def _pairs(
        self,
        items: Sequence[Item],
        what: str,
        texts: Sequence[Run],
        threshold: float,
        alike: Pairs,
    ) -> Iterator[Finding]:
        for i, j, value in alike:
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
