"""Who was asked, who answered, who is missing, against what was stated beforehand.

turnout(question, participants, opened, least=5)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mores.consult.agreement import NOT_SAID, PERSON
from mores.consult.cells import hidden, why_hidden
from mores.consult.model import Opened, Participant, Question
from mores.records import Estimate, Record
from mores.stats import clopper_pearson

_CLOSE = 1e-9


class GroupTurnout(Record, frozen=True, kw_only=True):
    """One declared group."""

    group: str
    invited: int | None
    """None where nobody kept count."""
    answered: int | None
    """People with a vote who declared it; None where that is not shown, 0 where nobody did."""
    target: float | None
    """Share or number of people, as the question says; None where none was stated."""
    share: Estimate | None = None
    """Of those who declared something, with its interval."""
    missing: int | None = None
    """People short of the target: a number, or the target's share of those who declared something;
    0 where the target is met, None where it cannot be said."""
    withheld: str = ""
    """Why ``answered`` is not shown."""


class Turnout(Record, frozen=True, kw_only=True):
    """Who answered, by one question about oneself."""

    question: str
    text: str
    target_unit: str
    declared: int | None
    """People who answered it; None where that would give a small group away."""
    groups: tuple[GroupTurnout, ...]
    """Every option, then those who did not say."""
    stated: str
    """Whether the target stood before the first participant came."""
    strays: int | None = 0
    """Declared something that is no option any more; counted among those who did not say, and None
    where these are not shown."""


def turnout(
    question: Question, participants: Sequence[Participant], opened: Opened | None, *, least: int
) -> Turnout:
    """Hold those who answered against the target.

    Args:
        question: with its target.
        participants: those with a vote that counts.
        opened: the targets as they stood when the consultation opened.
        least: people below whom a figure is not shown.
    """
    said = Counter(p.declared.get(question.id, "") for p in participants)
    counts = {option: said[option] for option in question.options}
    declared = sum(counts.values())
    counts[NOT_SAID] = len(participants) - declared
    out = hidden(counts, least)
    strays = sum(n for option, n in said.items() if option and option not in counts)
    return Turnout(
        question=question.id,
        text=question.text,
        target_unit=question.target_unit,
        declared=None if NOT_SAID in out else declared,
        groups=tuple(
            _group(question, group, n, None if NOT_SAID in out else declared, group in out, least)
            for group, n in counts.items()
        ),
        stated=_stated(question, opened),
        strays=None if NOT_SAID in out else strays,
    )


def _group(
    question: Question, group: str, n: int, declared: int | None, out: bool, least: int
) -> GroupTurnout:
    target = question.target.get(group)
    shared = declared is not None and group != NOT_SAID and declared > 0
    return GroupTurnout(
        group=group,
        invited=question.invited.get(group),
        answered=None if out else n,
        target=target,
        share=clopper_pearson(n, declared or 0, unit=PERSON) if shared and not out else None,
        missing=None if out or target is None else _missing(question, n, declared, target),
        withheld=why_hidden(n, least) if out else "",
    )


def _missing(question: Question, n: int, declared: int | None, target: float) -> int | None:
    if question.target_unit == "share" and declared is None:
        return None
    wanted = target * (declared or 0) if question.target_unit == "share" else target
    return max(0, -int(-(wanted - n - _CLOSE) // 1))


def _stated(question: Question, opened: Opened | None) -> str:
    if not question.target:
        return "no target was stated"
    if opened is None:
        return "nothing shows when the target was stated: the consultation was not opened by mores"
    before = opened.targets.get(question.id)
    day = opened.time[:10]
    if before is None:
        return f"the target was stated after the consultation opened ({day})"
    if before != question.target:
        then = ", ".join(f"{option} {value:g}" for option, value in before.items())
        return f"the target was changed after the consultation opened ({day}); it was: {then}"
    return f"the target was stated before the first participant came ({day})"
