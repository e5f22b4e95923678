"""M504: a sample whose author or licence nobody wrote down."""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.lint.rule import found
from mores.curate.lint.subject import Subject
from mores.records import Example, Finding, Severity


class Provenance:
    """Every sample names its author and its licence (the study's own licence counts)."""

    id = "M504"
    name = "provenance"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding for every sample that lacks one or both."""
        for item in subject.samples:
            record = item.record
            if not isinstance(record, Example):
                continue
            missing = [] if record.author.strip() else ["author"]
            if not (record.license.strip() or subject.license.strip()):
                missing.append("license")
            if missing:
                both = " and ".join(missing)
                fix = f"fill in {both}"
                if "license" in missing:
                    fix += ", or set the license of the whole study in study.toml"
                yield found(self, item, f"{both} missing", fix=fix)
