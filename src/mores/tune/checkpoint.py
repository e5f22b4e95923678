"""The state of an unfinished training run, in one safetensors file.

Holds trainable weights, the optimiser's two moments, the step reached and the
log so far. Written beside its place and renamed, so a kill leaves the last one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
) -> None:
    """Write the state after ``progress.step`` optimiser steps.

    Args:
        folder: the run's folder.
        run: digest of everything the run depends on; another run's checkpoint is not used.
        trainable: parameters by name.
        optimizer: AdamW over exactly these parameters, in this order.
        progress: step and log.
        best: best weights so far, where early stopping keeps them.
    """
    tensors = {f"weight.{n}": p.detach().contiguous() for n, p in trainable.items()}
    for name, parameter in trainable.items():
        state = optimizer.state.get(parameter, {})
        for moment in ("exp_avg", "exp_avg_sq"):
            if moment in state:
                tensors[f"{moment}.{name}"] = state[moment].contiguous()
    for name, tensor in (best or {}).items():
        tensors[f"best.{name}"] = tensor.contiguous()
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
    with torch.no_grad():
        for name, parameter in trainable.items():
            parameter.copy_(tensors[f"weight.{name}"])
            if f"exp_avg.{name}" in tensors:
                optimizer.state[parameter] = {
                    "step": torch.tensor(float(step)),
                    "exp_avg": tensors[f"exp_avg.{name}"].to(parameter.device),
                    "exp_avg_sq": tensors[f"exp_avg_sq.{name}"].to(parameter.device),
                }
    best_loss, best_epoch, stopped = json.loads(metadata["best"])
    progress = Progress(step, json.loads(metadata["log"]), best_loss, best_epoch, stopped)
    best = {n.removeprefix("best."): t for n, t in tensors.items() if n.startswith("best.")}
    return progress, best or None
