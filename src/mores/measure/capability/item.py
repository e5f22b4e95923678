"""What one arm made of one capability item."""

from __future__ import annotations

from mores.records import Arm, Record


class TaskItem(Record, frozen=True, kw_only=True):
    """Result of one capability item for one arm."""

    task: str
    item_id: str
    model: str
    arm: Arm
    seed: int
    value: float | None
    """1 or 0 for accuracy tasks, bits per byte for text tasks."""
    logprob: float | None = None
    """Log-probability of the right answer in nats."""
    reason: str = ""
