"""How one completion reads: the rows of a study's coherence results."""

from __future__ import annotations

from mores.records import Id, Record


class CoherenceItem(Record, frozen=True, kw_only=True):
    """Whether one completion can be read, and how likely the base model finds it."""

    completion_id: Id
    mark: str
    """Why it cannot be read, such as ``repetitive``; empty where it can."""
    base_loss: float | None
    """Mean negative log-likelihood of its tokens under base, in nats a token."""
    reason: str = ""
    """Why there is no loss."""
