"""Which rules there are: the built-in ones and those of the entry point group `mores.rules`.

[rule.id for rule in choose(["near-duplicate"])]  # ["M202"]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points

from mores.curate.lint.rule import Rule
from mores.curate.rules import RULES
from mores.errors import StudyError, did_you_mean

ENTRY_POINTS = "mores.rules"
_ID = re.compile(r"[A-Z]{1,8}\d{3}")


def all_rules() -> tuple[Rule, ...]:
    """Return the built-in rules and those that installed packages add, by id.

    Raises:
        StudyError: a third-party rule cannot be loaded, is no rule or takes a used id.
    """
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
