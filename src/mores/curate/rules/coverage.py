"""M301: a position without samples or without prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mores.curate.lint.rule import found_in_file
from mores.curate.lint.subject import Item, Subject
from mores.records import Finding, Severity


class Coverage:
    """Every position has samples in both sets, and prompts to validate and to test it."""

    id = "M301"
    name = "coverage"
    severity: Severity = "error"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every category that a set or split lacks."""
        validation = [item for item in subject.prompts if item.split == "validation"]
        test = [item for item in subject.prompts if item.split == "test"]
        sets: list[tuple[str, str, Sequence[Item]]] = [
            ("values.jsonl", "samples", subject.values),
            ("control.jsonl", "samples", subject.control),
            ("prompts.jsonl", "validation prompts", validation),
            ("prompts.jsonl", "test prompts", test),
        ]
        # Without any samples nothing is tuned: the outputs are another system's, and only rated.
        for path, what, items in sets if subject.samples else sets[-1:]:
            present = {item.category for item in items}
            for category in subject.charter.categories:
                if category not in present:
                    yield found_in_file(
                        self,
                        path,
                        f"the category {category!r} has no {what}",
                        fix=f"write {what} for it, or take it out of charter.toml",
                        value=0.0,
                    )
