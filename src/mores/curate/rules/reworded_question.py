"""M212: an evaluation prompt that is a training question in other words."""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.alike import alike_questions
from mores.curate.lint.rule import found, not_checked
from mores.curate.lint.subject import Subject
from mores.curate.similarity import NO_STEMS, QUESTION_THRESHOLD, has_stemmer
from mores.curate.text import excerpt
from mores.records import Finding, Severity


class RewordedQuestion:
    """No evaluation prompt is the question of a sample with its words changed or moved.

    Cosine of idf-weighted word stems of at least 0.5, every sample of both sets
    with every prompt. It sees shared words, not shared meaning: a question asked
    in entirely other words passes (docs/check-rates.md says how many do). A prompt that
    names the sample in its ``near`` is meant to be like it, and reported apart.
    """

    id = "M212"
    name = "reworded-question"
    severity: Severity = "error"
    of_words = True

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every pair that is alike but not the same (that is M210's)."""
        if not has_stemmer(subject.charter.language):
            yield not_checked(self, subject, NO_STEMS)
        samples, prompts = subject.samples, (*subject.prompts, *subject.pairs)
        alike = alike_questions(
            [item.question_words for item in samples],
            [item.question_words for item in prompts],
            QUESTION_THRESHOLD,
            language=subject.charter.language,
        )
        for i, j, value in alike:
            sample, prompt = samples[i], prompts[j]
            if sample.question_words == prompt.question_words or sample.id == prompt.near:
                continue
            yield found(
                self,
                sample,
                f"asks nearly what {prompt.id} ({prompt.place}), which evaluates, asks: "
                f"{excerpt(prompt.question)}: similarity {value:.2f}, "
                f"expected under {QUESTION_THRESHOLD:.2f}",
                fix="write about another situation, or take another evaluation prompt",
                others=[prompt],
                value=round(value, 4),
            )
