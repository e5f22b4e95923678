"""M210: an evaluation prompt, or a stance pair's question, that is also a training question."""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.lint.rule import found
from mores.curate.lint.subject import Item, Subject
from mores.curate.text import Run
from mores.records import Finding, Severity


class LeakedQuestion:
    """No evaluation prompt is the question of a sample, in the values or the control set.

    A model that was tuned on the question shows memory, not values. The control
    set counts too: a leak there makes the control arm look better than it is.
    """

    id = "M210"
    name = "leaked-question"
    severity: Severity = "error"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every sample whose question is a prompt."""
        prompts: dict[Run, Item] = {}
        for prompt in (*subject.prompts, *subject.pairs):
            prompts.setdefault(prompt.question_words, prompt)
        for item in subject.samples:
            prompt_ = prompts.get(item.question_words)
            if prompt_ is not None and item.question_words:
                yield found(
                    self,
                    item,
                    f"its question is that of {prompt_.id} ({prompt_.place}), which evaluates",
                    fix="delete the sample, or take another evaluation prompt",
                    others=[prompt_],
                    value=1.0,
                )
