"""Exports of Polis → the records of a consultation.

    export = read_polis(Path("brexit-consensus"))
    export.consultation, export.answers, export.groups

Takes the folder of an export: comments.csv, participants-votes.csv and perhaps summary.csv, in the
form of https://github.com/compdemocracy/openData. What a participant voted is read as it stands and
held against the counts that the export gives beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores import store
from mores.consult.answers import Answers
from mores.consult.model import Choice, Consultation, Participant, Statement, Vote, wording_of
from mores.errors import DataError
from mores.tables import read_table

COMMENTS, PARTICIPANTS, SUMMARY = "comments.csv", "participants-votes.csv", "summary.csv"
REJECTED = "rejected by a moderator"
_CHOICES: dict[int, Choice] = {1: "agree", 0: "pass", -1: "disagree"}


@dataclass(frozen=True)
class PolisExport:
    """One conversation."""

    consultation: Consultation
    """Its comments as statements, ``polis-<comment-id>``; rejected ones are withdrawn."""
    answers: Answers
    groups: dict[str, int]
    """Participant → the opinion group that its publisher gives; only those who have one."""
    prefix: str
    """What the ids of its participants begin with; another conversation has another one."""
    authors: dict[str, str]
    """Statement → the participant who wrote it."""
    moderated: dict[str, int]
    """Statement → 1 accepted, 0 not looked at, −1 rejected."""
    tallies: dict[str, tuple[int, int]]
    """Statement → (agrees, disagrees) as its publisher gives them."""
    notes: tuple[str, ...]
    """Where the publisher's counts differ from the votes."""


def read_polis(folder: Path) -> PolisExport:
    """Read an export.

    Args:
        folder: with comments.csv and participants-votes.csv.

    Raises:
        DataError: a file or column that is not there, a vote that is none of 1, 0, −1 and nothing,
            a column of votes without its comment, or signs that contradict the publisher's counts.
    """
    comments = _comments(folder / COMMENTS)
    title, url = _summary(folder)
    consultation = Consultation(
        title=title, statements=tuple(c.statement for c in comments.values())
    )
    wordings = {s.id: wording_of(s, consultation.statements) for s in consultation.statements}
    people: list[Participant] = []
    votes: list[Vote] = []
    groups: dict[str, int] = {}
    off: list[str] = []
    prefix = f"polis-{store.digest(url).removeprefix('sha256:')[:6]}"
    path = folder / PARTICIPANTS
    needed = ("participant", "group-id", "n-votes", "n-agree", "n-disagree")
    for line, row in read_table(path, needed):
        person = f"{prefix}-{row['participant']}"
        people.append(Participant(id=person, joined="", by="import"))
        own = _votes(row, comments, path, line)
        votes += [
            Vote(participant=person, statement=s, wording=wordings[s], choice=_CHOICES[v])
            for s, v in own.items()
        ]
        if row["group-id"].strip():
            groups[person] = _whole(row["group-id"], path, line)
        off += _counted(row, list(own.values()), path, line)
    tallies = {c.statement.id: c.tally for c in comments.values()}
    return PolisExport(
        consultation=consultation,
        answers=Answers(participants=tuple(people), votes=tuple(votes)),
        groups=groups,
        prefix=prefix,
        authors={c.statement.id: f"{prefix}-{c.author}" for c in comments.values()},
        moderated={c.statement.id: c.moderated for c in comments.values()},
        tallies=tallies,
        notes=(*off, *_tally_notes(votes, tallies)),
    )


@dataclass(frozen=True)
class _Comment:
    """One line of comments.csv."""

    statement: Statement
    author: str
    moderated: int
    tally: tuple[int, int]


def _comments(path: Path) -> dict[str, _Comment]:
    """Comment id → comment, in order of the ids."""
    found: dict[int, _Comment] = {}
    needed = ("comment-id", "author-id", "agrees", "disagrees", "moderated", "comment-body")
    for line, row in read_table(path, needed):
        number = _whole(row["comment-id"], path, line)
        if number in found:
            raise DataError(f"comment {number} is there twice", path=path, line=line)
        moderated = _whole(row["moderated"], path, line)
        statement = Statement(
            id=f"polis-{number}",
            text=row["comment-body"].strip() or "(empty)",
            kind="proposal",
            withdrawn=REJECTED if moderated < 0 else "",
        )
        tally = _whole(row["agrees"], path, line), _whole(row["disagrees"], path, line)
        found[number] = _Comment(statement, row["author-id"].strip(), moderated, tally)
    return {str(number): found[number] for number in sorted(found)}


def _summary(folder: Path) -> tuple[str, str]:
    """Topic and address; the folder's name where there is no summary."""
    path = folder / SUMMARY
    lines = store.read_text(path).splitlines() if path.exists() else []
    facts = dict(line.split(",", 1) for line in lines if "," in line)
    topic = facts.get("topic", "").strip('" ') or folder.resolve().name
    return topic, facts.get("url", topic)


def _votes(
    row: dict[str, Any], comments: dict[str, _Comment], path: Path, line: int
) -> dict[str, int]:
    votes: dict[str, int] = {}
    for column, cell in row.items():
        if not column.isdecimal() or not cell.strip():
            continue
        if column not in comments:
            raise DataError(
                f"votes on comment {column}, which {COMMENTS} does not have", path=path, line=line
            )
        value = _whole(cell, path, line)
        if value not in _CHOICES:
            raise DataError(
                f"expected 1, 0 or -1 in column {column}, found {cell!r}", path=path, line=line
            )
        votes[comments[column].statement.id] = value
    return votes


def _counted(row: dict[str, Any], values: list[int], path: Path, line: int) -> list[str]:
    """Hold votes against the counts beside them.

    Raises:
        DataError: agrees and disagrees are there the other way round.
    """
    said = tuple(_whole(row[name], path, line) for name in ("n-votes", "n-agree", "n-disagree"))
    seen = len(values), values.count(1), values.count(-1)
    if said == seen:
        return []
    if said[1:] == (seen[2], seen[1]) and seen[1] != seen[2]:
        raise DataError(
            f"the file says {said[1]} agrees and {said[2]} disagrees, its votes are the other way "
            "round: here -1 seems to be agree",
            path=path,
            line=line,
            fix="change the signs of the votes, so that 1 is agree",
        )
    note = (
        f"participant {row['participant']}: the file says {said[0]} votes, {said[1]} agrees, "
        f"{said[2]} disagrees; its votes are {seen[0]}, {seen[1]}, {seen[2]}"
    )
    return [note]


def _tally_notes(votes: list[Vote], tallies: dict[str, tuple[int, int]]) -> list[str]:
    seen = {name: [0, 0] for name in tallies}
    for vote in votes:
        if vote.choice != "pass":
            seen[vote.statement][vote.choice == "disagree"] += 1
    return [
        f"{name}: the file says {said[0]} agrees and {said[1]} disagrees; its votes are "
        f"{seen[name][0]} and {seen[name][1]}"
        for name, said in tallies.items()
        if said != tuple(seen[name])
    ]


def _whole(text: str, path: Path, line: int) -> int:
    try:
        return int(text)
    except ValueError:
        raise DataError(f"expected a whole number, found {text!r}", path=path, line=line) from None
