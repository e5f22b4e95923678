"""Which answers count: of people who are still in, on statements as they are worded now.

counted = count_answers(consultation, answers)
counted.table          # participants × statements: 1 agree, 0 pass, −1 disagree, NaN no vote
counted.apart          # what does not count, and why
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mores.consult.acts import asked, statements_of
from mores.consult.answers import Answers, latest
from mores.consult.model import Consultation, Participant, Statement, Vote, wording_of
from mores.records import Record

VALUES = {"agree": 1.0, "pass": 0.0, "disagree": -1.0}


class SetApart(Record, frozen=True, kw_only=True):
    """Votes on one statement that are in no figure."""

    statement: str
    why: str
    votes: int


@dataclass(frozen=True, eq=False)
class Counted:
    """Answers that count."""

    statements: tuple[Statement, ...]
    """Asked now, in order: columns of `table`."""
    participants: tuple[Participant, ...]
    """Who is in and has at least one vote that counts: rows of `table`."""
    silent: int
    """Who agreed to take part and has no vote that counts."""
    withdrew: int
    """Participants who were taken out."""
    votes: tuple[Vote, ...]
    """One for each participant and statement."""
    apart: tuple[SetApart, ...]

    @cached_property
    def table(self) -> NDArray[np.float64]:
        """Votes, shape (participants, statements): 1 agree, 0 pass, −1 disagree, NaN none."""
        rows = {p.id: at for at, p in enumerate(self.participants)}
        columns = {s.id: at for at, s in enumerate(self.statements)}
        table = np.full((len(rows), len(columns)), np.nan)
        for vote in self.votes:
            table[rows[vote.participant], columns[vote.statement]] = VALUES[vote.choice]
        return table


def count_answers(consultation: Consultation, answers: Answers) -> Counted:
    """Return the votes that count, and what was set apart by statement and reason."""
    statements = statements_of(consultation, answers.proposals)
    current = asked(statements)
    wordings = {s.id: wording_of(s, consultation.statements) for s in current}
    people = {p.id: p for p in answers.participants}
    out = {name for name, p in people.items() if p.withdrawn}
    why_not = _why_not(statements, answers)
    kept: list[Vote] = []
    apart: Counter[tuple[str, str]] = Counter()
    for vote in latest(answers.votes):
        if vote.participant in out:
            continue
        if vote.participant not in people:
            apart[vote.statement, "of no participant in participants.jsonl"] += 1
        elif vote.statement not in wordings:
            apart[vote.statement, why_not.get(vote.statement, "no such statement any more")] += 1
        elif vote.wording != wordings[vote.statement]:
            apart[vote.statement, "reworded since"] += 1
        else:
            kept.append(vote)
    voters = {v.participant for v in kept}
    return Counted(
        statements=tuple(current),
        participants=tuple(p for p in answers.participants if p.id in voters),
        silent=len(people) - len(out) - len(voters),
        withdrew=len(out),
        votes=tuple(kept),
        apart=tuple(SetApart(statement=s, why=w, votes=n) for (s, w), n in sorted(apart.items())),
    )


def _why_not(statements: Sequence[Statement], answers: Answers) -> dict[str, str]:
    """Why a statement is not asked now, by id."""
    reasons = {p.id: f"a proposal that is {p.state}" for p in answers.proposals}
    return reasons | {s.id: f"withdrawn: {s.withdrawn}" for s in statements if s.withdrawn}
