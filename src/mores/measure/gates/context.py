"""What every gate is told: study, model, arms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mores.measure.gates.result import GateName
from mores.measure.gates.verdict import Subject
from mores.records import Arm
from mores.study import ArmKey, GatesConfig, ModelSpec, Study, folders
from mores.tune.run import tuned_keys

TESTED: Arm = "values_targeted"
"""The arm that would be put to use; the control only serves for comparison."""
REFERENCES: tuple[Arm, ...] = ("base", "control")
STEP = "gates"


@dataclass(frozen=True)
class Context:
    """One model of a study."""

    study: Study
    spec: ModelSpec

    @property
    def config(self) -> GatesConfig:
        """Settings and margins."""
        return self.study.config.gates

    @property
    def folder(self) -> Path:
        """Everything of the model."""
        return folders.model_folder(self.study, self.spec.name)

    @property
    def references(self) -> tuple[Arm, ...]:
        """Base, and control where the study has one; none without a tested arm."""
        arms = self.study.config.arms
        return tuple(r for r in REFERENCES if r in arms) if TESTED in arms else ()

    @property
    def asks_harms(self) -> bool:
        """Whether the harms of narrow tuning are asked about: there must be a tuned arm."""
        return self.config.harms and bool(self.references)

    @cached_property
    def keys(self) -> list[ArmKey]:
        """Base and tuned arms. In-context arms run on the base weights: nothing to measure."""
        return [ArmKey("base", 0), *tuned_keys(self.study)]

    def subject(self, name: GateName, reference: Arm, part: str = "") -> Subject:
        """Name a result."""
        return Subject(name, self.spec.name, TESTED, reference, part)
