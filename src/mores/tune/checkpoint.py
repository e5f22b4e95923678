"""The state of an unfinished training run, in one safetensors file.

Holds trainable weights, the optimiser's two moments, the step reached and the
log so far. Written beside its place and renamed, so a kill leaves the last one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores.tune.group import ALONE, Group
from mores.weights.weights_file import save_weights

if TYPE_CHECKING:
    import torch

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)
    best_loss: float | None = None
    best_epoch: int = 0
    stopped_early: bool = False


def save_checkpoint(
    folder: Path,
    run: str,
    trainable: dict[str, torch.nn.Parameter],
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    best: dict[str, torch.Tensor] | None = None,
    group: Group = ALONE,
) -> None:
    """Write the state after ``progress.step`` optimiser steps, whole, for any number of processes.

    Args:
        folder: the run's folder.
        run: digest of everything the run depends on; another run's checkpoint is not used.
        trainable: parameters by name.
        optimizer: AdamW over exactly these parameters, in this order.
        progress: step and log.
        best: best weights so far, where early stopping keeps them.
        group: the processes that hold the parts; the first of them writes.
    """
    held: list[tuple[str, torch.Tensor]] = [(f"weight.{n}", p) for n, p in trainable.items()]
    for name, parameter in trainable.items():
        state = optimizer.state.get(parameter, {})
        held += [(f"{m}.{name}", state[m]) for m in ("exp_avg", "exp_avg_sq") if m in state]
    held += [(f"best.{name}", tensor) for name, tensor in (best or {}).items()]
    tensors = group.gathered(held)
    if group.rank:
        return
    metadata = {
        "run": run,
        "step": str(progress.step),
        "log": json.dumps(progress.log),
        "best": json.dumps([progress.best_loss, progress.best_epoch, progress.stopped_early]),
    }
    save_weights(folder / CHECKPOINT, tensors, metadata)


def load_checkpoint(
    folder: Path,
    run: str,
    trainable: dict[str, torch.nn.Parameter],
    optimizer: torch.optim.Optimizer,
    group: Group = ALONE,
) -> tuple[Progress, dict[str, torch.Tensor] | None]:
    """Restore weights and optimiser from a checkpoint of the same run, if there is one."""
    import torch
    from safetensors import SafetensorError, safe_open

    path = folder / CHECKPOINT
    if not path.exists():
        return Progress(), None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("run") != run:
                return Progress(), None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError:
        return Progress(), None  # a damaged checkpoint costs time, not correctness
    step = int(metadata["step"])

    def part(kind: str, name: str) -> torch.Tensor:
        return group.part(tensors[f"{kind}.{name}"], trainable[name])

    with torch.no_grad():
        for name, parameter in trainable.items():
            parameter.copy_(part("weight", name))
            if f"exp_avg.{name}" in tensors:
                optimizer.state[parameter] = {
                    "step": torch.tensor(float(step), device=parameter.device),
                    "exp_avg": part("exp_avg", name),
                    "exp_avg_sq": part("exp_avg_sq", name),
                }
    best_loss, best_epoch, stopped = json.loads(metadata["best"])
    progress = Progress(step, json.loads(metadata["log"]), best_loss, best_epoch, stopped)
    best = {n: part("best", n) for n in trainable if f"best.{n}" in tensors}
    return progress, best or None
