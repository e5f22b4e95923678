"""The linter of a values study: subject, rules, suppressions."""

from mores.curate.lint.check import check_study, check_subject, failing
from mores.curate.lint.registry import all_rules
from mores.curate.lint.rule import Rule, found, found_in_file
from mores.curate.lint.subject import Item, Subject, as_subject, read_subject

__all__ = [
    "Item",
    "Rule",
    "Subject",
    "all_rules",
    "as_subject",
    "check_study",
    "check_subject",
    "failing",
    "found",
    "found_in_file",
    "read_subject",
]
