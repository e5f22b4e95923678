"""A resolved model → weights and tokenizer in memory, ready for training and sampling.

loaded = load(resolve("smollm2-135m"))
hidden = loaded.hidden(flat_ids, Layout.of([len(flat_ids)]))
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import ModelError, MoresError
from mores.weights import attention
from mores.weights.kept import keep, kept
from mores.weights.loaded import LoadedModel
from mores.weights.probe import examine
from mores.weights.quiet import quiet
from mores.weights.remembered import recall, remember
from mores.weights.resolve import ResolvedModel, refuse_pickle

QUANTISERS = {"bitsandbytes": "bitsandbytes", "gptq": "gptqmodel", "awq": "gptqmodel"}
"""How weights may be quantised → the library that runs them, and LoRA on top of them."""


def load(
    resolved: ResolvedModel,
    *,
    dtype: str = "float32",
    device: str | None = None,
    say: store.Say | None = None,
    plain: str = "",
) -> LoadedModel:
    """Load a model for training or sampling, and find out how it can be run.

    Inside `mores.weights.kept.keeping` the model that was loaded last is given out again.

    Args:
        resolved: where the weights are (see `mores.weights.resolve`).
        dtype: ``float32``, ``bfloat16``, or ``auto`` for what suits the device.
        device: torch device; by default a GPU where there is one, else the CPU.
        plain: why it is to be run as transformers runs it; empty finds the fast way.
        say: told, in one line, where a model cannot be run the fast way, and what that costs.

    Raises:
        ModelError: no weights, pickled, damaged or missing ones, an adapter without its base, a
            form of quantisation whose library is not there, no end-of-text token, more token ids
            than embeddings, or an architecture that does not write from left to right.
    """
    import gc

    import torch

    from mores.weights.machine import choose_dtype

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = choose_dtype(dtype, on_gpu=device != "cpu")
    key = (resolved, dtype, device, plain)
    if (before := kept(key)) is not None:
        return before
    # Adapters leave cycles behind: without this the base before would stay beside this one.
    gc.collect()
    folder = Path(resolved.folder)
    refuse_pickle(folder)
    _refuse_adapter(folder)
    quantised = _quantised(folder)
    attention.register()
    # cuDNN's attention plans anew for every length that it meets, and no two texts are alike.
    torch.backends.cuda.enable_cudnn_sdp(False)
    model, tokenizer, missing = _read(folder, dtype, device if quantised else None)
    _refuse_missing(folder, missing)
    _refuse_tokenizer(folder, tokenizer, model)
    model.eval()
    model.requires_grad_(False)  # what is trained says so
    if not quantised:
        model.to(device)
    loaded = LoadedModel(
        name=resolved.name,
        model=model,
        tokenizer=tokenizer,
        digest=resolved.digest,
        quantised=quantised,
    )
    if not recall(loaded, plain):
        examine(loaded, plain)
        remember(loaded, plain)
    keep(key, loaded)
    note = loaded.way.note(f"{loaded.name} ({type(model).__name__})")
    if note and say:
        say(note)
    return loaded


def _read(folder: Path, dtype: str, device: str | None) -> tuple[Any, Any, list[str]]:
    """Read a folder's files: model, tokenizer, names of weights that are not there.

    Args:
        folder: the model's.
        dtype: number format to compute in.
        device: where quantised weights go at once; None for others.

    Raises:
        ModelError: they cannot be read.
    """
    import torch

    with quiet():
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model, found = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                device_map={"": device} if device else None,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        # RuntimeError: weights whose shapes differ from config.json's
        except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
            raise ModelError(
                f"this model cannot be loaded: {(str(error) or repr(error)).splitlines()[0]}",
                path=folder,
                fix="a model folder holds config.json, tokenizer files and *.safetensors",
            ) from error
    return model, tokenizer, sorted(found["missing_keys"])


def _refuse_adapter(folder: Path) -> None:
    """Refuse a folder that holds an adapter; transformers would quietly fetch its base for it."""
    if (folder / "adapter_config.json").exists():
        base = store.read_json(folder / "adapter_config.json").get("base_model_name_or_path")
        raise ModelError(
            f"this folder holds an adapter, made for {base or 'a base model that it does not name'}"
            ", not a model",
            path=folder,
            fix="merge it first (with peft: PeftModel.merge_and_unload), save the whole model, and "
            "name that folder; to start from the base alone, name the base",
        )


def _quantised(folder: Path) -> str:
    """Return the method by which a folder's weights are quantised; refuse what cannot be run."""
    try:
        found = store.read_json(folder / "config.json").get("quantization_config")
    except MoresError:  # absent or damaged: said when the model is loaded
        return ""
    if not found:
        return ""
    method = str(found.get("quant_method") or "bitsandbytes").lower()
    library = QUANTISERS.get(method)
    if library is None or find_spec(library) is None:
        raise ModelError(
            f"its weights are quantised by {method}, and "
            + (f"{library} is not installed" if library else "mores does not run that form"),
            path=folder,
            fix=(f"pip install {library}, or " if library else "")
            + "use the folder of the model before it was quantised",
        )
    return method


def _refuse_missing(folder: Path, names: list[str]) -> None:
    """Refuse a model that transformers has completed with randomly drawn weights."""
    if names:
        raise ModelError(
            f"{len(names)} weights are missing, such as {names[0]!r}",
            path=folder,
            fix="fetch or export the folder again; mores does not draw missing weights at random",
        )


def _refuse_tokenizer(folder: Path, tokenizer: Any, model: Any) -> None:
    """Refuse a tokenizer that cannot end a text or gives ids that the model has no row for."""
    if tokenizer.eos_token_id is None:
        raise ModelError(
            "the tokenizer has no end-of-text token, so answers could never end",
            path=folder,
            fix="set eos_token in tokenizer_config.json",
        )
    rows = model.get_input_embeddings().weight.shape[0]
    token, last = max(tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    if last >= rows:
        raise ModelError(
            f"the tokenizer's ids go up to {last} ({token!r}), but the model has embeddings for "
            f"{rows} ids, 0 to {rows - 1}",
            path=folder,
            fix="the tokenizer belongs to another model, or tokens were added without resizing the "
            "embeddings: use the tokenizer that came with the weights",
        )
