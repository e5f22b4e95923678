"""A made-up consultation on the charter of `report_builder`, hostile words among the answers."""

from __future__ import annotations

import numpy as np
from report_builder import BIDI, SCRIPT, charter

from mores.consult import Answers, Consultation, Participant, Proposal, Question, Statement, Vote
from mores.consult.acts import statements_of
from mores.consult.analyse import analyse_answers
from mores.consult.model import Opened, wording_of
from mores.consult.result import ConsultResult

ROLE = Question(
    id="role",
    text="What is your part in this?",
    options=("clinician", "lawyer", "community member"),
    target={"clinician": 0.3, "lawyer": 0.2, "community member": 0.5},
    invited={"clinician": 40, "lawyer": 20, "community member": 60},
)
WHYS = (
    "It says oppose, but nobody here was asked what harm means to them.",
    "Oppose what? What harm means is for people to say, and nobody was asked.",
    "Too vague: what harm means differs from place to place.",
)


def consulted(people: int = 60) -> ConsultResult:
    """All positions but the last are voted on; group members lean differently."""
    positions = charter().positions
    asked = Consultation(
        title="What should wellbeing hold?",
        invited=120,
        open_link=True,
        questions=(ROLE,),
        statements=(
            *(Statement(id=p.category, text=p.statement, about=p.category) for p in positions[:-1]),
            Statement(
                id="clearer",
                text="Oppose harm. Help people find help. Never blame them.",
                about=positions[0].category,
                kind="wording",
                against=positions[0].category,
            ),
        ),
    )
    proposals = (
        Proposal(
            id="x1", participant="p0", text=f"Say who answers for it. {SCRIPT}", state="accepted"
        ),
        Proposal(id="x2", participant="p1", text="Something else.", state="pending"),
    )
    return analyse_answers(
        asked,
        Answers(
            participants=tuple(_people(people)),
            votes=tuple(_votes(asked, proposals, people)),
            proposals=proposals,
        ),
        charter=charter(),
        opened=Opened(time="2026-01-05T08:00:00Z", targets={"role": ROLE.target}, invited=120),
        seed=7,
    )


def _people(n: int) -> list[Participant]:
    roles = ["clinician"] * 12 + ["lawyer"] * 3 + ["community member"] * (n - 24) + [""] * 9
    return [
        Participant(
            id=f"p{i}",
            joined="2026-01-06",
            by="invitation" if i % 3 else "open link",
            declared={"role": role} if role else {},
        )
        for i, role in enumerate(roles)
    ]


def _votes(asked: Consultation, proposals: tuple[Proposal, ...], people: int) -> list[Vote]:
    rng = np.random.default_rng(1)
    votes = []
    for column, statement in enumerate(statements_of(asked, proposals)):
        for i in range(people):
            lean = 0.95 if column % 3 == 0 else 0.9 if i < 12 else 0.35
            drawn = rng.random()
            choice = "agree" if drawn < lean else "disagree" if drawn < 0.97 else "pass"
            no = choice == "disagree"
            votes.append(
                Vote(
                    participant=f"p{i}",
                    statement=statement.id,
                    wording=wording_of(statement, asked.statements),
                    choice=choice,
                    why=(SCRIPT + BIDI[:-1] if column == 2 else WHYS[i % 3]) if no else "",
                    quote=no and column != 1,
                )
            )
    return votes
