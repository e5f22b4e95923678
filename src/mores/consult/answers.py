"""What people answered, as files and as records; what a page does, as functions on records.

    answers = read_answers(study)
    answers = voted(answers, statements_of(consultation, answers.proposals), vote)
    answers = withdrawn(answers, "p-3f9a")
    write_answers(study, answers)

The functions take `Answers` and give `Answers`: where they are kept meanwhile (a database, memory)
is the caller's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

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
    Statement,
    Vote,
    wording_of,
)
from mores.errors import DataError, did_you_mean
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


# What a page shows and does ------------------------------------------------------------------


def statements_of(
    consultation: Consultation, proposals: Sequence[Proposal]
) -> tuple[Statement, ...]:
    """Return what is voted on: the file's statements, then the accepted proposals.

    Wordings that are only another one's rival are not asked by themselves, so are not among them;
    withdrawn statements are (`asked` leaves them out).
    """
    own = tuple(s for s in consultation.statements if s.kind != "wording" or s.against)
    return own + tuple(
        Statement(id=p.id, text=p.text, about=p.about, kind="proposal", language=p.language)
        for p in proposals
        if p.state == "accepted"
    )


def asked(statements: Sequence[Statement]) -> list[Statement]:
    """Return those that may be voted on now."""
    return [s for s in statements if not s.withdrawn]


def voted(
    answers: Answers, consultation: Consultation, vote: Vote, *, shown: str | None = None
) -> Answers:
    """Add a vote; an earlier one of this participant on this statement no longer counts.

    Args:
        answers: so far.
        consultation: what is asked, as it is now.
        vote: its ``wording`` may be empty; it is then that of now.
        shown: digest of the wording that the page showed; None where it is ``vote.wording``.

    Raises:
        DataError: no such participant, or one who withdrew; a statement that is not asked (any
            more); another wording than was shown; a reason that is too long or no text. The vote is
            not recorded then, and the page keeps what was typed.
    """
    _sound(vote, Vote)
    _present(answers, vote.participant)
    statements = statements_of(consultation, answers.proposals)
    by_id = {s.id: s for s in statements}
    statement = by_id.get(vote.statement)
    where = f"statement {vote.statement!r}"
    if statement is None:
        raise DataError(f"not asked{did_you_mean(vote.statement, list(by_id))}", where=where)
    if statement.withdrawn:
        raise DataError(
            f"withdrawn since it was shown: {statement.withdrawn}",
            where=where,
            fix="nothing was recorded; go on with the next statement",
        )
    now = wording_of(statement, consultation.statements)
    if (shown or vote.wording or now) != now:
        raise DataError(
            "reworded since it was shown",
            where=where,
            fix="read it as it is now, and vote on that; what was typed is kept",
        )
    return replace(answers, votes=tuple(latest([*answers.votes, replace(vote, wording=now)])))


def proposed(answers: Answers, consultation: Consultation, proposal: Proposal) -> Answers:
    """Add a proposal, which waits for a moderator whatever its state says.

    Raises:
        DataError: no such participant, an id that is taken, words that are asked already, a text
            that is empty, too long or no text.
    """
    _sound(proposal, Proposal)
    _present(answers, proposal.participant)
    names = {s.id for s in consultation.statements} | {p.id for p in answers.proposals}
    where = f"proposal {proposal.id!r}"
    if proposal.id in names:
        raise DataError("this id is taken", where=where, fix="draw another one")
    statements = statements_of(consultation, answers.proposals)
    same = next((s for s in statements if plain(s.text) == plain(proposal.text)), None)
    if same is not None:
        raise DataError(
            "this is asked already", where=f"statement {same.id!r}", fix="vote on it instead"
        )
    waiting = replace(proposal, state="pending", moderator="", decided="", reason="")
    return replace(answers, proposals=(*answers.proposals, waiting))


def moderated(
    answers: Answers,
    name: str,
    state: Literal["accepted", "rejected"],
    *,
    moderator: str,
    decided: str,
    reason: str = "",
    about: str | None = None,
) -> Answers:
    """Accept or reject a proposal; a later decision replaces an earlier one.

    Args:
        answers: so far.
        name: id of the proposal.
        state: the decision.
        moderator: who decided.
        decided: when; UTC, ISO 8601.
        reason: why; needed for a rejection.
        about: category of the position that it is about, where the moderator knows better.

    Raises:
        DataError: no such proposal, or a rejection without a reason.
    """
    if name not in {p.id for p in answers.proposals}:
        known = [p.id for p in answers.proposals]
        raise DataError("no such proposal" + did_you_mean(name, known), where=f"proposal {name!r}")
    if state == "rejected" and not reason.strip():
        raise DataError(
            "a rejection needs a reason",
            where=f"proposal {name!r}",
            fix="say why: whoever proposed it may ask",
        )
    return replace(
        answers,
        proposals=tuple(
            replace(
                p,
                state=state,
                moderator=moderator,
                decided=decided,
                reason=reason,
                about=p.about if about is None else about,
            )
            if p.id == name
            else p
            for p in answers.proposals
        ),
    )


def withdrawn(answers: Answers, name: str) -> Answers:
    """Take a participant out: votes, reasons, proposals and what was declared are gone.

    What is left is a line that says that this pseudonym withdrew, so that a backup played in later
    does not bring anything back. Votes of others on a statement that this participant had proposed
    are set apart from then on.

    Raises:
        DataError: no such participant.
    """
    if name not in {p.id for p in answers.participants}:
        raise DataError("no such participant", where=f"participant {name!r}")
    return Answers(
        participants=tuple(
            Participant(id=p.id, joined=p.joined, by=p.by, withdrawn=True) if p.id == name else p
            for p in answers.participants
        ),
        votes=tuple(v for v in answers.votes if v.participant != name),
        proposals=tuple(p for p in answers.proposals if p.participant != name),
    )


def plain(text: str) -> str:
    """Return a text without regard to case and blanks, to see whether two are the same."""
    return " ".join(text.split()).casefold()


def _sound(record: Vote | Proposal, kind: type[Vote | Proposal]) -> None:
    """Refuse what could not be read again: the types are checked where a file is read only."""
    try:
        msgspec.json.encode(record)
    except UnicodeEncodeError:
        raise DataError(
            "found half a character (a surrogate), which no text has", fix="type it again"
        ) from None
    store.as_record(msgspec.to_builtins(record), kind)


def _present(answers: Answers, name: str) -> None:
    found = next((p for p in answers.participants if p.id == name), None)
    if found is None or found.withdrawn:
        why = "no such participant" if found is None else "this participant has withdrawn"
        raise DataError(why, where=f"participant {name!r}", fix="take part anew to answer")


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
