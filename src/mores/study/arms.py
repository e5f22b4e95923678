"""The arms of a study, and the names that they carry in ids and folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mores.records import TUNED_ARMS, Arm


@dataclass(frozen=True)
class ArmKey:
    """One arm of one training run; seed 0 where nothing is trained."""

    arm: Arm
    seed: int

    @property
    def name(self) -> str:
        """Short name, such as ``values_targeted-s1`` or ``base``."""
        return f"{self.arm}-s{self.seed}" if self.arm in TUNED_ARMS else self.arm

    @property
    def weights(self) -> str:
        """Which weights it runs on: its own name, or ``base``."""
        return self.name if self.arm in TUNED_ARMS else "base"


def arm_keys(arms: Sequence[Arm], train_seeds: Sequence[int]) -> list[ArmKey]:
    """Every arm once for each training seed, or once where nothing is trained."""
    return [
        ArmKey(arm, seed) for arm in arms for seed in (train_seeds if arm in TUNED_ARMS else (0,))
    ]


def slug(name: str) -> str:
    """A model's name as part of ids, folder names and the seeds of random numbers.

    Of a local path only the last part counts, so that moving a model changes nothing.
    """
    local = name.startswith(("/", ".", "~")) or name.endswith(".gguf") or "\\" in name
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1] if local else name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip("-.") or "model"
