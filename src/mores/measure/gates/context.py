"""What every gate is told: study, model, arms, and whether earlier results are still current."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mores import step as steps
from mores import store
from mores.measure.gates.result import GateName
from mores.measure.gates.verdict import Subject
from mores.records import TUNED_ARMS, Arm
from mores.sample.run import COMPLETIONS
from mores.study import GatesConfig, ModelSpec, Study, folders
from mores.study.arms import ArmKey, arm_keys
from mores.tune.run import tuned_manifest

TESTED: Arm = "values_targeted"
"""The arm that would be put to use; the control only serves for comparison."""
REFERENCES: tuple[Arm, ...] = ("base", "control")
STEP = "gates"


@dataclass(frozen=True)
class Context:
    """One model of a study."""

    study: Study
    spec: ModelSpec
    model_digest: str

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

    @cached_property
    def keys(self) -> list[ArmKey]:
        """Base and tuned arms. In-context arms run on the base weights: nothing to measure."""
        config = self.study.config
        return [
            key
            for key in arm_keys(config.arms, config.train_seeds)
            if key.arm == "base" or key.arm in TUNED_ARMS
        ]

    @cached_property
    def arm_digests(self) -> dict[str, str]:
        """Digest of each tuned arm's weights.

        Raises:
            ModelError: an arm has not been tuned, or on other data than the study now holds.
        """
        return {
            key.name: store.digest(tuned_manifest(self.study, self.spec, key).outputs)
            for key in self.keys
            if key.arm in TUNED_ARMS
        }

    def subject(self, name: GateName, reference: Arm, part: str = "") -> Subject:
        """Name a result."""
        return Subject(name, self.spec.name, TESTED, reference, part)

    def weights_differ(self, folder: Path) -> str:
        """Why a step's results are not of the weights that are there now, or nothing."""
        manifest = steps.read_manifest(folder)
        if manifest is None:
            return "has not run"
        now = {"model": self.model_digest, **self.arm_digests}
        changed = [name for name, digest in now.items() if manifest.inputs.get(name) != digest]
        return f"was run on other weights ({', '.join(changed)}): run it again" if changed else ""

    def texts_differ(self, folder: Path, step: str) -> str:
        """Why a measure is not of the completions that are there now, or nothing."""
        manifest = steps.read_manifest(folder)
        if manifest is None:
            return "has not run"
        path = self.folder / step / COMPLETIONS
        if not path.exists() or manifest.inputs.get("completions") != store.digest_file(path):
            return "was run on other completions than those here: run it again"
        why = self.weights_differ(path.parent)
        return f"is of completions whose sampling {why}" if why else ""
