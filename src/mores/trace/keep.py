"""The gradients of an arm's samples along its training, taken once and kept.

    step = gradients_step(study, spec, key)     current? stale? (`mores.step.Step`)
    keep_gradients(study, spec, key, progress=progress)
    read_kept(step)                             what there is, and with what it was made

Tuning leaves the last weights only, so the arm is trained once more, which gives the same weights
to the last bit on the same machine: the end is compared with the arm's own, and the difference is
told. At a few points on the way the adapters are saved and the gradient of every sample is taken.
Tuning itself stays what it was, and who never traces pays nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from mores import store
from mores.errors import ModelError
from mores.execute import alone
from mores.progress import Progress, Task
from mores.records import Recipe
from mores.step import Made, Step, outputs_digest, read_manifest
from mores.study import ArmKey, ModelSpec, Study, folders
from mores.trace.model import Kept, KeptGradients
from mores.tune.run import known_base, tune_step
from mores.tune.tuner import LOG

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mores.trace.sketch import Sketch
    from mores.tune.encode import EncodedSample
    from mores.weights.loaded import LoadedModel

TRACE = "trace"
CHECKPOINTS = 3
"""Points of training at which gradients are taken; a trace costs a pass back for each."""
DIMENSION = 32_768
"""Numbers kept of a gradient: an alignment is then right to about 0.006 (`mores.trace.sketch`)."""
HERE = ("torch", "fsdp")
"""Tuners whose training can be repeated in this process."""
KEPT = "kept.json"


def why_not(spec: ModelSpec, key: ArmKey, recipe: Recipe) -> str:
    """Say why an arm has no gradients to be traced with; empty where it can have them."""
    if not spec.here or spec.tuner not in HERE:
        return (
            "it was tuned at a host, which gives no gradients: which samples moved this answer "
            "cannot be computed"
        )
    if recipe.method == "full":
        return (
            'all weights were trained (method = "full"): gradients are kept for adapters only '
            '(method = "lora")'
        )
    if key.arm not in ("values_targeted", "control"):
        return f"the {key.arm} arm was trained on preferences, whose gradients are not taken"
    return ""


def gradients_step(study: Study, spec: ModelSpec, key: ArmKey, base: str | None = None) -> Step:
    """What the gradients of one arm are made from, and where they lie.

    Args:
        study: gives samples.
        spec: the base model's entry in study.toml.
        key: arm and training seed.
        base: digest of the base model; by default that of the model the arm was tuned from.

    Raises:
        ModelError: the arm has not been tuned.
    """
    tuned = tune_step(study, spec, key)
    config = recipe_used(study, spec, key)
    return Step(
        TRACE,
        folders.trace_folder(study, spec.name, key),
        inputs={
            "model": base or known_base(study, spec),
            "weights": outputs_digest(tuned.folder),
            "dataset": store.digest(study.dataset(key.arm).examples),
        },
        config={
            "recipe": msgspec.to_builtins(config),
            "checkpoints": CHECKPOINTS,
            "dimension": DIMENSION,
        },
        seed=key.seed,
        label=f"gradients {key.name}",
        log=study.run_folder,
        rests_on=(tuned,),
    )


def recipe_used(study: Study, spec: ModelSpec, key: ArmKey) -> Recipe:
    """Return the recipe that an arm was tuned with, which the study may have changed since.

    Raises:
        ModelError: it has not been tuned.
    """
    folder = folders.tune_folder(study, spec.name, key)
    manifest = read_manifest(folder)
    if manifest is None:
        raise ModelError(
            f"arm {key.name} of {spec.name} has not been tuned",
            path=folder,
            fix=f"run `mores tune {study.folder}` first, or `mores run` for all steps",
        )
    return store.as_record(manifest.config["recipe"], Recipe, path=folder)


def keep_gradients(study: Study, spec: ModelSpec, key: ArmKey, *, progress: Progress) -> Step:
    """Take the gradients of an arm's samples, or keep those that are there and current.

    Args:
        study: with this arm tuned.
        spec: the base model's entry in study.toml.
        key: arm and training seed; `why_not` says nothing against it.
        progress: where to show how far it is.

    Raises:
        ModelError: the arm has not been tuned, or the model cannot be loaded.
        StoreError: another process is at work here, or the files could not be written.
    """
    from mores.weights.resolve import resolve

    resolved = resolve(spec.name, say=progress.say)
    step = gradients_step(study, spec, key, resolved.digest)
    with alone(study.run_folder):
        step.run(partial(_make, study, spec, key, step, progress), say=progress.say)
    return step


def read_kept(step: Step) -> Kept:
    """Return what an arm's gradients were taken with.

    Raises:
        DataError: they have not been taken.
    """
    return store.as_record(store.read_json(step.folder / KEPT), Kept, path=step.folder / KEPT)


def adapter_file(step: int) -> str:
    """Name of the adapters after so many optimiser steps."""
    return f"adapter-{step:04d}.safetensors"


def gradients_file(step: int) -> str:
    """Name of the samples' gradients after so many optimiser steps."""
    return f"gradients-{step:04d}.safetensors"


def read_gradients(folder: Path, checkpoints: Sequence[int]) -> list[NDArray[Any]]:
    """Return the samples' gradients at each checkpoint, (samples, dimension), float32."""
    from safetensors.numpy import load_file

    return [load_file(folder / gradients_file(step))["gradients"] for step in checkpoints]


