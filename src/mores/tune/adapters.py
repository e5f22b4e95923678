"""Which weights are trained, and how they are kept: LoRA adapters or all weights.

Adapters are written in PEFT's own form (``adapter_config.json`` and
``adapter_model.safetensors``), full tunings as a model folder, so that other
tools read both. An adapter is always called ``default`` inside its file: some
arm names, such as ``values``, would clash with torch's own attributes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores import store
from mores.errors import ModelError
from mores.records import Recipe
from mores.step import MANIFEST
from mores.tune.checkpoint import CHECKPOINT
from mores.weights.load import LoadedModel
from mores.weights.quiet import quiet
from mores.weights.weights_file import save_weights

if TYPE_CHECKING:
    import torch

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
FULL_WEIGHTS = "model.safetensors"


def make_trainable(loaded: LoadedModel, recipe: Recipe, seed: int) -> dict[str, torch.nn.Parameter]:
    """Mark the weights that a recipe trains; add adapters where it asks for them.

    The seed is set before adapters are drawn, so the same seed gives the same start for every arm.

    Returns:
        Trainable parameters by name, in a fixed order.
    """
    import torch

    torch.manual_seed(seed)
    if recipe.method == "lora":
        inject_lora(loaded.model, recipe)
    else:
        loaded.model.requires_grad_(True)
    return {n: p for n, p in loaded.model.named_parameters() if p.requires_grad}


def inject_lora(model: Any, recipe: Recipe) -> None:
    """Add freshly drawn LoRA adapters to every linear layer except the output layer.

    Raises:
        ModelError: the model has no such layers.
    """
    from peft import LoraConfig, inject_adapter_in_model
    from peft.tuners.lora.layer import Linear as LoraLinear

    from mores.tune.lora import fuse

    model.requires_grad_(False)
    names = linear_names(model)
    if not names:
        raise ModelError(
            f"{type(model).__name__} has no plain linear layers to put adapters on",
            fix='set recipe.method = "full", or choose another model',
        )
    config = LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=0.0,
        target_modules=names,
        task_type="CAUSAL_LM",
    )
    with quiet():
        inject_adapter_in_model(config, model, adapter_name="default")
    for layer in model.modules():
        if isinstance(layer, LoraLinear):
            fuse(layer)


def linear_names(model: Any) -> list[str]:
    """Last parts of the names of all linear layers but the output layer."""
    import torch

    head = model.get_output_embeddings()
    return sorted(
        {
            name.rpartition(".")[2]
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and module is not head
        }
    )


def save_tuned(loaded: LoadedModel, recipe: Recipe, folder: Path, base: str) -> list[str]:
    """Write tuned weights; return the names of the files.

    Args:
        loaded: the model with trained weights.
        recipe: what was trained.
        folder: where to write.
        base: name of the base model, recorded for other tools.

    Raises:
        StoreError: disk full, no permission, read-only.
    """
    with store.disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if recipe.method == "full":
        weights = {n: p.detach().contiguous() for n, p in loaded.model.named_parameters()}
        name = FULL_WEIGHTS
        # config and tokenizer make the folder loadable by itself
        with store.disk_errors(folder):
            loaded.model.config.save_pretrained(folder)
            loaded.tokenizer.save_pretrained(folder)
    else:
        weights = {
            # PEFT's file names leave the adapter's own name out
            f"base_model.model.{n}".replace(".default.", "."): p.detach().contiguous()
            for n, p in loaded.model.named_parameters()
            if ".lora_" in n
        }
        name = ADAPTER_WEIGHTS
        _write_adapter_config(loaded, recipe, folder, base)
    save_weights(folder / name, weights, {"format": "pt"})
    return [p.name for p in sorted(folder.iterdir()) if _is_output(p)]


def _is_output(path: Path) -> bool:
    # The checkpoint is still there, but goes once the manifest is written.
    other = (MANIFEST, CHECKPOINT)
    return path.suffix in (".safetensors", ".json", ".jinja") and path.name not in other


def _write_adapter_config(loaded: LoadedModel, recipe: Recipe, folder: Path, base: str) -> None:
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": recipe.lora_rank,
        "lora_alpha": recipe.lora_alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": _adapted_names(loaded.model),
    }
    store.write_text(folder / ADAPTER_CONFIG, json.dumps(config, indent=2) + "\n")


def _adapted_names(model: Any) -> list[str]:
    names = {
        n.split(".lora_")[0].rpartition(".")[2]
        for n, _ in model.named_parameters()
        if ".lora_" in n
    }
    return sorted(names)


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
