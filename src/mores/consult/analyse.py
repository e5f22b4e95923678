"""Answers → who was asked, and what they said. Pure: records in, a record out.

analyse_answers(consultation, answers, charter=charter, seed=7)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mores.consult.acts import plain
from mores.consult.agreement import NOT_SAID, by_group, tally
from mores.consult.answers import Answers
from mores.consult.consensus import Consensus, consensus, differences
from mores.consult.count import Counted, count_answers
from mores.consult.model import Consultation, Opened, Question, Statement
from mores.consult.opinion import OPINION, opinion_differences, opinion_rows
from mores.consult.result import ConsultResult, PositionResult, StatementResult
from mores.consult.stability import Found, opinion_groups
from mores.consult.turnout import turnout
from mores.consult.voices import objection
from mores.records import Charter

ALL = "all"
SELF_SELECTED = (
    "Anybody with the link could take part, so those who did are no sample of any public: shares "
    "and intervals speak of people who would come by this link, and of nobody else."
)
INVITED = (
    "People were invited and chose to answer. Intervals say how exactly a share is known for "
    "people who would answer such an invitation, not for those who did not and not for a public."
)
IMPORTED = (
    "Votes were collected elsewhere; how people came to vote is not known here, so they are no "
    "sample of any public."
)


def analyse_answers(
    consultation: Consultation,
    answers: Answers,
    *,
    charter: Charter | None = None,
    opened: Opened | None = None,
    seed: int,
) -> ConsultResult:
    """Analyse all answers that count.

    Args:
        consultation: what was asked.
        answers: what was answered.
        charter: the positions; None where the statements are about none.
        opened: the targets when the consultation opened.
        seed: of resampling and of the starts of k-means.
    """
    counted = count_answers(consultation, answers)
    found, columns = _opinion(counted, consultation, seed)
    rows = _statements(consultation, counted, found)
    tallies = [(r.statement, by, t) for r in rows for by, t in r.groups.items()]
    tested = differences(tallies)
    if found.shown:
        tested += opinion_differences(
            counted.table[:, columns],
            [counted.statements[c].id for c in columns],
            found,
            seed=seed,
            least=consultation.min_cell,
        )
    return ConsultResult(
        title=consultation.title,
        version=consultation.version,
        participants=len(counted.participants),
        by=dict(sorted(Counter(p.by for p in counted.participants).items())),
        invited=consultation.invited,
        silent=counted.silent,
        withdrew=counted.withdrew,
        votes=len(counted.votes),
        apart=counted.apart,
        pending=sum(p.state == "pending" for p in answers.proposals),
        rejected=sum(p.state == "rejected" for p in answers.proposals),
        min_cell=consultation.min_cell,
        cautions=tuple(_cautions(consultation, counted)),
        turnout=tuple(
            turnout(q, counted.participants, opened, least=consultation.min_cell)
            for q in consultation.questions
        ),
        positions=tuple(_positions(charter, counted)) if charter else (),
        statements=tuple(rows),
        consensus=tuple(_consensus(rows)),
        differences=tuple(tested),
        groups=found.groups,
    )


def _opinion(counted: Counted, consultation: Consultation, seed: int) -> tuple[Found, list[int]]:
    """Groups come from votes on statements; which of two wordings is better is left out."""
    columns = [at for at, s in enumerate(counted.statements) if not s.against]
    table = counted.table[:, columns]
    return opinion_groups(table, seed=seed, least=consultation.min_cell), columns


def _statements(
    consultation: Consultation, counted: Counted, found: Found
) -> list[StatementResult]:
    declared = {q.id: _declared(q, counted) for q in consultation.questions}
    opinion = opinion_rows(found) if found.shown else {}
    whys: dict[str, list[tuple[str, bool]]] = {}
    for vote in counted.votes:
        if vote.choice == "disagree":
            whys.setdefault(vote.statement, []).append((vote.why, vote.quote))
    least = consultation.min_cell
    results = []
    for column, statement in enumerate(counted.statements):
        votes = counted.table[:, column]
        total = tally(votes, ALL, least=least)
        shown = total.support is not None
        rival = consultation.statement(statement.against)
        results.append(
            StatementResult(
                statement=statement.id,
                text=statement.text,
                kind=statement.kind,
                about=statement.about,
                clause=statement.clause,
                rival=rival.text if rival else "",
                total=total,
                groups={
                    q: tuple(by_group(votes, rows, least=least)) for q, rows in declared.items()
                },
                opinion=tuple(by_group(votes, opinion, least=least))
                if opinion and not statement.against
                else (),
                objection=objection(
                    whys.get(statement.id, []) if shown else [],
                    statement.language or consultation.language,
                ),
            )
        )
    return results


def _declared(question: Question, counted: Counted) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {option: [] for option in (*question.options, NOT_SAID)}
    for at, person in enumerate(counted.participants):
        said = person.declared.get(question.id, NOT_SAID)
        rows[said if said in rows else NOT_SAID].append(at)
    return rows


def _consensus(rows: Sequence[StatementResult]) -> list[Consensus]:
    found = [
        one
        for row in rows
        if not row.rival
        for by, tallies in (*row.groups.items(), (OPINION, row.opinion))
        if (one := consensus(row.statement, by, tallies)) is not None
    ]
    return sorted(found, key=lambda c: (-(c.support.low or 0.0), c.by, c.statement))


def _positions(charter: Charter, counted: Counted) -> list[PositionResult]:
    voted = {vote.statement for vote in counted.votes}
    results = []
    for position in charter.positions:
        own = [s for s in counted.statements if s.about == position.category and s.id in voted]
        results.append(
            PositionResult(
                category=position.category,
                title=position.title,
                statements=tuple(s.id for s in own),
                reworded=any(_differs(s, position.statement) for s in own),
            )
        )
    return results


def _differs(statement: Statement, text: str) -> bool:
    """Whether a statement gives a position, in words that are not the charter's any more."""
    if statement.kind == "clause":
        return plain(statement.text).rstrip(".") not in plain(text)
    return statement.kind == "position" and plain(statement.text) != plain(text)


def _cautions(consultation: Consultation, counted: Counted) -> list[str]:
    ways = {p.by for p in counted.participants}
    said = []
    if "open link" in ways or (consultation.open_link and ways):
        said.append(SELF_SELECTED)
    if "invitation" in ways:
        said.append(INVITED)
    if "import" in ways:
        said.append(IMPORTED)
    return said