def plan(rates: Sequence[float], count: int) -> list[tuple[int, float]]:
    """Divide training into parts of equal length; return the middle of each, and its weight.

    Args:
        rates: learning rate of each optimiser step, in order.
        count: parts wanted; fewer where there are fewer steps.

    Returns:
        (steps taken at the checkpoint, sum of the part's learning rates), in order.
    """
    edges = np.linspace(0, len(rates), min(count, len(rates)) + 1).round().astype(int)
    return [
        (int((start + end + 1) // 2), float(sum(rates[start:end])))
        for start, end in pairwise(edges)
    ]


def _make(study: Study, spec: ModelSpec, key: ArmKey, step: Step, progress: Progress) -> Made:
    from mores.tune.adapters import adapter_weights, take_out
    from mores.tune.anchor import anchor_samples
    from mores.tune.encode import encode_dataset
    from mores.tune.loop import fit
    from mores.weights.load import load
    from mores.weights.machine import peak_memory_gb, set_threads
    from mores.weights.resolve import resolve

    set_threads()
    recipe = recipe_used(study, spec, key)
    own = folders.tune_folder(study, spec.name, key)
    rates = _learning_rates(own)
    _clear(step.folder)
    loaded = load(resolve(spec.name), dtype=recipe.dtype, say=progress.say)
    samples = encode_dataset(loaded, study.dataset(key.arm), spec.format)
    points = dict(plan(rates, CHECKPOINTS))
    bar = progress.task(step.label, len(rates) + len(points) * len(samples), "passes")
    taker = _Taker(loaded, samples, recipe.prompt_weight, step.folder, bar)

    def on_step(done: int, _steps: int, _row: dict[str, Any]) -> None:
        bar.advance(1)
        if done in points:
            taker.take(done)

    try:
        fit(
            loaded,
            samples,
            recipe,
            seed=key.seed,
            neutral=anchor_samples(loaded, spec.format) if recipe.anchor else (),
            on_step=on_step,
            say=progress.say,
        )
        ended = dict(adapter_weights(loaded.model))
        difference = _difference(own, ended)
    finally:
        take_out(loaded.model)
    bar.finish()
    files = [name(at) for at in points for name in (adapter_file, gradients_file)]
    kept = Kept(
        about=KeptGradients(
            samples=len(samples),
            checkpoints=tuple(points),
            steps=len(rates),
            weights=taker.sketch.length,
            dimension=taker.sketch.dimension,
            size=sum((step.folder / name).stat().st_size for name in files),
            difference=difference,
        ),
        ids=tuple(sample.id for sample in samples),
        rates=tuple(rate / len(samples) for rate in points.values()),
    )
    store.write_json(step.folder / KEPT, kept)
    if difference:
        progress.say(
            f"{step.label}: training did not end at the arm's own weights (largest difference "
            f"{difference:.2g}): other software or another processor than it was tuned with"
        )
    progress.say(f"{step.label}: {kept.about.size / 1e6:.0f} MB kept")
    return Made(
        [*files, KEPT],
        facts={"size": kept.about.size, "difference": difference},
        timing={"model": spec.name, "peak_memory_gb": round(peak_memory_gb(), 2)},
    )


class _Taker:
    """Saves the adapters and takes every sample's gradient, in the midst of training."""

    def __init__(
        self,
        loaded: LoadedModel,
        samples: Sequence[EncodedSample],
        prompt_weight: float,
        folder: Path,
        bar: Task,
    ) -> None:
        self.loaded, self.samples, self.prompt_weight = loaded, samples, prompt_weight
        self.folder, self.bar = folder, bar
        self._sketch: Sketch | None = None

    @property
    def sketch(self) -> Sketch:
        """Of gradients as long as the trained weights; these are there once training begins."""
        from mores.trace.sketch import Sketch
        from mores.tune.adapters import trained_weights

        if self._sketch is None:
            length = sum(w.numel() for w in trained_weights(self.loaded).values())
            self._sketch = Sketch(length, DIMENSION)
        return self._sketch

    def take(self, done: int) -> None:
        """Take them after so many steps."""
        import torch

        from mores.trace.gradients import gradient
        from mores.tune.adapters import adapter_weights, trained_weights
        from mores.weights.weights_file import save_weights

        weights = list(trained_weights(self.loaded).values())
        rows = []
        for sample in self.samples:
            whole = gradient(self.loaded, sample, self.prompt_weight, weights)
            rows.append(self.sketch(whole))
            self.bar.advance(1)
        adapter = {n: w.detach().contiguous() for n, w in adapter_weights(self.loaded.model)}
        about = {"step": str(done)}
        save_weights(self.folder / adapter_file(done), adapter, about)
        held = {"gradients": torch.from_numpy(np.stack(rows))}
        save_weights(self.folder / gradients_file(done), held, about)


def _learning_rates(tuned: Path) -> list[float]:
    """Learning rate of each optimiser step that led to an arm's weights.

    Where training stopped early the best epoch's weights were kept: later steps led nowhere.
    """
    log = [row for _, row in store.read_rows(tuned / LOG)]
    manifest = read_manifest(tuned)
    best = int(manifest.facts.get("best_epoch", 0)) if manifest else 0
    return [row["learning_rate"] for row in log if not best or row["epoch"] <= best]


def _difference(tuned: Path, ended: dict[str, Any]) -> float:
    """Largest difference between an arm's weights and those that a repeat has ended at."""
    from mores.tune.adapters import read_adapter

    weights, _ = read_adapter(tuned)
    return max(
        float((weights[n].float() - w.detach().cpu().float()).abs().max()) for n, w in ended.items()
    )


def _clear(folder: Path) -> None:
    """Remove what other settings have left: its names need not be those written now."""
    for path in folder.glob("*.safetensors") if folder.exists() else ():
        path.unlink()
