"""M213, M511: questions asked in other ways (variants.jsonl).

M213: one that is a training question. M511: personal data, drafts nobody has read, and variants of
a wording that is no longer there: the report leaves out the last two.
"""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.lint.rule import found_in_file
from mores.curate.lint.subject import Subject
from mores.curate.rules.personal_data import masked, personal_data
from mores.curate.text import words
from mores.records import Finding, Severity
from mores.study.variants import FILE, outdated


class LeakedVariant:
    """No variant is the question of a sample, in the values or the control set."""

    id = "M213"
    name = "leaked-variant"
    severity: Severity = "error"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every variant whose question, or an earlier turn, is a sample's."""
        asked = {item.question_words: item.id for item in subject.samples if item.question_words}
        for one in subject.variants:
            texts = (one.text, *(turn.prompt for turn in one.earlier))
            sample = next((asked[w] for t in texts if (w := words(t)) in asked), None)
            if sample is not None:
                yield found_in_file(
                    self,
                    FILE,
                    f"{one.id} asks the question of the sample {sample}",
                    fix="word it in another way, or delete it",
                    value=1.0,
                )


class Variants:
    """Variants hold no personal data, are read where a model wrote them, and are of now."""

    id = "M511"
    name = "variants"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding for each variant with personal data, and one for each other fault."""
        for one in subject.variants:
            texts = (one.text, *(t for turn in one.earlier for t in (turn.prompt, turn.completion)))
            language = one.language or subject.charter.language
            for kind, text in personal_data("\n".join(texts), language):
                yield found_in_file(
                    self,
                    FILE,
                    f"{one.id} holds what looks like {kind}: {masked(text)}",
                    fix="delete it or describe it in general words",
                )
        now = {item.id: item.question for item in (*subject.prompts, *subject.pairs)}
        unread = [one.id for one in subject.variants if one.unread]
        old = [one.id for one in subject.variants if outdated(one, now.get(one.varies, ""))]
        for ids, what, fix in (
            (unread, "were written by a model, and nobody has read them", "put a reviewer's name"),
            (old, "are of a wording that is no longer there", "run `mores vary` again"),
        ):
            if ids:
                yield found_in_file(
                    self,
                    FILE,
                    f"{len(ids)} {what}, so nobody is asked: {', '.join(ids[:5])}",
                    fix=fix,
                    value=float(len(ids)),
                )
