"""Which arm of a study is meant: by the names of its model and arm, and its training seed."""

from __future__ import annotations

from mores.errors import StudyError
from mores.study import ArmKey, ModelSpec, Study, arm_keys


def chosen(study: Study, model: str | None, arm: str, seed: int) -> tuple[ModelSpec, ArmKey]:
    """Return a model and an arm of a study by their names.

    Raises:
        StudyError: there is no such model, arm or training seed.
    """
    spec = study.model(model)
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    found = next((k for k in keys if k.arm == arm and seed in (0, k.seed)), None)
    if found is None:
        raise StudyError(
            f"the study has no arm {arm}" + (f" with training seed {seed}" if seed else ""),
            where="--arm",
            fix="arms: " + ", ".join(key.name for key in keys),
        )
    return spec, found
