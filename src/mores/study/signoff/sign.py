"""Signing, and taking it back: new lines in signatures.jsonl, all of them or none.

sign(study, ["values:health"], by="A. Example", role="clinician", checked=["doses"], now=now)
sign(study, {"rating": digest_that_was_shown}, by=..., ...)
withdraw(study, ["values:v-health-01"], by="A. Example", reason="I had misread it", now=now)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from mores import store
from mores.errors import DataError, StudyError, did_you_mean
from mores.study.files import SIGNERS
from mores.study.signoff.keys import fault, person, read_signers, sign_with
from mores.study.signoff.signature import Signature, add_signatures, read_signatures
from mores.study.signoff.state import standing_lines
from mores.study.signoff.things import Thing, chosen, things
from mores.study.study import Study

Verdict = Literal["accept", "reserve", "object"]
LOCK = ".signatures.lock"


def sign(
    study: Study,
    what: Sequence[str] | Mapping[str, str],
    *,
    by: str,
    role: str,
    checked: Sequence[str] | str,
    now: datetime,
    decision: Verdict = "accept",
    reason: str = "",
    key: Path | None = None,
) -> tuple[Signature, ...]:
    """Sign things of a study.

    Args:
        study: with the things.
        what: names as `chosen` takes them; or names, each with the digest that the person has seen
            (`ThingState.digest`): then a thing that has changed meanwhile is not signed. Files
            are read anew.
        by: name or pseudonym.
        role: such as clinician.
        checked: what was looked at: free text, or the points of a checklist.
        now: the moment.
        decision: accept; reserve: accept with a reservation; object.
        reason: of a reservation or an objection.
        key: file with an Ed25519 key, where signers.toml gives this person one.

    Returns:
        The lines that say so in the file.

    Raises:
        StudyError: nothing of that name, something changed since it was seen, a field is missing,
            or the key is not this person's. Nothing is signed then.
        StoreError: the file could not be written.
    """
    with _alone(study):
        wanted = chosen(things(study.again()), what)
        if isinstance(what, Mapping):
            _refuse_changed(wanted, what)
        listed = [checked] if isinstance(checked, str) else checked
        points = [point.strip() for point in listed if point.strip()]
        fresh = [
            _line(
                what=thing.what,
                digest=thing.digest,
                content=thing.content,
                by=by.strip(),
                role=role.strip(),
                decision=decision,
                checked=points,
                reason=reason.strip(),
                date=_moment(now),
            )
            for thing in wanted
        ]
        return _write(study, fresh, by, key)


def withdraw(
    study: Study,
    what: Sequence[str],
    *,
    by: str,
    reason: str,
    now: datetime,
    key: Path | None = None,
) -> tuple[Signature, ...]:
    """Take back what a person has signed; the lines stay, and new ones say so.

    Args:
        study: with the signatures.
        what: names of things as in `sign`, ids of signatures, or names of things that are gone.
        by: whose signatures they are.
        reason: why.
        now: the moment.
        key: as in `sign`.

    Raises:
        StudyError: this person has no signature there. Nothing is withdrawn then.
        StoreError: the file could not be written.
    """
    with _alone(study):
        _, standing = standing_lines(read_signatures(study.folder), read_signers(study.folder))
        own = {
            line.what: line
            for lines in standing.values()
            for line in lines
            if person(line.by) == person(by)
        }
        taken = {old.id: old for name in what for old in _taken(study, own, name, by)}
        fresh = [
            _line(
                what=old.what,
                digest=old.digest,
                content=old.content,
                by=by.strip(),
                role=old.role,
                decision="withdraw",
                reason=reason.strip(),
                withdraws=old.id,
                date=_moment(now),
            )
            for old in taken.values()
        ]
        return _write(study, fresh, by, key)


def _refuse_changed(wanted: Sequence[Thing], seen: Mapping[str, str]) -> None:
    changed = [thing.what for thing in wanted if seen.get(thing.what) != thing.digest]
    if changed:
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        raise StudyError(
            f"{', '.join(changed[:5])}{more} changed since you saw it; nothing was signed",
            fix="read what is there now, and sign that",
        )


def _moment(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(**fields: Any) -> Signature:
    try:
        line = store.as_record({"id": "-", **fields}, Signature)
    except DataError as error:
        what = fields["what"]
        raise StudyError(error.message, where=what, fix="nothing was written") from None
    return replace(line, id=line.own_id)


def _write(
    study: Study, fresh: list[Signature], by: str, key: Path | None
) -> tuple[Signature, ...]:
    if not fresh:
        raise StudyError("nothing was named that could be signed", fix="see `mores signatures`")
    allowed = read_signers(study.folder).keys_of(by)
    if allowed and key is None:
        raise StudyError(
            f"{by.strip()!r} signs with a key", path=study.folder / SIGNERS, fix="give it: --key"
        )
    if key is not None:
        fresh = [replace(line, signature=sign_with(key, line.payload)) for line in fresh]
        if why := fault(fresh[0].payload, fresh[0].signature, by.strip(), allowed):
            public = key.with_name(key.name + ".pub")
            raise StudyError(
                why,
                path=study.folder / SIGNERS,
                fix=f"whoever owns the study enters the name with the key of {public}",
            )
    known = {line.id for line in read_signatures(study.folder)}
    # What was sent twice is there once: a second click is no second signature.
    add_signatures(study.folder, [line for line in fresh if line.id not in known])
    return tuple(fresh)


def _taken(study: Study, own: Mapping[str, Signature], name: str, by: str) -> list[Signature]:
    """One person's signatures that a name stands for: a thing, gone or not, several, or an id."""
    by_id = {line.id: line for line in own.values()}
    if name in own or name in by_id:
        return [own.get(name) or by_id[name]]
    named = [thing.what for thing in chosen(things(study.again()), [name])]
    found = [own[what] for what in named if what in own]
    if not found:
        raise StudyError(
            f"{by.strip()!r} has no signature on {name}{did_you_mean(name, list(own))}",
            fix="`mores signatures` shows who has signed what",
        )
    return found


@contextmanager
def _alone(study: Study) -> Iterator[None]:
    """Hold the file of signatures: two who sign at once do so one after the other."""
    place = study.folder / "runs" / LOCK
    fix = "try again; the lock goes with the process that holds it"
    with store.held(place, "somebody else is signing here", fix=fix, seconds=10):
        yield
