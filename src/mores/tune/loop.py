"""The training loop: encoded samples → tuned weights. Deterministic, resumable.

    result = fit(loaded, samples, recipe, seed=1, folder=Path("runs/.../values_targeted"))

Loss of one optimiser step (over its samples, however they are cut into passes):

    sum of weight * negative log-likelihood  /  sum of weights  +  anchor * divergence

The second term is there where the recipe has an anchor (see `mores.tune.anchor`).
Dropout is never used. With the same inputs the same bytes come out, whether the
run was interrupted or not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mores import store
from mores.errors import TuneError
from mores.records import Recipe
from mores.tune.adapters import make_trainable, trained_weights
from mores.tune.anchor import Anchor
from mores.tune.batches import epoch_batches, learning_rate, steps_per_epoch
from mores.tune.checkpoint import Progress, load_checkpoint, save_checkpoint
from mores.tune.encode import EncodedSample
from mores.tune.group import ALONE, Group
from mores.tune.memory import Room, in_room
from mores.tune.objective import Objective, Sample, objective_of
from mores.tune.reach import describe
from mores.weights.recompute import recompute

if TYPE_CHECKING:
    import torch

    from mores.weights.loaded import LoadedModel

OnStep = Callable[[int, int, dict[str, Any]], None]
"""Called after each optimiser step with (steps done, steps in all, log row)."""


@dataclass(frozen=True)
class FitResult:
    """What a training run did."""

    log: list[dict[str, Any]]
    """One row a step: losses in nats a token, learning rate, tokens, gradient norm."""
    held_out: list[str]
    """Ids of the samples kept out of training."""
    seconds: float
    """Time in the loop of this process, without loading."""
    tokens: int
    """Tokens that passed through the model in this process."""
    trained: int
    """Weights that were trained."""
    best_epoch: int = 0
    stopped_early: bool = False


def fit(
    loaded: LoadedModel,
    samples: Sequence[Sample],
    recipe: Recipe,
    *,
    seed: int,
    neutral: Sequence[EncodedSample] = (),
    folder: Path | None = None,
    on_step: OnStep | None = None,
    say: store.Say | None = None,
    checkpoint_seconds: float = 30.0,
    group: Group = ALONE,
    room: Room | None = None,
) -> FitResult:
    """Tune a loaded model in place.

    Args:
        loaded: the base model; its weights (or adapters added to it) are changed.
        samples: encoded training samples; pairs of answers for the preference arm.
        recipe: how to train.
        seed: decides adapter start, held-out choice and order.
        neutral: texts on which an anchored recipe keeps to base.
        folder: where to keep checkpoints; None keeps none.
        on_step: called after each optimiser step.
        say: told what is trained, before it begins.
        checkpoint_seconds: least time between checkpoints (never more than 5 % of the run).
        group: the processes that train it together, all with the same arguments.
        room: how a step fits into memory; by default as `Room.first` says.

    Raises:
        TuneError: nothing to train on, the loss is no longer a number, or memory is out.
        NeedsRoom: memory is out in one process of several.
    """
    import torch

    train, held_out = split_held_out(samples, recipe.held_out, seed)
    if not train:
        raise TuneError("no samples are left to train on", fix="lower recipe.held_out")
    make_trainable(loaded, recipe, seed)
    room = room or Room.first(recipe.micro_tokens, loaded.device.type)
    if room.recompute:
        recompute(loaded)
    group.spread(loaded)
    trainable = trained_weights(loaded)
    # Before a checkpoint is read: the adapters still change nothing, the weights are still base's.
    objective = objective_of(loaded, samples, recipe)
    anchor = Anchor.of(loaded, neutral) if recipe.anchor and neutral else None
    if say:
        say(describe(loaded))
    optimizer = torch.optim.AdamW(
        _alike(trainable.values()),
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    run = run_digest(loaded, samples, recipe, seed)
    progress, best = (
        load_checkpoint(folder, run, trainable, optimizer, group) if folder else (Progress(), None)
    )
    per_epoch = steps_per_epoch(len(train), recipe.batch_size)
    steps = per_epoch * recipe.epochs
    saver = _Saver(folder, run, trainable, optimizer, checkpoint_seconds, group)
    stepper = _Stepper(loaded, recipe, objective, anchor, optimizer, group, room, say)
    start, tokens = time.perf_counter(), 0
    while progress.step < steps and not progress.stopped_early:
        epoch, within = divmod(progress.step, per_epoch)
        batch = [
            train[i] for i in epoch_batches(len(train), recipe.batch_size, seed, epoch)[within]
        ]
        rate = learning_rate(recipe, progress.step, steps)
        row = stepper.take(batch, progress.step, rate)
        progress.step += 1
        row = {"step": progress.step, "epoch": epoch + 1, "learning_rate": rate, **row}
        tokens += row["tokens"]
        if held_out and progress.step % per_epoch == 0:
            row["held_out_loss"] = group.agreed(objective.mean_loss(loaded, held_out))
            best = _note_best(progress, row["held_out_loss"], epoch + 1, recipe, trainable, best)
        progress.log.append(row)
        if on_step:
            on_step(progress.step, steps, row)
        saver.maybe(progress, best)
    if best is not None:
        with torch.no_grad():
            for name, tensor in best.items():
                trainable[name].copy_(tensor)
    return FitResult(
        log=progress.log,
        held_out=[sample.id for sample in held_out],
        seconds=time.perf_counter() - start,
        tokens=tokens,
        trained=sum(p.numel() for p in trainable.values()),
        best_epoch=progress.best_epoch,
        stopped_early=progress.stopped_early,
    )


def run_digest(loaded: LoadedModel, samples: Sequence[Sample], recipe: Recipe, seed: int) -> str:
    """Digest of everything a training run depends on."""
    import msgspec

    content = [s.content for s in samples]
    return store.digest([loaded.digest, content, msgspec.to_builtins(recipe), seed])


def split_held_out(
    samples: Sequence[Sample], share: float, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Divide samples into training and held-out, by seed; order within each is kept."""
    if not share:
        return list(samples), []
    # At least one: without any, early stopping would silently never happen.
    count = max(1, round(len(samples) * share))
    # The stream number keeps this draw apart from the order of epochs.
    chosen = set(np.random.default_rng([seed, 1 << 20]).permutation(len(samples))[:count].tolist())
    return (
        [s for i, s in enumerate(samples) if i not in chosen],
        [s for i, s in enumerate(samples) if i in chosen],
    )


