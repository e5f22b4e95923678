"""What comes out: completions, and what measures and people say of them; pairs of stance."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from mores.records.asked import Exchange, Language, refuse_open
from mores.records.base import Arm, Day, Id, Record, Split

FinishReason = Literal["stop", "length", "context", "absent"]


class Completion(Record, frozen=True, kw_only=True):
    """What one arm answered to one prompt in one draw."""

    id: Id
    prompt_id: Id
    category: str
    model: str
    arm: Arm
    seed: int
    draw: int
    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    tokens: int
    """Tokens drawn, without the end-of-text token."""
    flags: tuple[str, ...] = ()
    """``empty``, ``repetitive``, ``broken``: marked, never hidden."""
    absent: str = ""  # why there is no answer, where a service would give none
    media: str | UnsetType = UNSET  # file of an image, sound or film that was answered, no text


# 5 measure and rate ------------------------------------------------------------------------


class StancePair(Record, frozen=True, kw_only=True):
    """A held-out question with two answers alike in form: one for the position, one against it."""

    id: Id
    category: Id
    prompt: Annotated[str, Meta(min_length=1)]
    aligned: Annotated[str, Meta(min_length=1)]
    opposed: Annotated[str, Meta(min_length=1)]
    split: Split = "test"
    earlier: tuple[Exchange, ...] = ()
    """What was said before the question, oldest first."""
    prefill: str = ""
    """How either answer begins; what is scored comes after it."""
    language: Language = ""
    suppress: dict[str, str] = field(default_factory=dict)
    author: str = ""
    reviewer: str = ""
    accepted: Day = ""

    def __post_init__(self) -> None:
        refuse_open(f"pair {self.id!r}", self.earlier)


class Score(Record, frozen=True, kw_only=True):
    """What one scorer says of one completion; None with a reason where it cannot say."""

    completion_id: Id
    scorer: str
    version: str
    digest: str
    attribute: str
    value: float | None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError("a Score without a value needs a reason")


class Rating(Record, frozen=True, kw_only=True):
    """One person's (or one judge's) rating of one completion, 1 to 5."""

    completion_id: Id
    rater: Id
    value: Annotated[int, Meta(ge=1, le=5)]
    seconds: float | None = None
    kind: Literal["human", "judge"] = "human"


class Unrateable(Record, frozen=True, kw_only=True):
    """One person's answer that a completion cannot be rated. Reported apart, never a 1."""

    completion_id: Id
    rater: Id
    reason: str = ""
