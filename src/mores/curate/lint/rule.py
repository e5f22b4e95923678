"""What a lint rule is, and how it says what it has found.

A rule is any object with an id, a name, a severity and ``find``. The first line
of its docstring is its one-line description in SARIF and in the docs.

    class ShoutingRule:
        \"\"\"Answers are not written in capitals.\"\"\"

        id, name, severity = "ACME001", "shouting", "warning"

        def find(self, subject):
            for item in subject.samples:
                if item.answer.isupper():
                    yield found(self, item, "the whole answer is in capitals")

and in the package's pyproject.toml:

    [project.entry-points."mores.rules"]
    shouting = "acme.rules:ShoutingRule"
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from msgspec.structs import replace

from mores.curate.lint.subject import Item, Subject
from mores.records import Finding, Severity
from mores.study.languages import unspaced


@runtime_checkable
class Rule(Protocol):
    """One check of a study."""

    id: str
    """Stable id, such as ``M101``; never given to another rule."""
    name: str
    """Readable name, such as ``answer-length``."""
    severity: Severity

    def find(self, subject: Subject) -> Iterable[Finding]:
        """Return what is wrong, in file order."""
        ...


def found(
    rule: Rule,
    item: Item,
    message: str,
    *,
    fix: str = "",
    others: Sequence[Item] = (),
    value: float | None = None,
    severity: Severity | None = None,
) -> Finding:
    """Return a finding about one record (and `others`, such as its double)."""
    finding = found_in_file(rule, item.path, message, fix=fix, value=value, severity=severity)
    return replace(finding, line=item.line, ids=(item.id, *(other.id for other in others)))


def found_in_file(
    rule: Rule,
    path: str,
    message: str,
    *,
    fix: str = "",
    value: float | None = None,
    severity: Severity | None = None,
) -> Finding:
    """Return a finding about a file as a whole."""
    return Finding(
        rule=rule.id,
        name=rule.name,
        severity=severity or rule.severity,
        message=message,
        fix=fix,
        path=path,
        value=value,
    )


def not_checked(rule: Rule, subject: Subject, why: str) -> Finding:
    """Say once that a rule, or a part of it, does not look at texts of this language."""
    said = f"not checked in this language ({subject.charter.language}): {why}"
    return found_in_file(rule, "charter.toml", said, severity="info")


def findings(rule: Rule, subject: Subject) -> Iterable[Finding]:
    """Return what a rule finds; one that compares words says where it cannot tell them apart."""
    if getattr(rule, "of_words", False) and unspaced(subject.charter.language):
        return [not_checked(rule, subject, "it compares words, and no blanks stand between them")]
    return rule.find(subject)


def summary(rule: Rule) -> str:
    """Return the first line of a rule's docstring, or its name."""
    return (inspect.getdoc(rule) or rule.name).splitlines()[0]
