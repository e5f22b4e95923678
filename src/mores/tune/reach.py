"""Which layers of a model low-rank adapters reach, found by running it once.

    found = reach(loaded)
    found.layers    # ("down_proj", "gate_proj", "k_proj", ...)
    found.experts   # ("experts.down_proj", "experts.gate_up_proj")

Every linear layer that a text goes through is reached but the output layer and the routers of a
mixture of experts, whose balance a few samples would upset. Experts that are kept as one tensor are
reached through PEFT's ``target_parameters``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

MAMBA = ("falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h")
"""Architectures whose ``out_proj`` takes no adapter: with fast kernels its weights are used without
the layer being called, and PEFT refuses it."""


@dataclass(frozen=True)
class Reach:
    """Where adapters are put; names are as short as they are unambiguous."""

    layers: tuple[str, ...]
    """Linear layers."""
    experts: tuple[str, ...]
    """Tensors (experts, in, out), which get an adapter for each expert."""
    transposed: bool
    """Whether weights are kept as (in, out), as in GPT-2."""


def reach(loaded: LoadedModel) -> Reach:
    """Find the layers that adapters can be put on, by running a text through the model."""
    linear = _linear(loaded.model)
    experts = {n: m for n, m in loaded.model.named_modules() if _tensors(m)}
    # An expert that this text was not sent to is reached all the same.
    kinds = {_kind(name) for name in _called(loaded, {**linear, **experts})}
    wanted = {n for n in linear if _kind(n) in kinds and not _left(n, loaded.model)}
    tensors = {f"{n}.{p}" for n, m in experts.items() if _kind(n) in kinds for p in _tensors(m)}
    every = {n for n, _ in loaded.model.named_modules()}
    return Reach(
        layers=_short(wanted, every, 1),
        experts=_short(tensors, tensors, 2),
        transposed=any(hasattr(linear[n], "nf") for n in wanted),
    )


def adapted(model: Any) -> Reach:
    """Find the adapters that a model has."""
    from peft.tuners.lora.layer import LoraLayer, ParamWrapper

    found = {n: m for n, m in model.named_modules() if isinstance(m, LoraLayer)}
    tensors = {
        f"{n.replace('.base_layer', '')}.{m.parameter_name}"
        for n, m in found.items()
        if isinstance(m, ParamWrapper)
    }
    layers = {n: m for n, m in found.items() if not isinstance(m, ParamWrapper)}
    every = {n.removesuffix(".base_layer") for n, _ in model.named_modules() if ".lora_" not in n}
    return Reach(
        layers=_short(layers, every, 1),
        experts=_short(tensors, tensors, 2),
        transposed=any(m.fan_in_fan_out for m in layers.values()),
    )


def describe(loaded: LoadedModel) -> str:
    """Say in one line what is trained, after `mores.tune.adapters.make_trainable`."""
    trained = sum(p.numel() for p in loaded.model.parameters() if p.requires_grad)
    share = f"{trained:,} weights ({100 * trained / loaded.parameters:.3g} % of the base's number)"
    found = adapted(loaded.model)
    if not found.layers and not found.experts:
        return f"full tuning trains {share}"
    every = _linear(loaded.model)
    bare = {n for n in every if not hasattr(loaded.model.get_submodule(n), "lora_A")}
    routers = {n for n in bare if _routes(n)}
    line = f"LoRA trains {share} in {', '.join([*found.layers, *found.experts])}"
    if routers:
        line += f"; not the routers ({', '.join(_short(routers, set(every), 1))})"
    if missed := bare - routers:
        line += f"; it does not reach {', '.join(_short(missed, set(every), 1))}"
    return line


def _linear(model: Any) -> dict[str, Any]:
    """Linear layers by name, the output layer and those of adapters left out."""
    head = model.get_output_embeddings()
    return {
        n.removesuffix(".base_layer"): m
        for n, m in model.named_modules()
        if _is_linear(m) and m is not head and ".lora_" not in n
    }


def _is_linear(module: Any) -> bool:
    import torch
    from transformers.pytorch_utils import Conv1D

    # Quantised layers have classes of their own and the same two attributes.
    quantised = hasattr(module, "in_features") and hasattr(module, "qweight")
    return isinstance(module, torch.nn.Linear | Conv1D) or quantised


def _tensors(module: Any) -> list[str]:
    """Names of a module's own parameters that hold a matrix for each expert."""
    if "Expert" not in type(module).__name__:
        return []
    return [n for n, p in module.named_parameters(recurse=False) if p.dim() == 3]


def _called(loaded: LoadedModel, modules: dict[str, Any]) -> set[str]:
    """Names of the modules that are called when a text is read."""
    import torch

    from mores.weights.attention import Layout
    from mores.weights.probe import probe_ids

    called: set[str] = set()

    def note(name: str) -> Any:
        return lambda *_: called.add(name)

    hooks = [m.register_forward_pre_hook(note(n)) for n, m in modules.items()]
    try:
        ids = torch.tensor(probe_ids(loaded.tokenizer))
        with torch.no_grad():
            loaded.hidden(ids, Layout.of([len(ids)]))
    finally:
        for hook in hooks:
            hook.remove()
    return called


def _kind(name: str) -> str:
    """A name without its numbers: the same place in every layer and expert."""
    return re.sub(r"\.\d+\b", ".#", name)


def _left(name: str, model: Any) -> bool:
    """Whether a layer is left as it is: routers, and what fast kernels of Mamba pass by."""
    mamba = model.config.model_type in MAMBA and name.rpartition(".")[2] == "out_proj"
    return mamba or _routes(name)


def _routes(name: str) -> bool:
    parts = name.split(".")
    return any(p == "gate" or p.endswith("_gate") or "router" in p for p in parts)


def _short(names: Iterable[str], every: set[str], parts: int) -> tuple[str, ...]:
    """Ends of names that mean exactly these of all names; whole names where no end does."""
    return tuple(sorted(set(_ends(set(names), every, parts))))


def _ends(names: set[str], every: set[str], parts: int) -> Iterator[str]:
    for name in names:
        end = ".".join(name.split(".")[-parts:])
        others = {n for n in every if n == end or n.endswith(f".{end}")} - names
        yield name if others else end
