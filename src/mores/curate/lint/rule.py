"""What a lint rule is, and how the built-in and third-party ones are found.

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
import re
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

from mores.curate.lint.subject import Item, Subject
from mores.errors import StudyError, did_you_mean
from mores.records import Finding, Severity

ENTRY_POINTS = "mores.rules"
_ID = re.compile(r"[A-Z]{1,8}\d{3}")


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
    return Finding(
        rule=rule.id,
        name=rule.name,
        severity=severity or rule.severity,
        message=message,
        fix=fix,
        path=item.path,
        line=item.line,
        ids=(item.id, *(other.id for other in others)),
        value=value,
    )


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


def summary(rule: Rule) -> str:
    """Return the first line of a rule's docstring, or its name."""
    return (inspect.getdoc(type(rule)) or rule.name).splitlines()[0]


def all_rules() -> tuple[Rule, ...]:
    """Return the built-in rules and those that installed packages add, by id.

    Raises:
        StudyError: a third-party rule cannot be loaded, is no rule or takes a used id.
    """
    from mores.curate.rules import RULES

    rules: dict[str, Rule] = {rule.id: rule for rule in RULES}
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda e: (e.name, e.value)):
        rule = _load(entry)
        if rule.id in rules:
            raise StudyError(
                f"rule id {rule.id} is already taken by {rules[rule.id].name!r}",
                where=f"entry point {entry.name!r} = {entry.value}",
                fix="give the rule an id of its own, such as ACME001",
            )
        rules[rule.id] = rule
    return tuple(rules[key] for key in sorted(rules))


def choose(names: Sequence[str] | None) -> tuple[Rule, ...]:
    """Return the rules with these ids or names; all of them for None.

    Raises:
        StudyError: no rule of that id or name (with a suggestion).
    """
    rules = all_rules()
    if names is None:
        return rules
    by_name = {key: rule for rule in rules for key in (rule.id, rule.name)}
    for name in names:
        if name not in by_name:
            raise StudyError(
                f"there is no rule {name!r}{did_you_mean(name, list(by_name))}",
                fix="rules: " + ", ".join(f"{rule.id} {rule.name}" for rule in rules),
            )
    chosen = {by_name[name].id for name in names}
    return tuple(rule for rule in rules if rule.id in chosen)


def _load(entry: EntryPoint) -> Rule:
    where = f"entry point {entry.name!r} = {entry.value}"
    fix = "repair or uninstall the package that adds it"
    try:
        maker: Callable[[], Rule] = entry.load()
        rule = maker()
    except (ImportError, AttributeError, TypeError) as error:
        raise StudyError(f"this rule cannot be loaded: {error}", where=where, fix=fix) from error
    if not isinstance(rule, Rule) or not _ID.fullmatch(rule.id):
        raise StudyError(
            "expected a rule with an id such as ACME001, name, severity and find(), "
            f"found {type(rule).__name__}",
            where=where,
            fix=fix,
        )
    return rule
