"""How a study stands to its signatures: what is signed, by how many, what has changed since.

    found = sign_off(study)
    found.lines      ("72 of 80 samples signed by 3 people (2 clinicians, 1 lawyer), 8 stale", ...)

How it is counted. Of each person the last line on a thing counts; a withdrawal takes away all that
this person had said of it. A signature is current while the thing's digest is the one that was
signed. A thing with a current objection is objected to, whoever else accepts it; else one with a
current acceptance, with a reservation or without, is signed; else one that had a signature is
stale; every other one is unsigned. People are counted once in a kind, by the role that they gave
last there, and only where a signature of theirs makes a thing signed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from mores.records import Record
from mores.study.signoff.keys import Signers, fault, person, read_signers
from mores.study.signoff.signature import Decision, Signature, read_signatures
from mores.study.signoff.things import KINDS, Kind, Thing, things
from mores.study.study import Study

State = Literal["signed", "objected", "stale", "unsigned"]


class Standing(Record, frozen=True, kw_only=True):
    """What one person says of one thing, as far as it was not taken back."""

    id: str
    by: str
    role: str
    decision: Decision
    checked: tuple[str, ...]
    reason: str
    date: str
    key: bool
    """Whether it was verified against this person's key."""
    stale: str = ""
    """What has changed since; empty where nothing has."""


class ThingState(Record, frozen=True, kw_only=True):
    """One thing and who has signed it."""

    what: str
    kind: Kind
    category: str
    title: str
    digest: str
    """What a signature made now would be over; to be handed back when somebody signs."""
    state: State
    signatures: tuple[Standing, ...] = ()
    """Current and stale ones, oldest first."""


class Fault(Record, frozen=True, kw_only=True):
    """A line of signatures.jsonl that counts for nothing."""

    line: int
    """Number of the signature in its file, from 1."""
    what: str
    by: str
    why: str


class KindCount(Record, frozen=True, kw_only=True):
    """One kind of things in numbers; signed, objected, stale and unsigned add up to ``total``."""

    kind: Kind
    total: int
    signed: int
    reserved: int
    """Of the signed, those that somebody accepts with a reservation only."""
    objected: int
    stale: int
    unsigned: int
    people: int
    roles: dict[str, int]
    """Role → people, most first."""
    line: str
    """In words."""


class SignOff(Record, frozen=True, kw_only=True):
    """Everything about the signatures of a study."""

    things: tuple[ThingState, ...]
    counts: tuple[KindCount, ...]
    """Of the kinds that the study has, in order."""
    faults: tuple[Fault, ...] = ()
    gone: tuple[str, ...] = ()
    """Names that were signed and are no more in the study."""

    @property
    def lines(self) -> tuple[str, ...]:
        """One line a kind."""
        return tuple(count.line for count in self.counts)


def sign_off(study: Study) -> SignOff:
    """Read the signatures of a study, verify them and compare them with what is there now.

    Raises:
        DataError: a file of the study, its signatures or signers.toml cannot be read.
    """
    return stand(things(study), read_signatures(study.folder), read_signers(study.folder))


def stand(known: Sequence[Thing], lines: Sequence[Signature], signers: Signers) -> SignOff:
    """Compare signatures with things (see `sign_off`)."""
    faults, standing = standing_lines(lines, signers)
    states = tuple(_state(thing, standing.get(thing.what, [])) for thing in known)
    there = {thing.what for thing in known}
    return SignOff(
        things=states,
        counts=counted(states),
        faults=tuple(faults),
        gone=tuple(what for what in standing if what not in there),
    )


def counted(states: Sequence[ThingState]) -> tuple[KindCount, ...]:
    """Return some things in numbers, one kind after the other."""
    kinds = {kind: [one for one in states if one.kind == kind] for kind in KINDS}
    return tuple(_count(kind, own) for kind, own in kinds.items() if own)


def standing_lines(
    lines: Sequence[Signature], signers: Signers
) -> tuple[list[Fault], dict[str, list[Signature]]]:
    """Return the lines that count for nothing, and of each thing what each person says last."""
    faults = _faults(lines, signers)
    bad = {one.line for one in faults}
    return faults, _last(line for number, line in enumerate(lines, 1) if number not in bad)


