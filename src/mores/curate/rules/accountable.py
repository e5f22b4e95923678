"""M510: a position that nobody answers for."""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.lint.rule import found_in_file
from mores.curate.lint.subject import Subject
from mores.records import Finding, Severity


class Accountable:
    """Somebody answers for every position."""

    id = "M510"
    name = "accountable"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding for the positions that do not say, one for those with nobody."""
        answers = {p.category: p.accountable for p in subject.charter.positions}
        silent = [category for category, one in answers.items() if one is None]
        nobody = [category for category, one in answers.items() if one and one.nobody]
        for categories, what in (
            (silent, "do not say who answers for them"),
            (nobody, "say that nobody answers for them"),
        ):
            if categories:
                yield found_in_file(
                    self,
                    "charter.toml",
                    f"{len(categories)} of {len(answers)} positions {what}: "
                    + ", ".join(categories),
                    fix='name somebody: accountable = { who = "a name or a role" }',
                    value=float(len(categories)),
                )
