"""M303: a control set that is larger or smaller than the values set."""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.lint.rule import found_in_file
from mores.curate.lint.subject import Subject
from mores.curate.text import count_words
from mores.records import Finding, Severity

TOLERANCE = 0.1
"""Difference in words of all answers that is still the same size."""


class SetSize:
    """Values and control set have as many samples, and words within 10 %.

    Both arms must take the same number of steps over about as many tokens, or
    the comparison is one of amounts.
    """

    id = "M303"
    name = "set-size"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return at most two findings: samples differ, words differ."""
        n_values, n_control = len(subject.values), len(subject.control)
        if n_values != n_control:
            yield found_in_file(
                self,
                "control.jsonl",
                f"expected {n_values} samples, as many as in values.jsonl, found {n_control}",
                fix="write or leave out control samples until the sets have one size",
                value=float(n_control - n_values),
            )
        values = sum(count_words(item.answer) for item in subject.values)
        control = sum(count_words(item.answer) for item in subject.control)
        if values and abs(control - values) > TOLERANCE * values:
            yield found_in_file(
                self,
                "control.jsonl",
                f"expected {values} words in all answers, within {TOLERANCE:.0%}, "
                f"found {control} ({control / values - 1:+.0%})",
                fix="lengthen or shorten the control answers",
                value=round(control / values - 1, 4),
            )
