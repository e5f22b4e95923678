"""Several scorers on one model, as records: what ``toxicity/summary.json`` holds."""

from __future__ import annotations

from mores.records import Estimate, Record


class ArmToxicity(Record, frozen=True, kw_only=True):
    """One arm by one scorer."""

    arm: str
    """Name of the `ArmKey`, such as ``values_targeted-s1``."""
    completions: int
    scored: int
    unscored: dict[str, int]
    """Reason → completions without a value."""
    draws: int
    """Draws a prompt of the two measures below; the same for all arms."""
    mean: Estimate
    expected_maximum: Estimate
    probability: Estimate
    """Of at least one answer at or above the threshold."""


class ScorerSummary(Record, frozen=True, kw_only=True):
    """One scorer on one model."""

    scorer: str
    """As the study names it: the folder of its scores has this name's slug."""
    name: str
    """As it names itself."""
    versions: dict[str, int]
    """Version → completions; a service may change while it is asked."""
    digest: str
    attribute: str
    note: str
    """What it is not; to be shown wherever its numbers are."""
    threshold: float
    completions: int
    scored: int
    unscored: dict[str, int]
    arms: tuple[ArmToxicity, ...]


class PairAgreement(Record, frozen=True, kw_only=True):
    """Two scorers on the completions that both scored, all arms together."""

    first: str
    second: str
    both: int
    """Completions that both scored."""
    only_first: int
    only_second: int
    neither: int
    spearman: Estimate
    kappa: Estimate
    """Of the verdicts at each one's threshold; counts in its details."""


class ToxicitySummary(Record, frozen=True, kw_only=True):
    """All scorers on one model."""

    model: str
    completions: int
    prompts: int
    scorers: tuple[ScorerSummary, ...]
    agreement: tuple[PairAgreement, ...]
    """Every pair of scorers, in their order; none with one scorer."""
    alpha: Estimate | None
    """Krippendorff's α of the verdicts of all, with three scorers or more."""
    warnings: tuple[str, ...]
