"""One base model in memory serves every arm.

LoRA arms are applied row by row inside one batch: each linear layer adds the
low-rank product of the arm that a row belongs to. Where a model's layers do not
keep rows apart (experts that tokens are sorted to), or an adapter changes tensors
that are no layers, each arm goes by itself. Full tunings are copied over the base
weights in place, and the base is restored afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from mores import store
from mores.errors import ModelError
from mores.tune.adapters import (
    ADAPTER_CONFIG,
    FULL_WEIGHTS,
    all_weights,
    put_layer,
    read_adapter,
    take_out,
)
from mores.weights.attention import Layout
from mores.weights.probe import gap, probe_ids, tolerance
from mores.weights.quiet import quiet
from mores.weights.routing import AdaptedLinear, all_routed, contiguous_slices, routed

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel


@contextmanager
def adapted(loaded: LoadedModel, adapters: Mapping[str, Path]) -> Iterator[None]:
    """Install LoRA adapters for the time of a block; `routed` says which rows use them.

    Args:
        loaded: the base model.
        adapters: weights' name → folder of the adapter.

    Raises:
        ModelError: an adapter does not fit the model.
    """
    installed: dict[str, AdaptedLinear] = {}
    try:
        for name, folder in adapters.items():
            weights, scale = read_adapter(folder)
            for key in sorted(k for k in weights if k.endswith(".lora_A.weight")):
                path = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
                layer = installed.get(path) or _install(loaded.model, path, folder)
                installed[path] = layer
                down, up = weights[key], weights[key.replace("lora_A", "lora_B")]
                _check_shapes(layer.base, down, up, path, folder)
                layer.add(name, down, up, scale)
        yield
    finally:
        for path, layer in installed.items():
            put_layer(loaded.model, path, layer.base)


def _install(model: Any, path: str, folder: Path) -> AdaptedLinear:
    try:
        base = model.get_submodule(path)
    except AttributeError:
        raise ModelError(
            f"the adapter has weights for {path!r}, which this model does not have",
            path=folder,
            fix="it belongs to another base model; tune again",
        ) from None
    layer = AdaptedLinear(base)
    put_layer(model, path, layer)
    return layer


def _check_shapes(
    base: torch.nn.Module, down: torch.Tensor, up: torch.Tensor, path: str, folder: Path
) -> None:
    found = (up.shape[0], down.shape[1])
    own = tuple(getattr(base, n, None) for n in ("out_features", "in_features"))
    if own == (None, None):  # transformers' Conv1D
        own = base.nf, base.nx
    if found != own or up.shape[1] != down.shape[0]:
        raise ModelError(
            f"the adapter's weights for {path!r} are {found[0]} x {found[1]}, "
            f"this model's {own[0]} x {own[1]}",
            path=folder,
            fix="it belongs to another base model; tune again",
        )


@contextmanager
def swapped(loaded: LoadedModel, folder: Path) -> Iterator[None]:
    """Run a full tuning in the base model's memory, then put the base weights back.

    Raises:
        ModelError: names or shapes differ from the base model's.
    """
    from safetensors.torch import load_file

    tuned = load_file(folder / FULL_WEIGHTS)
    own = dict(loaded.model.named_parameters())
    buffers = set(all_weights(loaded.model)) - set(own)  # not trained
    odd = sorted((set(tuned) - buffers) ^ set(own)) or [
        n for n in own if tuned[n].shape != own[n].shape
    ]
    if odd:
        raise ModelError(
            f"the tuned weights do not fit {loaded.name}: {', '.join(odd[:3])}",
            path=folder,
            fix="they belong to another base model; tune again",
        )
    with torch.no_grad():
        for name, parameter in own.items():
            # Exchange, so that only one tensor is held twice at any time.
            kept = parameter.detach().clone()
            parameter.copy_(tuned[name])
            tuned[name] = kept
    try:
        yield
    finally:
        with torch.no_grad():
            for name, parameter in own.items():
                parameter.copy_(tuned[name])


@contextmanager
def injected(loaded: LoadedModel, folder: Path) -> Iterator[None]:
    """Let PEFT run an adapter that changes tensors of experts, as it did in training.

    Beside the weights, not added to them: in 16 bits most of what was trained would be rounded off.
    """
    from peft import LoraConfig, inject_adapter_in_model

    adapter, _ = read_adapter(folder)
    config = LoraConfig(**store.read_json(folder / ADAPTER_CONFIG))
    with quiet():
        inject_adapter_in_model(config, loaded.model, adapter_name="default")
    own = dict(loaded.model.named_parameters())
    try:
        with torch.no_grad():
            for name, tensor in adapter.items():
                path = name.removeprefix("base_model.model.").removesuffix(".weight")
                own[f"{path}.default.weight"].copy_(tensor)
        yield
    finally:
        take_out(loaded.model)


def changes_tensors(folder: Path) -> bool:
    """Whether an adapter changes tensors that are no layers, such as those of experts."""
    path = folder / ADAPTER_CONFIG
    return path.exists() and bool(store.read_json(path).get("target_parameters"))


def mixes(loaded: LoadedModel, tuned: Mapping[str, Path]) -> bool:
    """Whether rows of different adapters give the same numbers side by side as by themselves.

    Args:
        loaded: the base model.
        tuned: arm's name → folder of its adapter.
    """
    names = sorted(tuned)
    if not names:
        return True
    if any(changes_tensors(tuned[n]) for n in names):
        return False
    ids = torch.tensor(probe_ids(loaded.tokenizer))
    rows = [*names, "base"]
    with torch.no_grad(), adapted(loaded, tuned):
        alone = [_together(loaded, ids, [name]) for name in rows]
        try:
            together = _together(loaded, ids, rows)
        except ModelError:  # rows are not kept apart
            return False
    return gap(torch.cat(alone), together) <= tolerance(loaded, together)


def _together(loaded: LoadedModel, ids: torch.Tensor, names: list[str]) -> torch.Tensor:
    """Final states of one text under several adapters, shape (adapters, tokens, width)."""
    each = len(ids) if loaded.way.flat else 1
    with routed(contiguous_slices(names, [each] * len(names)), each * len(names)):
        if not loaded.way.flat:
            return loaded.states(input_ids=ids.expand(len(names), -1).to(loaded.device))
        hidden = loaded.hidden(ids.repeat(len(names)), Layout.of([len(ids)] * len(names)))
        return hidden.view(len(names), len(ids), -1)


@contextmanager
def weights_in_place(
    loaded: LoadedModel, tuned: Mapping[str, Path], names: set[str]
) -> Iterator[None]:
    """Put the weights of these arms in place: adapters side by side, or one full tuning.

    Args:
        loaded: the base model.
        tuned: arm's name → folder of its weights.
        names: what is wanted; ``base`` needs nothing.
    """
    folders = {name: tuned[name] for name in sorted(names - {"base"})}
    full = [folder for folder in folders.values() if (folder / FULL_WEIGHTS).exists()]
    tensors = [folder for folder in folders.values() if changes_tensors(folder)]
    if full:
        put = swapped(loaded, full[0])
    elif tensors:
        put = injected(loaded, tensors[0])
    else:
        put = adapted(loaded, folders)
    with put:
        yield


@contextmanager
def arm_in_place(loaded: LoadedModel, tuned: Mapping[str, Path], name: str) -> Iterator[None]:
    """Put one arm's weights in place for every row of every pass."""
    with weights_in_place(loaded, tuned, {name}), all_routed(name):
        yield
