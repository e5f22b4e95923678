"""A study → tuned arms, each in its folder with manifest and log. Done arms are kept.

for arm in tune(study):
    print(arm.ref.arm, arm.folder)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores import store
from mores.errors import ModelError, TuneError
from mores.progress import Progress, duration
from mores.records import TUNED_ARMS, Completion, ModelRef, to_plain
from mores.step import ABSENT, Made, Step, outputs_digest, read_manifest, stale
from mores.study import ArmKey, ModelSpec, Study, arm_keys, folders
from mores.tune.anchor import anchor_samples
from mores.tune.checkpoint import CHECKPOINT
from mores.tune.encode import encode_dataset, preview
from mores.weights.neutral import neutral_digest

if TYPE_CHECKING:
    from mores.tune.objective import Sample
    from mores.tune.preference import EncodedPair
    from mores.weights.loaded import LoadedModel
    from mores.weights.resolve import ResolvedModel

LOG = "log.jsonl"
REJECTED = "rejected"
"""The step that draws base's own answers to the samples' questions, and its folder."""


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
    from mores.weights.resolve import resolve

    progress = progress or Progress(quiet=True)
    tuned = []
    with store.lock(study.run_folder):
        for spec in study.config.models:
            resolved = resolve(spec.name, say=progress.say)
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
    return Step(
        "tune",
        folders.tune_folder(study, spec.name, key),
        inputs={
            "model": base,
            "dataset": store.digest(study.dataset(key.arm).examples),
            **({"anchor": neutral_digest()} if study.config.recipe.anchor else {}),
            **({"rejected": _rejected_digest(study, spec)} if key.arm == "preference" else {}),
        },
        config={"recipe": to_plain(study.config.recipe_of(spec, key.arm)), "format": spec.format},
        seed=key.seed,
        label=f"tune {key.name}",
        log=study.run_folder,
    )


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
    manifest = step.run(
        lambda: _train(study, spec, resolved, key, step.folder, progress), say=progress.say
    )
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
            if step.manifest and (why := stale(step.manifest, step.inputs, step.config)):
                outdated[f"{spec.name} {key.name}"] = why
    return outdated


# Training ------------------------------------------------------------------------------------


def _train(
    study: Study,
    spec: ModelSpec,
    resolved: ResolvedModel,
    key: ArmKey,
    folder: Path,
    progress: Progress,
) -> Made:
    from mores.tune.adapters import save_tuned
    from mores.tune.loop import fit
    from mores.weights.chat import notes
    from mores.weights.load import load
    from mores.weights.machine import peak_memory_gb, set_threads

    recipe = study.config.recipe_of(spec, key.arm)
    set_threads()
    _clear(folder)
    loaded = load(resolved, dtype=recipe.dtype, say=progress.say)
    if spec.format == "chat":
        for note in notes(loaded.tokenizer):
            progress.say(f"{spec.name}: {note}")
    samples: Sequence[Sample]
    if key.arm == "preference":
        samples = _pairs(study, spec, loaded)
        progress.say(f"{len(samples)} pairs: each sample preferred to base's own answer")
    else:
        answers = encode_dataset(loaded, study.dataset(key.arm), spec.format)
        progress.say(preview(loaded, answers[0], recipe.prompt_weight))
        samples = answers
    task = progress.task(f"tune {key.name}", 1.0, "")

    def on_step(step: int, steps: int, row: dict[str, Any]) -> None:
        if not task.done:
            task.resume((step - 1) / steps)
        task.reach(step / steps, f"step {step}/{steps}  loss {row['loss']:.3f}")

    start = time.perf_counter()
    result = fit(
        loaded,
        samples,
        recipe,
        seed=key.seed,
        neutral=anchor_samples(loaded, spec.format) if recipe.anchor else (),
        folder=folder,
        on_step=on_step,
        say=progress.say,
    )
    task.finish()
    weights = save_tuned(loaded, recipe, folder, spec.name)
    store.write_jsonl(folder / LOG, result.log)
    rate = result.tokens / result.seconds if result.seconds else 0.0
    losses = [row["loss"] for row in result.log]
    progress.say(
        f"tune {key.name}: loss {losses[0]:.3f} → {losses[-1]:.3f}  {sparkline(losses)}  "
        f"{len(losses)} steps, {rate:.0f} tokens/s, {duration(time.perf_counter() - start)}"
    )
    return Made(
        [*weights, LOG],
        facts={
            "parameters": loaded.parameters,
            "trained": result.trained,
            "tokens": sum(row["tokens"] for row in result.log),
            "held_out": result.held_out,
            "best_epoch": result.best_epoch,
            "stopped_early": result.stopped_early,
        },
        timing={
            "model": spec.name,
            "tokens": result.tokens,
            "tokens_per_second": round(rate, 1),
            "peak_memory_gb": round(peak_memory_gb(), 2),
        },
    )


def _rejected_file(study: Study, spec: ModelSpec) -> Path:
    return folders.model_folder(study, spec.name) / REJECTED / "completions.jsonl"


def _rejected_digest(study: Study, spec: ModelSpec) -> str:
    path = _rejected_file(study, spec)
    return store.digest_file(path) if path.exists() else ABSENT


def _pairs(study: Study, spec: ModelSpec, loaded: LoadedModel) -> list[EncodedPair]:
    """The samples with base's own answers, which another room has drawn."""
    from mores.tune.preference import encode_pairs

    path = _rejected_file(study, spec)
    if not path.exists():
        raise TuneError(
            "the preference arm needs base's own answers to the samples' questions",
            path=path,
            fix=f"run `mores tune {study.folder}`, which draws them first "
            "(in Python: mores.sample.sample_rejected(study))",
        )
    own = {c.prompt_id: c for c in store.read_jsonl(path, Completion)}
    return encode_pairs(loaded, study.values, spec.format, own)


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
