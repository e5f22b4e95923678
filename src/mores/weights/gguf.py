"""GGUF → a folder of safetensors that can be trained, saved and loaded in seconds.

A model that transformers loads from GGUF counts as quantised: it can be neither
trained nor saved. Loading it dequantised once and saving plain float32 weights
removes both limits.

    convert_gguf(Path("SmolLM2-135M-Instruct.Q4_1.gguf"), Path("smollm2-135m"))
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import ModelError


def convert_gguf(source: Path, target: Path) -> None:
    """Write the weights, configuration and tokenizer of a GGUF file to ``target``.

    Args:
        source: a GGUF file of an architecture that transformers can read.
        target: folder to fill; created if absent.

    Raises:
        ModelError: not a GGUF file, or an architecture that cannot be read.
    """
    from mores.weights.quiet import quiet
    from mores.weights.weights_file import system_errors

    model, tokenizer = read_gguf(source)
    with quiet(), contextlib.redirect_stderr(io.StringIO()), system_errors():
        model.save_pretrained(target)
        tokenizer.save_pretrained(target)
        _drop_added(target, model.get_input_embeddings().weight.shape[0])


def read_gguf(source: Path) -> tuple[Any, Any]:
    """Return the model of a GGUF file in float32, and its tokenizer, as transformers reads them.

    Raises:
        ModelError: not a GGUF file, or an architecture that cannot be read.
    """
    import torch

    from mores.weights.quiet import quiet

    with source.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelError(
                "this is not a GGUF file (its first bytes are not 'GGUF')",
                path=source,
                fix="name a .gguf file, a folder with safetensors weights, or a Hub id",
            )
    # The reader draws its own progress bar on stderr, which no setting turns off.
    with quiet(), contextlib.redirect_stderr(io.StringIO()):
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

        try:
            model = AutoModelForCausalLM.from_pretrained(
                source.parent,
                gguf_file=source.name,
                dtype=torch.float32,
                quantization_config=GgufConfig(dequantize=True),
            )
            tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
        # The reader says so in many ways when a file is cut off or damaged (struct.error,
        # IndexError, UnicodeDecodeError, ...).
        except Exception as error:
            raise ModelError(
                f"transformers cannot read this GGUF file: {error}",
                path=source,
                fix="use the model's safetensors form instead",
            ) from error
    return model, tokenizer


def _drop_added(target: Path, rows: int) -> None:
    """Take out tokens that transformers adds to every such file, and that have no embedding."""
    path = target / "tokenizer.json"
    tokenizer = store.read_json(path)
    tokenizer["added_tokens"] = [t for t in tokenizer["added_tokens"] if t["id"] < rows]
    store.write_text(path, json.dumps(tokenizer, ensure_ascii=False))
