"""`mores consult`: the functions of its commands, each on a study's files.

show(study)                    the analysis, kept until something it rests on changes
import_polis(study, folder)    votes of a Polis conversation become answers of the study
analyse_polis(folder)          an export by itself, without a study
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from mores import store
from mores.consult.acts import plain
from mores.consult.analyse import analyse_answers
from mores.consult.answers import Answers, opened, read_answers, write_answers
from mores.consult.config import need_consultation, read_consultation
from mores.consult.model import Consultation, Moderation, Proposal, Statement, Vote, wording_of
from mores.consult.polis import PolisExport, read_polis
from mores.consult.result import ConsultResult
from mores.step import Made, Step
from mores.study import Study, folders

RESULT = "result.json"
FORM = 1
"""Raised when the analysis changes, so that what was kept is made anew."""


def show(study: Study) -> ConsultResult:
    """Show who was asked, and what they said.

    Agreement by statement and by declared group with intervals, who is missing against the target,
    opinion groups where they are stable, what all groups support and what divides them. Groups of
    fewer than five people are not shown. The report has the same figures, by position.

    Returns:
        The analysis.

    Raises:
        DataError: nobody is asked in this study, or a file is damaged.
        StudyError: an unknown key in consult.toml.
    """
    return analyse(study, need_consultation(study))


def consulted(study: Study) -> ConsultResult | None:
    """Return the analysis of a study's consultation; None where nobody is asked.

    Raises:
        DataError: a file is damaged.
        StudyError: an unknown key in consult.toml.
    """
    consultation = read_consultation(study)
    return None if consultation is None else analyse(study, consultation)


def analyse(study: Study, consultation: Consultation) -> ConsultResult:
    """Analyse the answers, or read what was found when nothing has changed since."""
    answers, stated = read_answers(study), opened(study)
    step = Step(
        "consult",
        folders.consult_folder(study),
        inputs={
            "consult.toml": store.digest(consultation),
            "answers": store.digest(answers),
            "opened": store.digest(stated),
            "charter": store.digest(study.charter),
        },
        config={"form": FORM},
        seed=study.config.seed,
    )

    def make() -> Made:
        found = analyse_answers(
            consultation,
            answers,
            charter=study.charter,
            opened=stated,
            seed=study.config.seed,
        )
        store.write_json(step.folder / RESULT, found)
        return Made([RESULT])

    step.run(make, say=_quiet)
    path = step.folder / RESULT
    return store.as_record(store.read_json(path), ConsultResult, path=path)


def analyse_polis(folder: Path, *, seed: int = 2021) -> ConsultResult:
    """Analyse an export of Polis by itself, without a study.

    Args:
        folder: with comments.csv and participants-votes.csv, as in
            https://github.com/compdemocracy/openData.
        seed: of resampling and of the starts of k-means.

    Returns:
        The analysis; there are no declared groups and no positions.

    Raises:
        DataError: a file that is not there or not in order.
    """
    export = read_polis(folder)
    return analyse_answers(export.consultation, export.answers, seed=seed)


@dataclass(frozen=True)
class Imported:
    """What came in."""

    folder: Path
    participants: int
    votes: int
    """On the study's own statements and on proposals."""
    matched: int
    """Comments that are statements of consult.toml, word by word."""
    proposals: dict[str, int]
    """What participants wrote themselves: accepted, pending, rejected → how many."""
    notes: tuple[str, ...]
    """Where the export's own counts differ from its votes."""


def import_polis(study: Study, folder: Path) -> Imported:
    """Take over the votes of a Polis conversation.

    A comment with the words of a statement in consult.toml is that statement; all others become
    proposals, accepted, pending or rejected as they were moderated there. What was imported from
    the same conversation before is replaced.

    Args:
        study: the study; its consult.toml is there.
        folder: the export: comments.csv and participants-votes.csv.

    Raises:
        DataError: nobody is asked in this study, or a file is not there or not in order; nothing is
            changed then.
        StoreError: the answers cannot be written.
    """
    consultation = need_consultation(study)
    export = read_polis(folder)
    names = _names(consultation, export)
    proposals = _proposals(export, names)
    ids = {p.id for p in export.answers.participants}
    before = read_answers(study)
    answers = Answers(
        participants=(
            *(p for p in before.participants if p.id not in ids),
            *export.answers.participants,
        ),
        votes=(
            *(v for v in before.votes if v.participant not in ids),
            *_renamed(consultation, export, names),
        ),
        proposals=(
            *(p for p in before.proposals if p.id not in {q.id for q in proposals}),
            *proposals,
        ),
    )
    written = write_answers(study, answers)
    return Imported(
        folder=written,
        participants=len(ids),
        votes=len(export.answers.votes),
        matched=len(names),
        proposals={
            state: sum(p.state == state for p in proposals)
            for state in ("accepted", "pending", "rejected")
        },
        notes=export.notes,
    )


def _names(consultation: Consultation, export: PolisExport) -> dict[str, Statement]:
    """Comment → the statement of the study with the same words."""
    own = {plain(s.text): s for s in consultation.statements}
    comments = {s.id: own.get(plain(s.text)) for s in export.consultation.statements}
    return {name: statement for name, statement in comments.items() if statement is not None}


def _proposals(export: PolisExport, names: dict[str, Statement]) -> list[Proposal]:
    return [
        Proposal(
            id=s.id,
            participant=export.authors.get(s.id, f"{export.prefix}-unknown"),
            text=s.text,
            state=_state(export.moderated[s.id]),
            moderator="" if export.moderated[s.id] == 0 else "in Polis",
            reason="in Polis" if export.moderated[s.id] < 0 else "",
        )
        for s in export.consultation.statements
        if s.id not in names
    ]


def _state(moderated: int) -> Moderation:
    return "accepted" if moderated > 0 else "rejected" if moderated < 0 else "pending"


def _renamed(
    consultation: Consultation, export: PolisExport, names: dict[str, Statement]
) -> list[Vote]:
    """Votes on comments that are statements of the study go by that name."""
    now = {s.id: wording_of(s, consultation.statements) for s in consultation.statements}
    return [
        replace(v, statement=names[v.statement].id, wording=now[names[v.statement].id])
        if v.statement in names
        else v
        for v in export.answers.votes
    ]


def _quiet(_: str) -> None:
    """The command prints the result; whether it was kept is of no interest."""
