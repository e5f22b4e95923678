"""A resolved model → weights and tokenizer in memory, ready for training and sampling.

loaded = load(resolve("smollm2-135m"))
hidden = loaded.hidden(flat_ids, Layout.of([len(flat_ids)]))
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mores.errors import ModelError
from mores.weights import attention
from mores.weights.attention import Layout
from mores.weights.quiet import quiet
from mores.weights.resolve import ResolvedModel, refuse_pickle

if TYPE_CHECKING:
    import torch


_STANDARD = "choose a decoder-only model with standard attention (Llama, Qwen, Gemma 3, ...)"


@dataclass
class LoadedModel:
    """A causal language model with its tokenizer, run through `attention`."""

    name: str
    model: Any
    tokenizer: Any
    digest: str

    @property
    def parameters(self) -> int:
        """Number of base weights, tied ones counted once, adapters not counted."""
        return sum(p.numel() for n, p in self.model.named_parameters() if "lora_" not in n)

    @property
    def context(self) -> int:
        """Longest text in tokens that the model was made for."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", 1 << 20))

    @property
    def eos(self) -> int:
        """Id of the end-of-text token that training appends and sampling stops at."""
        return int(self.tokenizer.eos_token_id)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = next(self.model.parameters()).device
        return device

    def hidden(self, ids: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Run a flat row of token ids; return final hidden states, shape (tokens, width)."""
        with attention.using(layout):
            return self.forward(ids, layout.positions())

    def forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Run one flat row inside an attention context: (tokens,) → (tokens, width)."""
        output = self.decoder(
            input_ids=ids[None].to(self.device),
            position_ids=positions[None].to(self.device),
            use_cache=False,
        )
        hidden: torch.Tensor = output.last_hidden_state[0]
        return hidden

    @property
    def decoder(self) -> Any:
        """The model without its output layer."""
        return self.model.base_model

    @property
    def head(self) -> Any:
        """The output layer."""
        return self.model.get_output_embeddings()

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Apply the output layer: (..., width) → (..., vocabulary)."""
        logits: torch.Tensor = self.head(hidden)
        return logits


def load(
    resolved: ResolvedModel, *, dtype: str = "float32", device: str | None = None
) -> LoadedModel:
    """Load a model for training or sampling.

    Args:
        resolved: where the weights are (see `mores.weights.resolve`).
        dtype: ``float32``, ``bfloat16``, or ``auto`` for what suits the device.
        device: torch device; by default a GPU where there is one, else the CPU.

    Raises:
        ModelError: no weights, pickled, damaged or missing ones, no end-of-text token, or an
            architecture whose outputs differ when run through our attention.
    """
    import gc

    import torch

    from mores.weights.machine import choose_dtype

    # Adapters leave cycles behind: without this the base before would stay beside this one.
    gc.collect()
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    dtype = choose_dtype(dtype, on_gpu=device != "cpu")
    folder = Path(resolved.folder)
    refuse_pickle(folder)
    attention.register()
    with quiet():
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model, found = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
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
    _refuse_missing(folder, sorted(found["missing_keys"]))
    if tokenizer.eos_token_id is None:
        raise ModelError(
            "the tokenizer has no end-of-text token, so answers could never end",
            path=folder,
            fix="set eos_token in tokenizer_config.json",
        )
    model.eval()
    model.to(device)
    loaded = LoadedModel(
        name=resolved.name, model=model, tokenizer=tokenizer, digest=resolved.digest
    )
    _check_parity(loaded)
    return loaded


def _refuse_missing(folder: Path, names: list[str]) -> None:
    """Refuse a model that transformers has completed with randomly drawn weights."""
    if names:
        raise ModelError(
            f"{len(names)} weights are missing, such as {names[0]!r}",
            path=folder,
            fix="fetch or export the folder again; mores does not draw missing weights at random",
        )


def _check_parity(loaded: LoadedModel) -> None:
    """Compare our flat, cache-free path with the architecture's own, then switch to ours."""
    import torch

    ids = torch.tensor(probe_ids(loaded.tokenizer))
    with torch.no_grad():
        own = loaded.model(input_ids=ids[None].to(loaded.device), use_cache=False).logits[0]
        try:
            loaded.model.set_attn_implementation(attention.NAME)
            ours = loaded.logits(loaded.hidden(ids, Layout.of([len(ids)])))
        except (ValueError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{type(loaded.model).__name__} cannot run through mores' attention: {error}",
                fix=_STANDARD,
            ) from error
    scale = max(1.0, float(own.abs().max()))
    tolerance = 1e-3 if own.dtype == torch.float32 else 5e-2
    gap = float((own - ours).abs().max()) / scale
    if not gap < tolerance:
        raise ModelError(
            f"{type(loaded.model).__name__} gives other numbers through mores' attention "
            f"(largest relative difference {gap:.2g})",
            fix=_STANDARD,
        )


def probe_ids(tokenizer: Any) -> list[int]:
    """A few token ids for checks."""
    ids: list[int] = tokenizer("The quick brown fox sat down. Why? Because it could.")["input_ids"]
    return ids
