"""What people answered: records, and the files of them in the study's folder.

answers = read_answers(study)
write_answers(study, answers)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mores import store
from mores.consult.model import (
    FOLDER,
    OPENED,
    PARTICIPANTS,
    PROPOSALS,
    VOTES,
    Consultation,
    Opened,
    Participant,
    Proposal,
    Vote,
)
from mores.records import Record
from mores.store.lines import read_records
from mores.study import Study


class Answers(Record, frozen=True, kw_only=True):
    """Everything that people left, in the order in which they left it."""

    participants: tuple[Participant, ...] = ()
    votes: tuple[Vote, ...] = ()
    proposals: tuple[Proposal, ...] = ()


def answers_folder(study: Study) -> Path:
    """Where answers are kept: beside the study's files, for they belong to every preset."""
    return study.folder / FOLDER


def read_answers(study: Study) -> Answers:
    """Read what there is; a file that is not there is an empty one.

    Raises:
        DataError: a damaged line, or a participant or proposal twice.
    """
    folder = answers_folder(study)

    def path(name: str) -> Path | None:
        return folder / name if (folder / name).exists() else None

    people, votes, proposals = path(PARTICIPANTS), path(VOTES), path(PROPOSALS)
    return Answers(
        participants=tuple(read_records(people, Participant)) if people else (),
        votes=tuple(read_records(votes, Vote, unique=None)) if votes else (),
        proposals=tuple(read_records(proposals, Proposal)) if proposals else (),
    )


def write_answers(study: Study, answers: Answers) -> Path:
    """Write all three files, each atomically; of two votes on one statement only the later one.

    Participants come first: where the machine stops in between, who has withdrawn has withdrawn.
    A ``.gitignore`` keeps them out of a repository, for opinions of people are nobody's to publish.

    Returns:
        The folder.

    Raises:
        StoreError: disk full, no permission.
    """
    folder = answers_folder(study)
    if not (folder / ".gitignore").exists():
        store.write_text(folder / ".gitignore", "# Answers of people: not for a repository.\n*\n")
    store.write_jsonl(folder / PARTICIPANTS, answers.participants)
    store.write_jsonl(folder / VOTES, latest(answers.votes))
    store.write_jsonl(folder / PROPOSALS, answers.proposals)
    return folder


def latest(votes: Sequence[Vote]) -> list[Vote]:
    """Return the last vote of each participant on each statement, in order of the first one."""
    kept: dict[tuple[str, str], Vote] = {}
    for vote in votes:
        kept[vote.participant, vote.statement] = vote
    return list(kept.values())


# Before anybody answers ----------------------------------------------------------------------


def opened(study: Study) -> Opened | None:
    """Return the target table as it stood when the consultation opened; None where it has not."""
    path = answers_folder(study) / OPENED
    return store.as_record(store.read_json(path), Opened, path=path) if path.exists() else None


def open_now(study: Study, consultation: Consultation, *, time: str) -> Opened:
    """Write down the target table before the first participant comes; once, and never again.

    Args:
        study: the study.
        consultation: as it is now.
        time: UTC, ISO 8601.
    """
    if there := opened(study):
        return there
    record = Opened(
        time=time,
        targets={q.id: q.target for q in consultation.questions if q.target},
        invited=consultation.invited,
    )
    store.write_json(answers_folder(study) / OPENED, record)
    return record
