"""M401 to M406: one measure of form, compared between the values and the control set.

The measures themselves stand in `mores.curate.style.compare.MEASURES`, by the names of the rules.

    list(STYLE_MATCHES[0].find(subject))
"""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.lint.rule import found_in_file
from mores.curate.lint.subject import Subject
from mores.curate.style.compare import EFFECT, LEVEL, Difference, compare
from mores.records import Finding, Severity

OF_WORDS = ("M403", "M406")


class StyleMatch:
    """Values and control set have the same form in one measure."""

    severity: Severity = "warning"

    def __init__(self, number: str, name: str, summary: str, advice: str) -> None:
        """Make a rule; `advice` says what to change in the control samples."""
        self.id, self.name, self.advice = number, name, advice
        self.of_words = number in OF_WORDS
        self.__doc__ = summary

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding if |Cliff's delta| > 0.33 and the Holm-adjusted p < .05."""
        difference = compare(subject).get(self.name)
        if difference is not None and difference.differs:
            yield found_in_file(
                self,
                "control.jsonl",
                describe(difference),
                fix=self.advice,
                value=round(difference.effect, 4),
            )


STYLE_MATCHES = (
    StyleMatch(
        "M401",
        "answer-length-match",
        "Control answers are as long as values answers.",
        "give each control sample the length of a values sample",
    ),
    StyleMatch(
        "M402",
        "sentence-length-match",
        "Control sentences are as long as values sentences.",
        "join or split sentences of the control answers",
    ),
    StyleMatch(
        "M403",
        "type-token-match",
        "Control answers repeat words as much as values answers do.",
        "vary the words of the control answers more, or less",
    ),
    StyleMatch(
        "M404",
        "punctuation-match",
        "Control answers are punctuated like values answers.",
        "use that mark as often as the values answers do",
    ),
    StyleMatch(
        "M405",
        "layout-match",
        "Control answers have the lists and paragraphs of values answers.",
        "give control answers as many list items and paragraphs",
    ),
    StyleMatch(
        "M406",
        "opener-match",
        "Control questions and answers open with the words that values samples open with.",
        "vary the first words of the control samples in the same way",
    ),
)


def describe(difference: Difference) -> str:
    """Return a difference in words."""
    values, control = difference.means
    return (
        f"{difference.feature}: mean {values:.3g} in the values set, {control:.3g} in the "
        f"control set; Cliff's delta {difference.effect:+.2f} (expected within ±{EFFECT}), "
        f"permutation p {difference.p:.2g}, after Holm {difference.p_adjusted:.2g} "
        f"(expected {LEVEL} or more)"
    )
