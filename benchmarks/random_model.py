"""Llama models of 1, 3 or 8 billion randomly drawn weights, for speed where quality is no matter.

    write_random_model("1b", tokenizer_folder, folder)

Takes a size and a folder with a tokenizer; writes a model folder that transformers, TRL and mores
load like any other.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from mores.errors import ModelError, did_you_mean

SIZES = {
    # hidden, feed-forward, layers, query heads, key heads: the shapes of Llama 3
    "tiny": (64, 128, 2, 4, 2),
    "1b": (2048, 8192, 16, 32, 8),
    "3b": (3072, 8192, 28, 24, 8),
    "8b": (4096, 14336, 32, 32, 8),
}


def write_random_model(size: str, tokenizer_folder: Path, folder: Path) -> Path:
    """Write a model of random bfloat16 weights (``tiny``: float32) and a copy of the tokenizer.

    Args:
        size: one of `SIZES`.
        tokenizer_folder: a model folder whose tokenizer is used.
        folder: where to write; kept as it is where it already holds a model.

    Returns:
        The folder.

    Raises:
        ModelError: unknown size.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

    if size not in SIZES:
        raise ModelError(
            f"unknown size {size!r}{did_you_mean(size, list(SIZES))}",
            fix="sizes: " + ", ".join(SIZES),
        )
    if (folder / "config.json").exists():
        return folder
    hidden, wide, layers, heads, key_heads = SIZES[size]
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=wide,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        max_position_embeddings=8192,
        tie_word_embeddings=False,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    dtype = torch.float32 if size == "tiny" else torch.bfloat16
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    try:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)  # half a model would be taken for a whole one
        raise
    return folder
