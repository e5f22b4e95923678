"""One arm tuned in this process, or in this and others together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import TuneError
from mores.progress import duration
from mores.records import Completion
from mores.step import Made
from mores.study import ModelSpec, Study
from mores.tune.adapters import save_tuned, take_out
from mores.tune.anchor import anchor_samples
from mores.tune.checkpoint import CHECKPOINT
from mores.tune.encode import encode_dataset, preview
from mores.tune.group import ALONE, Group
from mores.tune.loop import fit
from mores.tune.memory import Room, enough
from mores.tune.objective import Sample
from mores.tune.preference import EncodedPair, encode_pairs
from mores.tune.probe import PROBE, probe, probe_items, probe_samples
from mores.tune.rejected import rejected_file
from mores.tune.tuner import LOG, TuneJob
from mores.weights.chat import notes
from mores.weights.loaded import LoadedModel
from mores.weights.machine import choose_dtype, peak_memory_gb, set_threads
from mores.weights.rates import planned_seconds


def train(job: TuneJob, group: Group = ALONE, room: Room | None = None) -> Made:
    """Tune one arm in this process; goes on from its checkpoint.

    Args:
        job: the arm.
        group: the processes that do this together, each with an equal job.
        room: how a step fits into memory, where that is known.

    Raises:
        DataError: a sample is longer than the model's context.
        ModelError: the model cannot be loaded.
        TuneError: the run diverged, or memory is out whatever is done.
        StoreError: the weights could not be written.
    """
    with enough():
        return _train(job, group, room)


def _train(job: TuneJob, group: Group, room: Room | None) -> Made:
    study, spec, key, folder = job.study, job.spec, job.key, job.folder
    recipe, progress = job.recipe, job.progress
    set_threads(group.size)
    if not group.rank:
        _clear(folder)
    loaded, in_16_bits = _load(job, group)
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
    probes = probe_samples(loaded, study.dataset(key.arm), spec.format)
    with in_16_bits:
        base = probe(loaded, probes)  # each process for itself: nothing is divided yet
    tokens = recipe.epochs * sum(sample.size for sample in samples)
    planned = planned_seconds(job.resolved.digest, recipe.method, train=tokens)
    task = progress.task(f"tune {key.name}", 1.0, "", planned=planned)

    def on_step(step: int, steps: int, row: dict[str, Any]) -> None:
        if not task.done:
            task.resume((step - 1) / steps)
        task.reach(step / steps, f"step {step}/{steps}  loss {row['loss']:.3f}")

    start = time.perf_counter()
    with in_16_bits:
        result = fit(
            loaded,
            samples,
            recipe,
            seed=key.seed,
            neutral=anchor_samples(loaded, spec.format) if recipe.anchor else (),
            folder=folder,
            on_step=on_step,
            say=progress.say,
            group=group,
            room=room,
        )
    task.finish()
    weights = save_tuned(loaded, recipe, folder, spec.name, group)
    with in_16_bits:
        tuned = probe(loaded, probes)
    if recipe.method == "lora" and group.size == 1:
        take_out(loaded.model)  # the next arm begins with the same base
    if not group.rank:
        store.write_jsonl(folder / LOG, result.log)
        store.write_jsonl(folder / PROBE, probe_items(probes, base, tuned))
    rate = result.tokens / result.seconds if result.seconds else 0.0
    losses = [row["loss"] for row in result.log]
    progress.say(
        f"tune {key.name}: loss {losses[0]:.3f} → {losses[-1]:.3f}  {sparkline(losses)}  "
        f"{len(losses)} steps, {rate:.0f} tokens/s, {duration(time.perf_counter() - start)}"
    )
    return Made(
        [*weights, LOG, PROBE],
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


def _load(job: TuneJob, group: Group) -> tuple[LoadedModel, AbstractContextManager[Any]]:
    """Load the base, and say how its passes are run.

    A full tuning in 16 bits keeps its weights in 32, where the optimiser's small steps are not
    rounded away, and computes in 16 (Micikevicius et al. 2018); adapters do the same in
    `mores.tune.lora`.
    """
    import torch

    on_gpu = torch.cuda.is_available()
    dtype = choose_dtype(job.recipe.dtype, on_gpu=on_gpu)
    say = job.progress.say
    if job.recipe.method == "lora" or dtype == "float32":
        return group.load(job.resolved, dtype, say), nullcontext()
    device = "cuda" if on_gpu else "cpu"
    # Without the cache: it would go on with the weights from before a step.
    passes = torch.autocast(device, getattr(torch, dtype), cache_enabled=False)
    return group.load(job.resolved, "float32", say), passes


def _pairs(study: Study, spec: ModelSpec, loaded: LoadedModel) -> list[EncodedPair]:
    """The samples with base's own answers, which another room has drawn."""
    path = rejected_file(study, spec)
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
    """Remove what an earlier configuration left, but no checkpoint that may fit, no paid job."""
    for path in folder.glob("*") if folder.exists() else ():
        if path.is_file() and path.name != CHECKPOINT and not path.match("job.*"):
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