def _faults(lines: Sequence[Signature], signers: Signers) -> list[Fault]:
    """Lines that cannot be believed: changed, repeated, without the right key, out of nothing."""
    found, seen = [], dict[str, Signature]()
    for number, line in enumerate(lines, 1):
        allowed = signers.keys_of(line.by)
        why = ""
        if line.id != line.own_id:
            why = "the line was changed since it was signed: its id is that of another"
        elif line.id in seen:
            why = "the same line was there before"
        elif line.signature or allowed:
            why = fault(line.payload, line.signature, line.by, allowed)
        if not why and line.decision == "withdraw":
            why = _wrong_withdrawal(line, seen.get(line.withdraws))
        if why:
            found.append(Fault(line=number, what=line.what, by=line.by, why=why))
        else:
            seen[line.id] = line
    return found


def _wrong_withdrawal(line: Signature, taken: Signature | None) -> str:
    if taken is None:
        return f"withdraws {line.withdraws!r}, which is not among the lines before it"
    if taken.what != line.what or person(taken.by) != person(line.by):
        return f"withdraws a signature of {taken.by!r} on {taken.what}"
    return ""


def _last(lines: Iterable[Signature]) -> dict[str, list[Signature]]:
    found: dict[str, dict[str, Signature]] = {}
    for line in lines:
        own = found.setdefault(line.what, {})
        own.pop(person(line.by), None)  # in the order of the last lines
        if line.decision != "withdraw":
            own[person(line.by)] = line
    return {what: list(own.values()) for what, own in found.items() if own}


def _state(thing: Thing, lines: Sequence[Signature]) -> ThingState:
    own = tuple(
        Standing(
            id=line.id,
            by=line.by,
            role=line.role,
            decision=line.decision,
            checked=line.checked,
            reason=line.reason,
            date=line.date,
            key=bool(line.signature),
            stale=_changed(thing, line),
        )
        for line in lines
    )
    said = {one.decision for one in own if not one.stale}
    state: State = "stale" if own and not said else "signed" if said else "unsigned"
    return ThingState(
        what=thing.what,
        kind=thing.kind,
        category=thing.category,
        title=thing.title,
        digest=thing.digest,
        state="objected" if "object" in said else state,
        signatures=own,
    )


def _changed(thing: Thing, line: Signature) -> str:
    if line.digest == thing.digest:
        return ""
    if line.content == thing.content:
        return "the position that it was written under has changed"
    return "it has changed"


def _count(kind: Kind, own: Sequence[ThingState]) -> KindCount:
    tally = Counter(state.state for state in own)
    signed = [state for state in own if state.state == "signed"]
    reserved = sum(
        all(s.decision == "reserve" for s in state.signatures if not s.stale) for state in signed
    )
    roles = _roles(s for state in signed for s in state.signatures if not s.stale)
    numbers = {
        "total": len(own),
        "signed": tally["signed"],
        "reserved": reserved,
        "objected": tally["objected"],
        "stale": tally["stale"],
        "unsigned": tally["unsigned"],
        "people": sum(roles.values()),
    }
    return KindCount(kind=kind, roles=roles, line=_line(KINDS[kind], numbers, roles), **numbers)


def _roles(standing: Iterable[Standing]) -> dict[str, int]:
    """Role → people, each by their latest role; a role is spelt as first seen."""
    ordered = sorted(standing, key=lambda one: one.date)
    last = {person(one.by): person(one.role) for one in ordered}
    spelt: dict[str, str] = {}
    for one in ordered:
        spelt.setdefault(person(one.role), one.role)
    tally = Counter(last.values())
    return {spelt[r]: n for r, n in sorted(tally.items(), key=lambda item: (-item[1], item[0]))}


def _line(things_: str, numbers: dict[str, int], roles: dict[str, int]) -> str:
    text = f"{numbers['signed']} of {numbers['total']} {things_} signed"
    if roles:
        people = numbers["people"]
        text += f" by {people} {'person' if people == 1 else 'people'}"
        text += f" ({', '.join(_several(n, role) for role, n in roles.items())})"
    beside = (
        ("reserved", "with reservations only"),
        ("objected", "objected to"),
        ("stale", "stale"),
    )
    return text + "".join(f", {numbers[k]} {words}" for k, words in beside if numbers[k])


def _several(number: int, role: str) -> str:
    """Return ``1 lawyer``, ``2 clinicians``; a role of several words by its last."""
    if number == 1 or role.endswith("s"):
        return f"{number} {role}"
    if role.endswith("y") and role[-2:-1] not in "aeiou":
        return f"{number} {role[:-1]}ies"
    return f"{number} {role}s"
