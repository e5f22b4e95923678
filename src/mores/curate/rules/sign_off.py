"""M506 to M509: what nobody has signed, what has changed since, objections, lines at fault."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from mores.curate.lint.rule import Rule, found_in_file
from mores.curate.lint.subject import Subject
from mores.records import Finding, Severity
from mores.study.files import SIGNATURES
from mores.study.signoff import Standing, ThingState

FILES = {"positions": "charter.toml", "rating": "rating.toml"}
"""Kind → its file, where that is not the kind's name with ``.jsonl``."""


class Unsigned:
    """What a study asks to be signed is signed, and so is all of a kind of which some is."""

    id = "M506"
    name = "unsigned"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every kind that lacks signatures; one where nobody has signed."""
        if subject.signoff is None:
            return
        begun = {state.kind for state in subject.signoff.things if state.signatures}
        asked = begun | set(subject.required)
        if not asked:
            yield found_in_file(
                self,
                "charter.toml",
                "nobody has signed anything of this study",
                fix="let those who know the field read and sign it: `mores sign`",
            )
        for count in subject.signoff.counts:
            if count.kind in asked and count.unsigned:
                yield found_in_file(
                    self,
                    _file(count.kind),
                    f"{count.line}; {count.unsigned} by nobody",
                    fix=f"see `mores signatures STUDY {count.kind}`",
                    value=float(count.unsigned),
                    severity=_severity(self, subject, count.kind),
                )


class StaleSignature:
    """Nothing has changed since it was signed."""

    id = "M507"
    name = "stale-signature"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every thing that no current signature is on any more."""
        for state in subject.signoff.things if subject.signoff else ():
            if state.state == "stale":
                yield _found(
                    self,
                    subject,
                    state,
                    f"{state.what}: {state.signatures[-1].stale} since it was signed by "
                    f"{_people(state.signatures)}",
                    "show them what is there now, and let them sign it again",
                )


class Objection:
    """Nobody who was asked to sign objects."""

    id = "M508"
    name = "objection"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every thing that somebody objects to as it is."""
        for state in subject.signoff.things if subject.signoff else ():
            against = [s for s in state.signatures if s.decision == "object" and not s.stale]
            if against:
                said = "; ".join(f"{one.by} ({one.role}): {one.reason}" for one in against)
                yield _found(
                    self,
                    subject,
                    state,
                    f"{state.what}: objection by {said}",
                    "change it and ask again, or say in check.toml why it stays",
                )


class FaultySignature:
    """Every line of signatures.jsonl is as it was signed, by the key that its person signs with."""

    id = "M509"
    name = "faulty-signature"
    severity: Severity = "error"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for every line that counts for nothing."""
        for fault in subject.signoff.faults if subject.signoff else ():
            finding = found_in_file(
                self,
                SIGNATURES,
                f"{fault.by} on {fault.what}: {fault.why}",
                fix="restore the line from where it was signed; it counts for nothing as it is",
            )
            yield replace(finding, line=fault.line)


SIGN_OFF: tuple[Rule, ...] = (Unsigned(), StaleSignature(), Objection(), FaultySignature())


def _found(rule: Rule, subject: Subject, state: ThingState, message: str, fix: str) -> Finding:
    severity = _severity(rule, subject, state.kind)
    finding = found_in_file(rule, _file(state.kind), message, fix=fix, severity=severity)
    name = state.what.partition(":")[2]
    item = next((i for i in subject.samples if i.part == state.kind and i.id == name), None)
    return replace(finding, line=item.line, ids=(item.id,)) if item else finding


def _severity(rule: Rule, subject: Subject, kind: str) -> Severity:
    """What a confirming study requires is an error where it lacks."""
    required = subject.confirming and kind in subject.required
    return "error" if required else rule.severity


def _people(signatures: tuple[Standing, ...]) -> str:
    return ", ".join(f"{one.by} ({one.role})" for one in signatures)


def _file(kind: str) -> str:
    return FILES.get(kind, f"{kind}.jsonl")
