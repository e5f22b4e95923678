"""Made-up consultations and votes with a known truth, for the tests of this room."""

from __future__ import annotations

import numpy as np

from mores.consult import Answers, Consultation, Participant, Statement, Vote, wording_of

CHOICES = {1.0: "agree", 0.0: "pass", -1.0: "disagree"}


def consultation(statements: int = 3, **given) -> Consultation:
    rows = given.pop("rows", None) or tuple(
        Statement(id=f"s{j}", text=f"Statement number {j}.", about="care")
        for j in range(statements)
    )
    return Consultation(title="A made-up consultation", statements=rows, **given)


def answers(asked: Consultation, table, declared=None, whys=None) -> Answers:
    """Votes from a table: 1, 0, −1 and NaN; rows are participants p0, p1, ..."""
    people = tuple(
        Participant(id=f"p{i}", joined="2026-01-01", declared=(declared or {}).get(i, {}))
        for i in range(len(table))
    )
    votes = tuple(
        Vote(
            participant=f"p{i}",
            statement=s.id,
            wording=wording_of(s, asked.statements),
            choice=CHOICES[float(table[i][j])],
            why=(whys or {}).get((i, j), ("", False))[0],
            quote=(whys or {}).get((i, j), ("", False))[1],
        )
        for i in range(len(table))
        for j, s in enumerate(asked.statements)
        if not np.isnan(table[i][j])
    )
    return Answers(participants=people, votes=votes)


def planted(seed, *, people=150, statements=24, groups=3, lean=0.4, missing=0.3):
    """Groups that agree to each statement with a chance of ½ ± lean; (votes, group of each)."""
    rng = np.random.default_rng(seed)
    group = rng.integers(groups, size=people)
    chance = 0.5 + lean * rng.choice([-1, 1], size=(groups, statements))
    table = np.where(rng.random((people, statements)) < chance[group], 1.0, -1.0)
    table[rng.random(table.shape) < 0.1] = 0.0
    table[rng.random(table.shape) < missing] = np.nan
    return table, group


def line(seed, *, people=150, statements=20, loading=0.8, missing=0.3):
    """Opinions along one line, normally spread: people differ, and form no groups."""
    rng = np.random.default_rng(seed)
    place = rng.standard_normal((people, 1))
    noise = rng.standard_normal((people, statements))
    latent = loading * place + np.sqrt(1 - loading**2) * noise
    table = (latent > 0.3).astype(float) - (latent < -0.3)
    table[rng.random(table.shape) < missing] = np.nan
    return table
