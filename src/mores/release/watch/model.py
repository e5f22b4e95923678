"""What one look at the traffic of an arm found. Scores and counts only: no text is kept."""

from __future__ import annotations

from typing import Literal

from mores.records import Record


class Side(Record, frozen=True, kw_only=True):
    """One measure on one side: of the study's answers, or of the traffic's."""

    answers: int
    """With a value."""
    absent: int
    """Without one: not English, nothing to read. Never counted as harmless."""
    mean: float | None
    """Of a share: the share. None where no answer has a value."""
    low: float | None
    """First quartile; of a share None."""
    high: float | None
    """Third quartile."""


class Compared(Record, frozen=True, kw_only=True):
    """One measure, the study's answers beside the traffic's."""

    measure: str
    kind: Literal["share", "number"]
    study: Side
    traffic: Side
    above: float | None
    """Probability that an answer of the traffic has more of it than one of the study, ties counted
    half; of a share the difference of shares instead."""
    p: float | None
    p_adjusted: float | None
    """Holm's, over the measures of this look."""
    out: bool
    """Whether p_adjusted is at most what this look may spend."""
    method: str
    reason: str = ""
    """Why it could not be compared."""


class Look(Record, frozen=True, kw_only=True):
    """One look: what was seen, what was compared, what it spent."""

    number: int
    when: str
    """UTC, ISO 8601."""
    source: Literal["log", "endpoint"]
    log: str
    """Digest of the log; empty of an endpoint."""
    rows: int
    """Lines of the log, or prompts put to the endpoint."""
    without: int
    """Of them, those without an answer."""
    sampled: int
    """Drawn from those with an answer."""
    compared: int
    """Of the sample: one answer for each question that differs."""
    known: int | None
    """Of those: whose question is one of the study's. None where no question is known."""
    alpha: float
    """Chance of any false alarm over the whole watch, whatever the number of looks."""
    spends: float
    """Of it in this look: alpha / (number · (number + 1))."""
    reference: str
    """Digest of the study's answers and of what scores them."""
    measures: tuple[Compared, ...]
    out: bool


class Watched(Record, frozen=True, kw_only=True):
    """A look, and the watch that it belongs to."""

    study: str
    model: str
    arm: str
    look: Look
    alarms: tuple[int, ...]
    """Looks of this watch that left the range, this one included."""
    repeated: bool
    """This log had been looked at: what was found then is told again, and nothing is spent."""
    left_out: dict[str, str]
    """Measures of the study that were not taken here, with the reason."""
    limits: tuple[str, ...]
    """What this does not show."""
