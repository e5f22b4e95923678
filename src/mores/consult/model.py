"""What a consultation is made of: what people are asked (consult.toml), and what they answered.

    consult.toml                Consultation: texts, Questions about oneself, Statements
    consult/participants.jsonl  Participant: what somebody declared, and to what they agreed
    consult/votes.jsonl         Vote: one answer of one participant to one wording
    consult/proposals.jsonl     Proposal: a statement that a participant wrote, and its moderation
    consult/opened.json         Opened: the target table as it stood when the first people came

A participant is a pseudonym; who it is stands in none of these files.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from mores import store
from mores.records import Count, Id, Positive, Record

FOLDER = "consult"
FILE = "consult.toml"
PARTICIPANTS, VOTES, PROPOSALS = "participants.jsonl", "votes.jsonl", "proposals.jsonl"
OPENED = "opened.json"

LEAST_CELL = 5
"""Answers of fewer people than this are never shown by themselves; a study may ask for more."""

Kind = Literal["position", "clause", "example_answer", "wording", "proposal"]
"""``wording`` with a rival asks which of two is better; ``proposal`` comes from a participant."""
Choice = Literal["agree", "disagree", "pass"]
Moderation = Literal["pending", "accepted", "rejected"]
Text = Annotated[str, Meta(min_length=1, max_length=4000)]
Reason = Annotated[str, Meta(max_length=4000)]
Amount = Annotated[float, Meta(ge=0.0)]


# What is asked -------------------------------------------------------------------------------


class Support(Record, frozen=True, kw_only=True):
    """A line to somebody who helps, shown on every page."""

    name: Text
    contact: Text


class Question(Record, frozen=True, kw_only=True):
    """One voluntary question about oneself; each option is a group."""

    id: Id
    text: Text
    options: Annotated[tuple[Text, ...], Meta(min_length=2)]
    target: dict[str, Amount] = field(default_factory=dict)
    """Option → who should be heard, stated before anybody answers; empty where nobody said."""
    target_unit: Literal["share", "count"] = "share"
    """Shares of all who take part (0 to 1), or numbers of people."""
    invited: dict[str, Count] = field(default_factory=dict)
    """Option → people who were invited, where that is known."""


class Statement(Record, frozen=True, kw_only=True):
    """Something to agree or disagree with."""

    id: Id
    text: Text
    about: str = ""
    """Category of the position that it is about; empty only for what participants proposed."""
    clause: Positive | None = None
    """Which clause of the position, counted from 1."""
    kind: Kind = "position"
    language: str = ""
    """Of the text; empty: the consultation's."""
    against: str = ""
    """``wording``: id of the rival. Agree is then for this wording, disagree for the rival."""
    notices: tuple[Text, ...] = ()
    """What it touches on, shown before it."""
    withdrawn: str = ""
    """Why it is not asked any more; votes on it are set apart."""


class Consultation(Record, frozen=True, kw_only=True):
    """consult.toml: who is asked what, and what they are told first."""

    title: Text
    version: str = "1.0.0"
    language: str = "en"
    intro: str = ""
    """What this is for, in a few lines."""
    consent: str = ""
    """What somebody agrees to by taking part."""
    retention: str = ""
    """What is kept for how long, and how to have it deleted."""
    notices: tuple[Text, ...] = ()
    """Content notices shown before consent is given."""
    support: tuple[Support, ...] = ()
    open_link: bool = False
    """Whether anybody with the link may take part, besides who is invited."""
    invited: Count | None = None
    """People invited in all; None where nobody kept count."""
    min_cell: Annotated[int, Meta(ge=LEAST_CELL)] = LEAST_CELL
    questions: tuple[Question, ...] = ()
    statements: tuple[Statement, ...] = ()

    def statement(self, name: str) -> Statement | None:
        """Return the statement of an id, or None."""
        return next((s for s in self.statements if s.id == name), None)


def wording_of(statement: Statement, statements: tuple[Statement, ...]) -> str:
    """Return the digest of what a participant reads: the text, its language, and its rival's text.

    Args:
        statement: what is voted on.
        statements: all of the consultation, for the rival.
    """
    rival = next((s.text for s in statements if s.id == statement.against), "")
    return store.digest([statement.language, statement.text, rival])


# What people answered ------------------------------------------------------------------------


class Participant(Record, frozen=True, kw_only=True):
    """Somebody who agreed to take part."""

    id: Id
    """A pseudonym, drawn at random."""
    joined: str
    """UTC, ISO 8601, to the day at least."""
    by: Literal["invitation", "open link", "import"] = "invitation"
    declared: dict[str, str] = field(default_factory=dict)
    """Id of a question → option; a question without an answer is not in it."""
    withdrawn: bool = False
    """Asked to be taken out: of such a participant this line is all that is kept."""


class Vote(Record, frozen=True, kw_only=True):
    """One answer. A later line of the same participant on the same statement replaces it."""

    participant: Id
    statement: Id
    wording: str
    """`wording_of` what was on the page: a vote counts for that wording alone."""
    choice: Choice
    why: Reason = ""
    quote: bool = False
    """Whether ``why`` may be printed, without a name."""
    time: str = ""
    """UTC, ISO 8601."""


class Proposal(Record, frozen=True, kw_only=True):
    """A statement that a participant proposed."""

    id: Id
    participant: Id
    text: Text
    language: str = ""
    about: str = ""
    """Category of a position, or empty."""
    time: str = ""
    state: Moderation = "pending"
    """Only accepted ones are asked."""
    moderator: str = ""
    decided: str = ""
    """When; UTC, ISO 8601."""
    reason: str = ""
    """Why it was rejected."""


class Opened(Record, frozen=True, kw_only=True):
    """The target table when the consultation opened: what is stated later is not stated before."""

    time: str
    targets: dict[str, dict[str, float]]
    """Question → option → target."""
    invited: int | None
