"""Which weights are trained, and how they are kept: LoRA adapters or all weights.

Adapters are written in PEFT's own form (``adapter_config.json`` and
``adapter_model.safetensors``), full tunings as a model folder, so that other
tools read both. An adapter is always called ``default`` inside its file: some
arm names, such as ``values``, would clash with torch's own attributes.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores import store
from mores.errors import ModelError
from mores.records import Recipe
from mores.step import MANIFEST
from mores.tune.checkpoint import CHECKPOINT
from mores.tune.group import ALONE, Group
from mores.tune.reach import adapted, reach
from mores.weights.loaded import LoadedModel
from mores.weights.quiet import quiet
from mores.weights.weights_file import save_weights

if TYPE_CHECKING:
    import torch

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
FULL_WEIGHTS = "model.safetensors"


def trained_weights(loaded: LoadedModel) -> dict[str, torch.nn.Parameter]:
    """Weights that are marked for training by name, in a fixed order."""
    return {n: p for n, p in loaded.model.named_parameters() if p.requires_grad}


def make_trainable(loaded: LoadedModel, recipe: Recipe, seed: int) -> dict[str, torch.nn.Parameter]:
    """Mark the weights that a recipe trains; add adapters where it asks for them.

    The seed is set before adapters are drawn, so the same seed gives the same start for every arm.

    Returns:
        Trainable parameters by name, in a fixed order.

    Raises:
        ModelError: adapters find no layers, or all weights of a quantised model are to be trained.
    """
    import torch

    torch.manual_seed(seed)
    if recipe.method == "lora":
        inject_lora(loaded, recipe)
    elif loaded.quantised:
        raise ModelError(
            f"weights that {loaded.quantised} has quantised cannot be trained",
            fix='set recipe.method = "lora", or use the model before it was quantised',
        )
    else:
        loaded.model.requires_grad_(True)
    return trained_weights(loaded)


def inject_lora(loaded: LoadedModel, recipe: Recipe) -> None:
    """Add freshly drawn LoRA adapters to every layer that `reach` finds.

    Raises:
        ModelError: the model has no such layers.
    """
    from peft import LoraConfig, inject_adapter_in_model
    from peft.tuners.lora.layer import Linear as LoraLinear
    from peft.utils.transformers_weight_conversion import convert_peft_config_for_transformers

    from mores.tune.lora import fuse

    loaded.model.requires_grad_(False)
    found = reach(loaded)
    if not found.layers and not found.experts:
        raise ModelError(
            f"{type(loaded.model).__name__} has no linear layers to put adapters on",
            fix='set recipe.method = "full", or choose another model',
        )

    def configured(layers: Collection[str]) -> LoraConfig:
        return LoraConfig(
            r=recipe.lora_rank,
            lora_alpha=recipe.lora_alpha,
            lora_dropout=0.0,
            fan_in_fan_out=found.transposed,
            target_modules=list(layers),
            target_parameters=list(found.experts) or None,
            task_type="CAUSAL_LM",
        )

    # Where experts are one tensor, PEFT reads the names that they had before (gate_proj, ...) as
    # theirs: dense layers of these names would make an adapter that no other tool could read.
    read = configured(found.layers)
    convert_peft_config_for_transformers(read, loaded.model, None)
    config = configured(set(found.layers) & set(read.target_modules or ()))
    with quiet():
        inject_adapter_in_model(config, loaded.model, adapter_name="default")
    for layer in loaded.model.modules():
        if isinstance(layer, LoraLinear):
            fuse(layer)
    _try(loaded)


def take_out(model: Any) -> None:
    """Put layers back that adapters were wrapped around, however often."""
    from peft.tuners.lora.layer import LoraLayer

    wrapped = [(n, m) for n, m in model.named_modules() if isinstance(m, LoraLayer)]
    for name, layer in wrapped:
        if not name.endswith(".base_layer"):
            put_layer(model, name, layer.get_base_layer())


def put_layer(model: Any, path: str, layer: torch.nn.Module) -> None:
    """Put a layer where a model has another one."""
    parent, _, last = path.rpartition(".")
    setattr(model.get_submodule(parent) if parent else model, last, layer)


def _try(loaded: LoadedModel) -> None:
    """Run a text through the adapters, so that what PEFT cannot run is refused before training.

    Raises:
        ModelError: the architecture fails with adapters in it.
    """
    import torch

    from mores.weights.attention import Layout
    from mores.weights.probe import probe_ids

    ids = torch.tensor(probe_ids(loaded.tokenizer))
    try:
        with torch.no_grad():
            loaded.hidden(ids, Layout.of([len(ids)]))
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"{type(loaded.model).__name__} does not run with LoRA adapters: {error}",
            fix='set recipe.method = "full", or choose another model',
        ) from error


def save_tuned(
    loaded: LoadedModel, recipe: Recipe, folder: Path, base: str, group: Group = ALONE
) -> list[str]:
    """Write tuned weights; return the names of the files.

    Args:
        loaded: the model with trained weights.
        recipe: what was trained.
        folder: where to write.
        base: name of the base model, recorded for other tools.
        group: the processes that hold the parts; the first of them writes, the others return [].

    Raises:
        StoreError: disk full, no permission, read-only.
    """
    full = recipe.method == "full"
    weights = group.gathered(
        all_weights(loaded.model).items() if full else adapter_weights(loaded.model)
    )
    if group.rank:
        return []
    with store.disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if full:
        name = FULL_WEIGHTS
        # config and tokenizer make the folder loadable by itself
        with store.disk_errors(folder):
            loaded.model.config.save_pretrained(folder)
            loaded.tokenizer.save_pretrained(folder)
    else:
        name = ADAPTER_WEIGHTS
        _write_adapter_config(loaded, recipe, folder, base)
    save_weights(folder / name, weights, {"format": "pt"})
    return [p.name for p in sorted(folder.iterdir()) if _is_output(p)]


def adapter_weights(model: Any) -> list[tuple[str, torch.Tensor]]:
    """Adapters by the names of PEFT's files, which leave the adapter's own name out."""
    return [
        (f"base_model.model.{n}".replace(".default.", "."), p)
        for n, p in model.named_parameters()
        if ".lora_" in n
    ]


def all_weights(model: Any) -> dict[str, torch.Tensor]:
    """Everything that a model folder holds: parameters, tied ones once, and persistent buffers."""
    kept = set(model.state_dict())
    buffers = {n: b for n, b in model.named_buffers() if n in kept}
    return {**dict(model.named_parameters()), **buffers}


def _is_output(path: Path) -> bool:
    # The checkpoint is still there, but goes once the manifest is written.
    other = (MANIFEST, CHECKPOINT)
    return path.suffix in (".safetensors", ".json", ".jinja") and path.name not in other


def _write_adapter_config(loaded: LoadedModel, recipe: Recipe, folder: Path, base: str) -> None:
    found = adapted(loaded.model)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": recipe.lora_rank,
        "lora_alpha": recipe.lora_alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": found.transposed,
        "inference_mode": True,
        "target_modules": list(found.layers),
        **({"target_parameters": list(found.experts)} if found.experts else {}),
    }
    store.write_text(folder / ADAPTER_CONFIG, json.dumps(config, indent=2) + "\n")


def read_adapter(folder: Path) -> tuple[dict[str, torch.Tensor], float]:
    """Return an adapter's weights by name and its scale (alpha / rank).

    Raises:
        ModelError: files missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    config = store.read_json(folder / ADAPTER_CONFIG)
    try:
        weights = load_file(folder / ADAPTER_WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"this adapter cannot be read: {error}",
            path=folder,
            fix="delete the folder and tune again",
        ) from None
    return weights, config["lora_alpha"] / config["r"]
