"""Whose position an answer falls under, and which people stand behind it.

What consultation, signatures and the charter's accountable persons say is handed in by whoever has
it; where there is none, that is what is said. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mores.consult import ConsultResult
from mores.records import Accountable, Example, Position
from mores.study import Study
from mores.study.signoff import counted, sign_off
from mores.trace.model import CategoryFrom, PeopleBehind, PositionBehind

NOBODY_ASKED = "Nobody was asked about this position."
UNSIGNED = "Unsigned: nobody has signed this position or its samples."
NOBODY_NAMED = "Nobody is named who answers for this position."


def position_behind(
    position: Position, found_by: CategoryFrom, consulted: str | None = None
) -> PositionBehind:
    """Return a position as a trace shows it.

    Args:
        position: of the charter.
        found_by: how it was found to be this one.
        consulted: what people who were asked said of it, in a sentence; None: nobody was asked.
    """
    return PositionBehind(
        category=position.category,
        found_by=found_by,
        title=position.title,
        statement=position.statement,
        why=position.why,
        basis=position.basis,
        consulted=consulted or NOBODY_ASKED,
    )


def people_behind(
    examples: Sequence[Example], signed: str | None = None, accountable: str | None = None
) -> PeopleBehind:
    """Return the people behind the samples of a position.

    Args:
        examples: the samples of that position.
        signed: what was signed by whom, in a sentence; None: nothing was.
        accountable: who answers for the position, with how to reach them; None: nobody is named.
    """
    return PeopleBehind(
        authors=_names(e.author for e in examples),
        reviewers=_names(e.reviewer for e in examples),
        unnamed=sum(not e.author for e in examples),
        signed=signed or UNSIGNED,
        accountable=accountable or NOBODY_NAMED,
    )


def _names(named: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in named if name))


def consulted_on(result: ConsultResult | None, category: str) -> str | None:
    """What people said of a position, in sentences; None where nobody answered to it."""
    if result is None:
        return None
    said = []
    for one in result.statements:
        total = one.total
        if one.about != category or total.n == 0:
            continue
        if total.n is None:
            said.append(f"On “{one.text}”: not shown, {total.withheld}.")
        else:
            said.append(
                f"On “{one.text}” {total.agree} of {total.n} agreed, {total.disagree} disagreed, "
                f"{total.passed} passed."
            )
    return " ".join(said) or None


def signed_for(study: Study, category: str) -> str | None:
    """Who has signed a position and its samples, in words; None where nobody has.

    Raises:
        DataError: signatures.jsonl or signers.toml cannot be read.
    """
    own = [one for one in sign_off(study).things if one.category == category]
    if not any(one.signatures for one in own):
        return None
    return "; ".join(count.line for count in counted(own)) + "."


def answers_for(accountable: Accountable | None) -> str | None:
    """Who answers for a position; None where the charter does not say."""
    if accountable is None:
        return None
    if accountable.nobody:
        return f"Nobody answers for it: {accountable.nobody}."
    reach = f", {accountable.contact}" if accountable.contact else ""
    return f"{accountable.who} answers for this position{reach}."
