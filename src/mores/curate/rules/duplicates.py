"""M201: the same question or the same answer twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mores.curate.lint.rule import found
from mores.curate.lint.subject import Item, Subject
from mores.curate.text import Run
from mores.records import Finding, Severity


class Duplicates:
    """No question and no answer occurs twice among the samples, no question among the prompts.

    Two texts are the same if their words are, whatever their case and
    punctuation. A prompt that is also a sample's question is M210's.
    """

    id = "M201"
    name = "exact-duplicate"
    severity: Severity = "error"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every repetition, at its second and later places."""
        samples, prompts = subject.samples, subject.prompts
        yield from self._repeats(samples, [item.question_words for item in samples], "question")
        yield from self._repeats(samples, [item.answer_words for item in samples], "answer")
        yield from self._repeats(prompts, [item.question_words for item in prompts], "question")

    def _repeats(self, items: Sequence[Item], texts: list[Run], what: str) -> Iterator[Finding]:
        first: dict[Run, Item] = {}
        for item, text in zip(items, texts, strict=True):
            if not text:
                continue
            before = first.setdefault(text, item)
            if before is not item:
                yield found(
                    self,
                    item,
                    f"the same {what} as {before.id} ({before.place})",
                    fix="delete one of the two, or write another",
                    others=[before],
                    value=1.0,
                )
