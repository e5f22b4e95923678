"""Whose position an answer falls under, and which people stand behind it.

What consultation, signatures and the charter's accountable persons say is handed in by whoever has
it; where there is none, that is what is said. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mores.records import Example, Position
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
