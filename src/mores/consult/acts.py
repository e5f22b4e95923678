"""What a page shows and does: list statements, vote, propose, moderate, withdraw.

    answers = voted(answers, consultation, vote)
    answers = withdrawn(answers, "p-3f9a")

The functions take `Answers` and give `Answers`: where they are kept meanwhile (a database, memory)
is the caller's business. Who keeps rows in a database checks one row with `sound_vote` or
`sound_proposal`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from mores import store
from mores.consult.answers import Answers, latest
from mores.consult.model import (
    Consultation,
    Participant,
    Proposal,
    Statement,
    Vote,
    wording_of,
)
from mores.errors import DataError, did_you_mean


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


def sound_vote(
    consultation: Consultation,
    proposals: Sequence[Proposal],
    vote: Vote,
    *,
    shown: str | None = None,
) -> Vote:
    """Return a vote that can be kept: with the wording that it is on.

    Args:
        consultation: what is asked, as it is now.
        proposals: of participants, for those that are accepted.
        vote: its ``wording`` may be empty; it is then that of now.
        shown: digest of the wording that the page showed; None where it is ``vote.wording``.

    Raises:
        DataError: a statement that is not asked (any more); another wording than was shown; a
            reason that is too long or no text. The page then keeps what was typed.
    """
    _readable(vote, Vote)
    by_id = {s.id: s for s in statements_of(consultation, proposals)}
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
    return replace(vote, wording=now)


def voted(
    answers: Answers, consultation: Consultation, vote: Vote, *, shown: str | None = None
) -> Answers:
    """Add a vote; an earlier one of this participant on this statement no longer counts.

    Raises:
        DataError: no such participant, or one who withdrew; what `sound_vote` refuses.
    """
    _present(answers, vote.participant)
    sound = sound_vote(consultation, answers.proposals, vote, shown=shown)
    return replace(answers, votes=tuple(latest([*answers.votes, sound])))


def sound_proposal(
    consultation: Consultation, proposals: Sequence[Proposal], proposal: Proposal
) -> Proposal:
    """Return a proposal that can be kept: it waits for a moderator, whatever its state says.

    Raises:
        DataError: an id that is taken, words that are asked already, a text that is empty, too
            long or no text.
    """
    _readable(proposal, Proposal)
    names = {s.id for s in consultation.statements} | {p.id for p in proposals}
    if proposal.id in names:
        where = f"proposal {proposal.id!r}"
        raise DataError("this id is taken", where=where, fix="draw another one")
    statements = statements_of(consultation, proposals)
    same = next((s for s in statements if plain(s.text) == plain(proposal.text)), None)
    if same is not None:
        raise DataError(
            "this is asked already", where=f"statement {same.id!r}", fix="vote on it instead"
        )
    return replace(proposal, state="pending", moderator="", decided="", reason="")


def proposed(answers: Answers, consultation: Consultation, proposal: Proposal) -> Answers:
    """Add a proposal.

    Raises:
        DataError: no such participant, or one who withdrew; what `sound_proposal` refuses.
    """
    _present(answers, proposal.participant)
    sound = sound_proposal(consultation, answers.proposals, proposal)
    return replace(answers, proposals=(*answers.proposals, sound))


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


def _readable(record: Vote | Proposal, kind: type[Vote | Proposal]) -> None:
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
