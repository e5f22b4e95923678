"""What a report holds of a language model's ratings: the record, as it stands in report.json."""

from __future__ import annotations

from msgspec import field

from mores.records import Estimate, Record


class JudgeSummary(Record, frozen=True, kw_only=True):
    """Ratings by one language model on one base model; in no figure of people's ratings."""

    judge: str
    model: str
    ratings: int
    means: dict[str, float | None]
    """Arm name → mean of its ratings."""
    differences: tuple[Estimate, ...]
    """By contrast, overall. Of the judge's opinion, so without a verdict on the answers."""
    stand_in: Estimate
    """Alternative annotator test: may it take a rater's place?"""
    powered: Estimate
    """People's primary difference, sharpened by the judge where people rated a part."""
    family: str = ""
    """Whose model it is, as study.toml says; not known of imported ratings."""
    consistency: Estimate | None = None
    """Share of texts, of all models, that both orders rate alike within one point; None where the
    ratings were imported."""
    absent: dict[str, int] = field(default_factory=dict)
    """Arm name → answers that the judge gave no rating."""
    pass_rates: tuple[Estimate, ...] = ()
    """For each arm the share rated 4 or 5: as the judge says, and corrected for its errors."""
