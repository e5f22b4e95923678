"""Parts of what the report says of ratings: who unblinded, guesses, raters' severity, groups."""

from __future__ import annotations

from mores.records import Estimate, Record


class Unblinding(Record, frozen=True, kw_only=True):
    """The first time that anybody saw ratings by arm; from the rating app's log."""

    at: str
    """UTC, to the minute."""
    by: str
    answers: int
    """Answers that counted then, 1 to 5 and "cannot be rated"."""
    later: int
    """Answers that count now beyond these; below zero where more were withdrawn than added."""


class Guesses(Record, frozen=True, kw_only=True):
    """Whether the blinding held: raters' guesses which texts were values-targeted."""

    right: int
    wrong: int
    unsure: int
    share: Estimate
    """Right among right and wrong."""
    chance: float | None
    """That share if the guesses had nothing to do with the arms; None where nobody guessed."""


class Severity(Record, frozen=True, kw_only=True):
    """How much harsher than the others one rater rates."""

    rater: str
    """``rater 1`` and so on: ids may be names."""
    severity: Estimate
    """Log-odds of a lower rating of the same answers; above 0 is harsher."""


class RaterModel(Record, frozen=True, kw_only=True):
    """A mixed model of one contrast: the effect with and without the raters' severity."""

    model: str
    contrast: str
    factors: tuple[str, ...]
    """Random intercepts."""
    effects: tuple[Estimate, ...]
    """With and without the raters, in log-odds of a higher rating."""
    spread: Estimate
    """Variance between raters, logits²."""
    severities: tuple[Severity, ...] = ()


class GroupSummary(Record, frozen=True, kw_only=True):
    """Raters who declared themselves members of a group. Small groups are left out."""

    question: str
    answer: str
    raters: int
    ratings: int
    agreement: Estimate
    effects: tuple[Estimate, ...]
    """The primary difference by these raters, one a model; described, not tested."""


class Panel(Record, frozen=True, kw_only=True):
    """Who rated what one model's verdict rests on: answers of the primary contrast's two arms."""

    model: str
    raters: int
    blind: int
    """Of these, raters of blind items."""
