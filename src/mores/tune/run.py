"""A study → tuned arms, each in its folder with manifest and log. Done arms are kept.

for arm in tune(study):
    print(arm.ref.arm, arm.folder)
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mores import step as steps
from mores import store
from mores.errors import ModelError
from mores.progress import Progress, duration
from mores.records import TUNED_ARMS, Manifest, ModelRef
from mores.study import ModelSpec, Study, folders
from mores.study.arms import ArmKey, arm_keys
from mores.tune.checkpoint import CHECKPOINT
from mores.tune.encode import encode_dataset, preview

if TYPE_CHECKING:
    from mores.weights.resolved import ResolvedModel

LOG = "log.jsonl"


@dataclass(frozen=True)
class TunedArm:
    """One tuned arm on disk."""

    key: ArmKey
    ref: ModelRef
    folder: Path
    log: list[dict[str, Any]]


def tune(study: Study, *, progress: Progress | None = None) -> list[TunedArm]:
    """Tune every arm of every model and seed that is not done or has gone stale.

    Raises:
        ModelError, DataError, TuneError, StoreError: see `tune_arm`.
    """
    from mores.weights.resolve import resolve

    progress = progress or Progress(quiet=True)
    tuned = []
    for spec in study.config.models:
        resolved = resolve(spec.name, say=progress.say)
        for key in arm_keys(study.config.arms, study.config.train_seeds):
            if key.arm in TUNED_ARMS:
                tuned.append(tune_arm(study, spec, resolved, key, progress=progress))
    return tuned


def tune_arm(
    study: Study,
    spec: ModelSpec,
    resolved: ResolvedModel,
    key: ArmKey,
    *,
    progress: Progress,
) -> TunedArm:
    """Tune one arm, or return it where it is done and current.

    Args:
        study: gives the data and the recipe.
        spec: the base model's entry in study.toml.
        resolved: where its weights are.
        key: arm and training seed.
        progress: where to show how far it is.

    Raises:
        DataError: a sample is longer than the model's context.
        ModelError: the model cannot be loaded.
        TuneError: the run diverged.
        StoreError: the weights could not be written.
    """
    folder = folders.tune_folder(study, spec.name, key)
    dataset = study.dataset(key.arm)
    inputs = {"model": resolved.digest, "dataset": store.digest(dataset.examples)}
    config = {"recipe": msgspec.to_builtins(study.config.recipe_of(spec)), "format": spec.format}
    why = folders.outdated(folder, inputs, config)
    if why is None:
        manifest = steps.read_manifest(folder)
        assert manifest is not None
        # A kill right after the manifest was written leaves the checkpoint behind.
        (folder / CHECKPOINT).unlink(missing_ok=True)
        progress.say(f"tune {key.name}: done before, nothing changed")
    else:
        progress.say(f"tune {key.name}: {why}")
        manifest = _train(study, spec, resolved, key, folder, inputs, config, progress)
    ref = ModelRef(
        model=spec.name,
        arm=key.arm,
        seed=key.seed,
        parameters=int(manifest.facts.get("parameters", 0)),
        location=str(folder.relative_to(study.run_folder)),
        digest=store.digest(manifest.outputs),
    )
    return TunedArm(key, ref, folder, [row for _, row in store.read_rows(folder / LOG)])


def tuned_manifest(study: Study, spec: ModelSpec, key: ArmKey) -> Manifest:
    """Return a tuned arm's manifest, for the steps that use its weights.

    Raises:
        ModelError: the arm has not been tuned, or on other data than the study now holds.
    """
    folder = folders.tune_folder(study, spec.name, key)
    manifest = steps.read_manifest(folder)
    why = "has not been tuned"
    if manifest is not None:
        if _of_these_samples(manifest, study, key):
            return manifest
        why = "was tuned on samples that have changed since"
    raise ModelError(
        f"arm {key.name} {why}",
        path=folder,
        fix=f"run `mores tune {study.folder}` first, or `mores run` for all steps",
    )


def changed_since_tuning(study: Study) -> list[str]:
    """Return the tuned arms, with their model, whose samples are no longer those of the study."""
    return [
        f"{spec.name} {key.name}"
        for spec in study.config.models
        for key in arm_keys(study.config.arms, study.config.train_seeds)
        if key.arm in TUNED_ARMS
        and (manifest := steps.read_manifest(folders.tune_folder(study, spec.name, key)))
        and not _of_these_samples(manifest, study, key)
    ]


def _of_these_samples(manifest: Manifest, study: Study, key: ArmKey) -> bool:
    return manifest.inputs.get("dataset") == store.digest(study.dataset(key.arm).examples)


def _train(
    study: Study,
    spec: ModelSpec,
    resolved: ResolvedModel,
    key: ArmKey,
    folder: Path,
    inputs: dict[str, str],
    config: dict[str, Any],
    progress: Progress,
) -> Manifest:
    from mores.tune.adapters import save_tuned
    from mores.tune.loop import fit
    from mores.weights.load import load
    from mores.weights.machine import peak_memory_gb, set_threads

    recipe = study.config.recipe_of(spec)
    set_threads()
    _clear(folder)
    loaded = load(resolved, dtype=recipe.dtype)
    samples = encode_dataset(loaded, study.dataset(key.arm), spec.format)
    progress.say(preview(loaded, samples[0], recipe.prompt_weight))
    task = progress.task(f"tune {key.name}", 1.0, "")

    def on_step(step: int, steps: int, row: dict[str, Any]) -> None:
        if not task.done:
            task.resume((step - 1) / steps)
        task.reach(step / steps, f"step {step}/{steps}  loss {row['loss']:.3f}")

    start = time.perf_counter()
    result = fit(loaded, samples, recipe, seed=key.seed, folder=folder, on_step=on_step)
    task.finish()
    outputs = save_tuned(loaded, recipe, folder, spec.name)
    store.write_jsonl(folder / LOG, result.log)
    outputs[LOG] = store.digest_file(folder / LOG)
    manifest = Manifest(
        step="tune",
        inputs=inputs,
        outputs=outputs,
        config=config,
        seed=key.seed,
        versions=steps.versions(),
        facts={
            "parameters": loaded.parameters,
            "tokens": sum(row["tokens"] for row in result.log),
            "held_out": result.held_out,
            "best_epoch": result.best_epoch,
            "stopped_early": result.stopped_early,
        },
    )
    steps.write_manifest(folder, manifest)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    rate = result.tokens / result.seconds if result.seconds else 0.0
    steps.log_timing(
        study.run_folder,
        f"tune {spec.name} {key.name}",
        time.perf_counter() - start,
        tokens=result.tokens,
        tokens_per_second=round(rate, 1),
        peak_memory_gb=round(peak_memory_gb(), 2),
    )
    progress.say(
        f"tune {key.name}: loss {result.log[0]['loss']:.3f} → {result.log[-1]['loss']:.3f}  "
        f"{sparkline([row['loss'] for row in result.log])}  {len(result.log)} steps, "
        f"{rate:.0f} tokens/s, {duration(time.perf_counter() - start)}"
    )
    return manifest


def _clear(folder: Path) -> None:
    """Remove what an earlier configuration left, but not a checkpoint that may fit."""
    for path in folder.glob("*") if folder.exists() else ():
        if path.is_file() and path.name != CHECKPOINT:
            path.unlink()


def sparkline(values: list[float]) -> str:
    """Draw a series as one line of block characters, lowest to highest."""
    if not values:
        return ""
    step = max(1, len(values) // 30)
    shown = values[::step]
    low, high = min(shown), max(shown)
    blocks = "▁▂▃▄▅▆▇█"
    span = (high - low) or 1.0
    return "".join(blocks[min(7, int(8 * (v - low) / span))] for v in shown)
