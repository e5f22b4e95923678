"""What the section of questions asked in other ways holds: variants by kind, and one's own log."""

from __future__ import annotations

from mores.records import Estimate, Record


class RobustKind(Record, frozen=True, kw_only=True):
    """What became of the effect on one measure where questions were asked in one other way."""

    model: str
    measure: str
    kind: str
    """Of variant, with the language where it is another: ``typos``, ``translation (es)``."""
    questions: int
    """That have values in both ways."""
    left_out: int
    """Varied questions that lack a value one way or the other."""
    original: Estimate
    """Values-targeted minus control on these questions as they were asked first."""
    varied: Estimate
    """The same, asked in this way."""
    kept: Estimate
    """The share that is left, its two one-sided bounds, and whether that is most of it."""
    values_original: float | None
    """Mean of the values-targeted arm as asked first."""
    values_varied: float | None


class OwnLog(Record, frozen=True, kw_only=True):
    """What one model's arms did on the prompts of a log."""

    model: str
    rows: int
    left_out: dict[str, int]
    kept_weight: float
    """Share of the log's weight that these prompts stand for."""
    drawn: bool
    prompts: int
    means: tuple[Estimate, ...]
    """Of each measure and arm; ``contrast`` is the arm."""
    differences: tuple[Estimate, ...]
