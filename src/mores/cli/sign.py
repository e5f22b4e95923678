"""`mores sign`, `mores signatures` and `mores unsign`: who has signed what of a study."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click
from msgspec.structs import replace

from mores.curate.text import printable
from mores.study import Study
from mores.study.signoff import Signature, SignOff, ThingState

SHOWN = 20
"""Things of one state that are listed before the rest is counted."""


def sign(
    study: Study,
    what: tuple[str, ...] = (),
    *,
    as_: str,
    role: str,
    checked: tuple[str, ...],
    decision: Literal["accept", "reserve", "object"] = "accept",
    reason: str = "",
    key: Path | None = None,
) -> tuple[Signature, ...]:
    """Sign positions, samples, sets of prompts or the rater instructions.

    A signature is over what a thing says now: where it changes, the signature is stale
    (docs/sign-off.md). It is a line in signatures.jsonl in the study's folder.

    Args:
        study: with the things.
        what: such as positions:health, values (all), values:health (a category), values:v-01,
            prompts:confirm, stance:test or rating.
        as_: your name, or a pseudonym; it is printed where the study is reported.
        role: in which role you sign, such as clinician.
        checked: what you looked at (may be repeated, a point each).
        decision: accept; reserve, which accepts with a reservation; or object.
        reason: of a reservation or an objection.
        key: file with your Ed25519 key, where signers.toml names you.
    """
    from mores.study.signoff import sign as sign_things

    return sign_things(
        study,
        what,
        by=as_,
        role=role,
        checked=checked,
        decision=decision,
        reason=reason,
        key=key,
        now=datetime.now(UTC),
    )


def signatures(study: Study, what: tuple[str, ...] = ()) -> SignOff:
    """Show what can be signed, who has signed it, and what has changed since.

    Signatures are verified. The exit code is 1 where a line of signatures.jsonl is at fault.

    Args:
        study: with the things.
        what: only these, named as for `mores sign`.
    """
    from mores.study.signoff import chosen, sign_off, things

    found = sign_off(study)
    if not what:
        return found
    named = {thing.what for thing in chosen(things(study), what)}
    return replace(found, things=tuple(state for state in found.things if state.what in named))


def unsign(
    study: Study, what: tuple[str, ...] = (), *, as_: str, reason: str, key: Path | None = None
) -> tuple[Signature, ...]:
    """Take back what you have signed; the lines stay, and new ones say so.

    Args:
        study: with the signatures.
        what: named as for `mores sign`, or the id of a signature.
        as_: the name under which you signed.
        reason: why.
        key: file with your Ed25519 key, where signers.toml names you.
    """
    from mores.study.signoff import withdraw

    return withdraw(study, what, by=as_, reason=reason, key=key, now=datetime.now(UTC))


def signed(lines: Sequence[Signature], values: dict[str, Any]) -> None:
    """Say what was written, and where."""
    word = "withdrawn" if lines[0].decision == "withdraw" else "signed"
    for line in lines[:SHOWN]:
        click.echo(f"{word}  {line.what}")
    if len(lines) > SHOWN:
        click.echo(f"and {len(lines) - SHOWN} more")
    added = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    click.echo(f"{added} added to {Path(values['study']) / 'signatures.jsonl'}")


def show(found: SignOff, values: dict[str, Any]) -> int:
    """Print the counts, then the things named or those that need somebody."""
    for count in found.counts:
        click.echo(printable(count.line))
    for fault in found.faults:
        click.echo(
            printable(f"signatures.jsonl:{fault.line} {fault.by} on {fault.what}: {fault.why}")
        )
    for what in found.gone:
        click.echo(printable(f"{what} was signed and is no more in the study"))
    if values["what"]:
        for state in found.things:
            _show_thing(state)
        return 1 if found.faults else 0
    for name in ("objected", "stale", "unsigned"):
        own = [state.what for state in found.things if state.state == name]
        if own:
            more = f" and {len(own) - SHOWN} more" if len(own) > SHOWN else ""
            click.echo()
            click.echo(printable(f"{name}: {', '.join(own[:SHOWN])}{more}"))
    return 1 if found.faults else 0


def _show_thing(state: ThingState) -> None:
    click.echo()
    click.echo(printable(f"{state.what}  {state.state}  {state.title}"))
    for one in state.signatures:
        key = ", by key" if one.key else ""
        stale = f"; stale: {one.stale}" if one.stale else ""
        who = f"{one.date[:10]} {one.by} ({one.role})"
        click.echo(printable(f"  {who}: {one.decision}{key}{stale}"))
        for point in (*one.checked, one.reason):
            if point:
                click.echo(printable(f"    {point}"))
