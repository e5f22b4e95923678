"""M505: a draft by a model that nobody has read."""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.lint.rule import found
from mores.curate.lint.subject import Subject
from mores.records import DRAFT, Example, Finding, Severity


class UnreadDraft:
    """No sample is a model's draft that nobody has reviewed.

    `mores draft` writes candidates with their origin in ``source``; whoever has read and edited one
    puts their name into ``reviewer``.
    """

    id = "M505"
    name = "unread-draft"
    severity: Severity = "error"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding for every draft without a reviewer."""
        for item in subject.samples:
            record = item.record
            if not isinstance(record, Example) or not record.source.startswith(DRAFT):
                continue
            if not record.reviewer.strip():
                yield found(
                    self,
                    item,
                    f"{record.source!r}, and no reviewer",
                    fix="read it, make it yours, and put your name into reviewer",
                )
