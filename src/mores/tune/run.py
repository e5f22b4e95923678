"""A study → tuned arms, each in its folder with manifest and log. Done arms are kept.

for arm in tune(study):
    print(arm.ref.arm, arm.folder)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import ModelError
from mores.execute import alone
from mores.progress import Progress
from mores.records import TUNED_ARMS, ModelRef, to_plain
from mores.step import Step, outputs_digest, read_manifest, recorded, stale
from mores.study import ArmKey, ModelSpec, Study, arm_keys, folders
from mores.study.content import samples_digest
from mores.tune.base import base_of
from mores.tune.checkpoint import CHECKPOINT
from mores.tune.rejected import rejected_digest
from mores.tune.tuner import LOG, TuneJob, tuner_of
from mores.weights.neutral import neutral_digest
from mores.weights.resolve import ResolvedModel


@dataclass(frozen=True)
class TunedArm:
    """One tuned arm on disk."""

    key: ArmKey
    ref: ModelRef
    folder: Path
    log: list[dict[str, Any]]


def tune(study: Study, *, progress: Progress | None = None) -> list[TunedArm]:
    """Tune the arms that have weights of their own: those not done, or gone stale.

    Args:
        study: gives models, samples and recipe.
        progress: where to show how far it is.

    Raises:
        DataError: a sample is longer than the model's context.
        ModelError: a model cannot be found or loaded.
        TuneError: the run diverged.
        StoreError: the weights could not be written, or another process is at work here.
    """
    from mores.weights.kept import keeping

    progress = progress or Progress(quiet=True)
    tuned = []
    with alone(study.run_folder), keeping():
        for spec in study.config.models:
            resolved = base_of(spec, progress.say)
            for key in tuned_keys(study):
                tuned.append(tune_arm(study, spec, resolved, key, progress=progress))
    return tuned


def tuned_keys(study: Study) -> list[ArmKey]:
    """The arms that have weights of their own, once for each training seed."""
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    return [key for key in keys if key.arm in TUNED_ARMS]


def tune_step(study: Study, spec: ModelSpec, key: ArmKey, base: str | None = None) -> Step:
    """What one arm is tuned from.

    Args:
        study: gives samples and recipe.
        spec: the base model's entry in study.toml.
        key: arm and training seed.
        base: digest of the base model; None where it is not looked at.
    """
    folder = folders.tune_folder(study, spec.name, key)
    before = recorded(folder, "dataset")
    return Step(
        "tune",
        folder,
        inputs={
            "model": base,
            "dataset": samples_digest(study.dataset(key.arm).examples, [before]),
            **({"anchor": neutral_digest()} if study.config.recipe.anchor else {}),
            **_named_there(spec, key),
            **({"rejected": rejected_digest(study, spec)} if key.arm == "preference" else {}),
        },
        config={
            "recipe": to_plain(study.config.recipe_of(spec, key.arm)),
            "format": spec.format,
            **_tuner_settings(spec),
        },
        seed=key.seed,
        label=f"tune {key.name}",
        log=study.run_folder,
    )


def _named_there(spec: ModelSpec, key: ArmKey) -> dict[str, str]:
    """What an arm that was tuned before goes by: another name is another arm."""
    if spec.tuner != "none" or spec.endpoint is None:
        return {}
    served = spec.endpoint.served
    return {"served": store.digest(served.get(key.name) or served.get(key.arm))}


def _tuner_settings(spec: ModelSpec) -> dict[str, Any]:
    """What of a model's tuner decides its weights; nothing for the usual one."""
    if spec.tuner == "torch":
        return {}
    settings: dict[str, Any] = {"tuner": spec.tuner}
    if spec.host is not None:
        settings["host"] = {
            "url": spec.host.url,
            "model": spec.host.model,
            "profile": spec.host.profile,
            "learning_rate_multiplier": spec.host.learning_rate_multiplier,
        }
    return settings


def tune_arm(
    study: Study,
    spec: ModelSpec,
    resolved: ResolvedModel,
    key: ArmKey,
    *,
    progress: Progress,
) -> TunedArm:
    """Tune one arm, or return it where it is done and current; see `tune` for what it raises."""
    step = tune_step(study, spec, key, resolved.digest)
    job = TuneJob(study, spec, resolved, key, step.folder, progress)
    manifest = step.run(lambda: tuner_of(spec.tuner)(job), say=progress.say)
    # A kill right after the manifest was written leaves the checkpoint behind.
    (step.folder / CHECKPOINT).unlink(missing_ok=True)
    ref = ModelRef(
        model=spec.name,
        arm=key.arm,
        seed=key.seed,
        parameters=int(manifest.facts.get("parameters", 0)),
        location=str(step.folder.relative_to(study.run_folder)),
        digest=step.digest(),
    )
    log = [row for _, row in store.read_rows(step.folder / LOG)]
    return TunedArm(key, ref, step.folder, log)


# For the steps that use the weights ----------------------------------------------------------


def tuned_folders(study: Study, spec: ModelSpec, say: store.Say) -> dict[str, Path]:
    """Return the folder of every tuned arm's weights, by the arm's name.

    Args:
        study: gives samples and recipe.
        spec: the base model's entry in study.toml.
        say: where to name arms that were tuned in another way than the study now asks for.

    Raises:
        ModelError: an arm has not been tuned, on other samples than the study now holds, or in
            another way than the other arms: then they could not be compared.
    """
    steps = {key.name: tune_step(study, spec, key) for key in tuned_keys(study)}
    for name, step in steps.items():
        why = "has not been tuned" if step.manifest is None else ""
        if step.manifest and step.manifest.inputs.get("dataset") != step.inputs["dataset"]:
            why = "was tuned on samples that have changed since"
        if why:
            raise _not_usable(study, step, f"arm {name} {why}")
    ways = {
        store.digest(step.manifest.config): name
        for name, step in steps.items()
        # Tuned in another way by design.
        if step.manifest and not name.startswith("preference")
    }
    if len(ways) > 1:
        one, other, *_ = ways.values()
        raise _not_usable(study, steps[one], f"arms {one} and {other} were tuned in different ways")
    for name, step in steps.items():
        if changed := stale(step.manifest, step.inputs, step.config):
            say(f"{spec.name} {name}: {changed} since it was tuned")
    return {name: step.folder for name, step in steps.items()}


def _not_usable(study: Study, step: Step, what: str) -> ModelError:
    fix = f"run `mores tune {study.folder}` first, or `mores run` for all steps"
    return ModelError(what, path=step.folder, fix=fix)


def weight_digests(study: Study, spec: ModelSpec) -> dict[str, str]:
    """Digest of every tuned arm's weights by its name, ``absent`` where it has not been tuned."""
    return {
        key.name: outputs_digest(folders.tune_folder(study, spec.name, key))
        for key in tuned_keys(study)
    }


def known_base(study: Study, spec: ModelSpec) -> str | None:
    """Digest of the base model that the arms were tuned from; None where none has been.

    For readers of results: the weights themselves are not looked at.
    """
    manifests = (read_manifest(folders.tune_folder(study, spec.name, k)) for k in tuned_keys(study))
    return next((m.inputs.get("model") for m in manifests if m is not None), None)


def outdated_arms(study: Study) -> dict[str, str]:
    """Tuned arms, by model and name, that are not of the study's samples, recipe or format now.

    Returns:
        Name → what changed; empty where every arm that has been tuned is current.
    """
    outdated = {}
    for spec in study.config.models:
        for key in tuned_keys(study):
            step = tune_step(study, spec, key)
            if step.manifest and (why := step.changed()):
                outdated[f"{spec.name} {key.name}"] = why
    return outdated
