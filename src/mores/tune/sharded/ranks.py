"""One process of several that tune an arm together: weights in parts, samples shared out.

Each layer of the decoder is divided among the processes (FSDP2,
`torch.distributed.fsdp.fully_shard`) and put together only while it runs. Whole in each stay
embeddings, the last norm and the output layer, since the loss reads the output layer outside of any
layer, and adapters, which are small and in other digits than the base; their gradients are added up
here.

Gradients are summed, not averaged: each process divides by the weights of the whole step, which it
knows, since all of them encode all samples.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from mores import store
from mores.errors import ModelError, TuneError
from mores.tune.group import Group, T
from mores.weights.load import load
from mores.weights.loaded import LoadedModel
from mores.weights.machine import choose_dtype, free_memory_gb
from mores.weights.recompute import decoder_layers
from mores.weights.resolve import ResolvedModel

PATIENCE = timedelta(hours=2)
"""How long a process waits for the others."""
HEADROOM = 1.5
"""Free memory, in sizes of the model, for each process that loads at the same time."""


class Ranks(Group):
    """This process among those that torch's launcher has started."""

    def __init__(self) -> None:
        self.on_gpu = torch.cuda.is_available()
        if not hasattr(FSDPModule, "set_reduce_scatter_unused_params"):
            raise TuneError(f"torch {torch.__version__} is too old for it", fix="update torch")
        if self.on_gpu:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        # A process may wait for the others to load, and for the first one to write.
        dist.init_process_group("cpu:gloo,cuda:nccl" if self.on_gpu else "gloo", timeout=PATIENCE)
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.mesh = init_device_mesh("cuda" if self.on_gpu else "cpu", (self.size,))
        self.turns = False

    def load(self, resolved: ResolvedModel, dtype: str, say: store.Say) -> LoadedModel:
        """Load the model on the CPU; where memory is short, after those before have divided it."""
        dtype = choose_dtype(dtype, on_gpu=self.on_gpu)
        files = sum(f.stat().st_size for f in Path(resolved.folder).glob("*.safetensors")) / 1e9
        needed = self.size * HEADROOM * files * (2 if dtype == "float32" else 1)
        self.turns = self.agreed(needed > free_memory_gb())
        if self.turns:
            say(
                f"the {self.size} processes load the model one after another: memory is not for all"
            )
            self._wait(self.rank)
        return load(resolved, dtype=dtype, device="cpu", say=say)

    def _wait(self, times: int) -> None:
        for _ in range(times):
            self.together([])

    def spread(self, loaded: LoadedModel) -> None:
        """Divide each layer of the decoder; put what stays whole where it is needed.

        Raises:
            ModelError: the model is quantised, or its layers cannot be told apart.
        """
        layers = decoder_layers(loaded)
        held = [p for layer in layers for p in set(layer.parameters())]
        why = f"{loaded.quantised} weights are not divided" if loaded.quantised else ""
        why = why or ("" if layers else "its decoder has no list of layers")
        why = why or ("" if len(held) == len(set(held)) else "its layers share weights")
        if why:
            raise ModelError(
                f"{type(loaded.model).__name__} cannot be tuned by several processes: {why}",
                fix='set tuner = "torch"',
            )
        adapters = {p for n, p in loaded.model.named_parameters() if ".lora_" in n}
        for layer in layers:
            fully_shard(layer, mesh=self.mesh, ignored_params=adapters)
        if self.on_gpu:
            loaded.model.to("cuda")
        whole = {p for p in loaded.decoder.parameters() if not isinstance(p, DTensor)}
        fully_shard(loaded.decoder, mesh=self.mesh, ignored_params=whole)
        for module in (*layers, loaded.decoder):
            # Asked for sharding, other wrappers have been known to copy instead, without a word.
            assert isinstance(module, FSDPModule), type(module)
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
        # An expert that no text of one process was sent to has a gradient in another.
        loaded.decoder.set_reduce_scatter_unused_params(True)
        if self.turns:
            self._wait(self.size - self.rank)

    def together(self, values: list[T]) -> list[T]:
        """Return the values of all processes, in order of rank."""
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, values)
        return [value for own in found for value in own]

    def agreed(self, value: T) -> T:
        """Return the first process's value."""
        told = [value]
        dist.broadcast_object_list(told, src=0)
        return told[0]

    def add_up(self, optimizer: torch.optim.Optimizer) -> None:
        """Add up the gradients of weights that every process has whole."""
        for group in optimizer.param_groups:
            for p in group["params"]:
                if not isinstance(p, DTensor):
                    p.grad = torch.zeros_like(p) if p.grad is None else p.grad
                    dist.all_reduce(p.grad)

    def part(self, whole: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Return this process's part of a tensor, divided like another."""
        whole = whole.to(like.device)
        if not isinstance(like, DTensor):
            return whole
        return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None)

    def gathered(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        """Return whole tensors by name, on the CPU, in the first process; one after another."""
        kept = {}
        for name, tensor in tensors:
            whole = tensor.detach()
            whole = whole.full_tensor() if isinstance(whole, DTensor) else whole
            if not self.rank:
                kept[name] = whole.cpu().contiguous()
        return kept
