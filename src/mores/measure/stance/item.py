"""What one arm makes of one pair: the rows of a study's stance results."""

from __future__ import annotations

from mores.records import Arm, Id, Record, Split


class StanceItem(Record, frozen=True, kw_only=True):
    """How likely one arm finds the answers of a pair; None with a reason where it cannot say."""

    pair_id: Id
    category: str
    split: Split
    model: str
    arm: Arm
    seed: int
    aligned: float | None
    """Mean log-likelihood of the answer's tokens, in nats a token."""
    opposed: float | None
    reason: str = ""

    @property
    def margin(self) -> float | None:
        """Aligned minus opposed, in nats a token: above 0 the position is the likelier answer."""
        if self.aligned is None or self.opposed is None:
            return None
        return self.aligned - self.opposed