@dataclass
class _Stepper:
    """Takes optimiser steps, in as much memory as there turns out to be."""

    loaded: LoadedModel
    recipe: Recipe
    objective: Objective
    anchor: Anchor | None
    optimizer: torch.optim.Optimizer
    group: Group
    room: Room
    say: store.Say | None

    def take(self, batch: Sequence[Sample], step: int, rate: float) -> dict[str, Any]:
        """Train on one step's samples; return its row of the log."""

        def attempt(limit: int) -> dict[str, Any]:
            self.optimizer.zero_grad(set_to_none=True)
            row = self.objective.accumulate(self.loaded, batch, limit, self.group)
            if self.anchor:
                pull = self.anchor.pull(self.loaded, self.recipe.anchor, step, self.group)
                row["divergence"] = pull
            return row

        before, sizes = self.room, [s.size for s in batch]
        row, self.room = in_room(
            self.loaded, before, sizes, attempt, alone=self.group.size == 1, say=self.say
        )
        if self.room != before:  # said once
            self.say = None
        self.group.add_up(self.optimizer)
        row["gradient_norm"] = _update(self.optimizer, self.recipe.clip_norm, rate, step)
        return row


def _update(optimizer: torch.optim.Optimizer, clip_norm: float, rate: float, step: int) -> float:
    """Clip the gradients and take one optimiser step; the norm before clipping."""
    import torch
    from torch.nn.utils import clip_grads_with_norm_, get_total_norm

    norms = [
        _whole(get_total_norm([p.grad for p in group["params"] if p.grad is not None]))
        for group in optimizer.param_groups
    ]
    norm = norms[0] if len(norms) == 1 else torch.stack(norms).norm()
    for group in optimizer.param_groups:
        clip_grads_with_norm_(group["params"], clip_norm, norm)
    if not torch.isfinite(norm):
        raise TuneError(
            f"the gradient is no longer a number at step {step + 1}",
            fix="lower recipe.learning_rate",
        )
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return float(norm)


def _alike(parameters: Iterable[torch.nn.Parameter]) -> list[dict[str, Any]]:
    """Parameter groups: those in parts and those whole, which no operation takes together."""
    kinds: dict[bool, list[torch.nn.Parameter]] = {}
    for parameter in parameters:
        kinds.setdefault(hasattr(parameter, "full_tensor"), []).append(parameter)
    return [{"params": kind} for kind in kinds.values()]


def _whole(norm: torch.Tensor) -> torch.Tensor:
    """Put a norm together whose squares lie in several processes."""
    whole: torch.Tensor = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
    return whole


def _note_best(
    progress: Progress,
    loss: float,
    epoch: int,
    recipe: Recipe,
    trainable: dict[str, torch.nn.Parameter],
    best: dict[str, torch.Tensor] | None,
) -> dict[str, torch.Tensor] | None:
    """Remember the best epoch; stop when it is too long ago."""
    if not recipe.early_stopping:
        return None
    if progress.best_loss is None or loss < progress.best_loss:
        progress.best_loss, progress.best_epoch = loss, epoch
        return {name: p.detach().clone() for name, p in trainable.items()}
    progress.stopped_early = epoch - progress.best_epoch >= recipe.early_stopping
    return best


class _Saver:
    """Writes checkpoints often enough to lose little, rarely enough to cost little."""

    def __init__(
        self,
        folder: Path | None,
        run: str,
        trainable: dict[str, torch.nn.Parameter],
        optimizer: torch.optim.Optimizer,
        least_seconds: float,
        group: Group = ALONE,
    ) -> None:
        self.folder, self.run, self.group = folder, run, group
        self.trainable, self.optimizer = trainable, optimizer
        self.least_seconds = least_seconds
        self.last = time.perf_counter()
        self.cost = 0.0

    def maybe(self, progress: Progress, best: dict[str, torch.Tensor] | None) -> None:
        now = time.perf_counter()
        due = now - self.last >= max(self.least_seconds, 20 * self.cost)
        if self.folder is None or not self.group.agreed(due):
            return
        save_checkpoint(
            self.folder, self.run, self.trainable, self.optimizer, progress, best, self.group
        )
        self.last = time.perf_counter()
        self.cost = self.last - now
