"""Setting a finding aside, with a reason: on a record, or for the study in check.toml.

Takes findings and the study's suppressions, gives the same findings, the
suppressed ones marked with their reason; and findings about the suppressions
themselves: unknown rule, no reason, nothing to suppress.

    {"id": "v-01", ..., "suppress": {"M101": "a one-line answer is the point here"}}

    # check.toml
    [suppress]
    M302 = "the ninth category was added late; see the dataset card"
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mores import store
from mores.curate.lint.subject import Subject
from mores.errors import did_you_mean
from mores.records import Finding, Record, Severity

CHECK_FILE = "check.toml"


class CheckConfig(Record, frozen=True, kw_only=True):
    """The content of check.toml."""

    suppress: dict[str, str] = msgspec.field(default_factory=dict)
    """Rule id → reason why its findings are set aside in this study."""


@dataclass(frozen=True)
class Suppression:
    """One entry of a ``suppress`` table."""

    rule: str
    reason: str
    path: str
    line: int | None = None
    record: str = ""
    """Id of the record it stands on; empty in check.toml."""

    def covers(self, finding: Finding) -> bool:
        """Say whether this entry is about that finding."""
        if self.rule != finding.rule or not self.reason.strip():
            return False
        return not self.record or self.record in finding.ids


def read_check(folder: Path) -> CheckConfig:
    """Read check.toml; an absent file suppresses nothing.

    Raises:
        DataError: not TOML, an unknown key, or a reason that is no text.
    """
    path = folder / CHECK_FILE
    if not path.exists():
        return CheckConfig()
    return store.as_record(store.read_toml(path), CheckConfig, path=path)


def suppressions(subject: Subject, config: CheckConfig) -> list[Suppression]:
    """Return every entry: those of the records in file order, then those of check.toml."""
    return [
        *(
            Suppression(rule, reason, item.path, item.line, item.id)
            for item in subject.items
            for rule, reason in item.record.suppress.items()
        ),
        *(Suppression(rule, reason, CHECK_FILE) for rule, reason in config.suppress.items()),
    ]


def apply(findings: Iterable[Finding], entries: Sequence[Suppression]) -> list[Finding]:
    """Mark the findings that an entry covers; a record's own reason comes before check.toml's."""
    marked = []
    for finding in findings:
        entry = next((entry for entry in entries if entry.covers(finding)), None)
        if entry is not None:
            reason = entry.reason.strip()
            reason = reason if entry.record else f"{CHECK_FILE}: {reason}"
            finding = msgspec.structs.replace(finding, suppressed=reason)
        marked.append(finding)
    return marked


def problems(
    entries: Sequence[Suppression],
    findings: Sequence[Finding],
    *,
    known: Sequence[str],
    ran: Sequence[str],
) -> list[Finding]:
    """Return what is wrong with the suppressions themselves.

    Args:
        entries: all suppressions of the study.
        findings: what the rules found.
        known: ids of all rules.
        ran: ids of the rules that ran; the others cannot tell that an entry is idle.
    """
    wrong = []
    for entry in entries:
        if entry.rule not in known:
            message = f"unknown rule {entry.rule!r}{did_you_mean(entry.rule, list(known))}"
            fix = "take a rule id from docs/check.md, or delete the entry"
            wrong.append(_problem(entry, "M001", message, fix))
        elif not entry.reason.strip():
            message = f"{entry.rule} is suppressed without a reason, so it is not suppressed"
            fix = "write down why the rule does not apply here"
            wrong.append(_problem(entry, "M002", message, fix))
        elif entry.rule in ran and not any(entry.covers(finding) for finding in findings):
            message = f"{entry.rule} finds nothing here, the suppression is not needed"
            fix = "delete the entry"
            wrong.append(_problem(entry, "M003", message, fix))
    return wrong


def _problem(entry: Suppression, rule: str, message: str, fix: str) -> Finding:
    name, severity, _ = SUPPRESSION_RULES[rule]
    return Finding(
        rule=rule,
        name=name,
        severity=severity,
        message=message,
        fix=fix,
        path=entry.path,
        line=entry.line,
        ids=(entry.record,) if entry.record else (),
    )


SUPPRESSION_RULES: dict[str, tuple[str, Severity, str]] = {
    "M001": ("unknown-rule", "error", "A suppression names a rule that exists."),
    "M002": ("no-reason", "error", "A suppression gives its reason."),
    "M003": ("idle-suppression", "info", "A suppression sets something aside."),
}
"""The checks of the suppressions; they cannot themselves be suppressed."""
