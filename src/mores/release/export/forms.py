"""Tuned weights in other programs' forms: copied, merged into the base model, converted to GGUF."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import ModelError
from mores.records import Decoding
from mores.tune.adapters import ADAPTER_CONFIG, ADAPTER_WEIGHTS, FULL_WEIGHTS
from mores.weights.quiet import quiet
from mores.weights.weights_file import system_errors

TORCH = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}
CONVERTER = "convert_hf_to_gguf.py"
TOKENIZER = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
)


def is_whole(folder: Path) -> bool:
    """Whether an arm is a model of its own: all weights were tuned."""
    return (folder / FULL_WEIGHTS).exists()


def copy_adapter(tuned: Path, target: Path) -> None:
    """Copy an adapter in PEFT's form, byte for byte."""
    with store.disk_errors(target):
        target.mkdir(parents=True, exist_ok=True)
        for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
            shutil.copyfile(tuned / name, target / name)


def open_tuned(base: Path, tuned: Path) -> Any:
    """Return the tuned model in float32, as transformers and peft read it from these folders.

    Raises:
        ModelError: they cannot be read, or do not fit each other.
    """
    if is_whole(tuned):
        return open_model(tuned)
    from peft import PeftModel

    model = open_model(base)
    with quiet():
        try:
            return PeftModel.from_pretrained(model, str(tuned)).eval()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"peft cannot read this adapter: {error}", path=tuned) from error


def open_model(folder: Path) -> Any:
    """Return a folder's model in float32, with transformers' own attention.

    Raises:
        ModelError: it cannot be read.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with quiet():
        try:
            return AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=torch.float32,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                attn_implementation="eager",
            ).eval()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"transformers cannot read it: {error}", path=folder) from error


def write_merged(model: Any, target: Path, dtype: str) -> None:
    """Write one model with an adapter's changes added to its weights.

    Added up in float32 and rounded once: in 16 bits, small changes to large weights are lost.

    Args:
        model: as `open_tuned` gives it; used up.
        target: folder to fill.
        dtype: ``f32``, ``bf16`` or ``f16``.
    """
    import torch

    with quiet(), store.disk_errors(target), system_errors():
        merged = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
        merged = merged.to(getattr(torch, TORCH[dtype]))
        merged.save_pretrained(target)
        for path in target.glob("*.safetensors"):  # left readable by its owner alone
            path.chmod((target / "config.json").stat().st_mode)


def write_tokenizer(base: Path, target: Path, template: str) -> None:
    """Copy the base model's tokenizer as it is, with the chat template of the prompt format."""
    with store.disk_errors(target):
        target.mkdir(parents=True, exist_ok=True)
        for path in _matching(base, TOKENIZER):
            shutil.copyfile(path, target / path.name)
    # Older models keep the template in this file; where both are there, readers differ.
    path = target / "tokenizer_config.json"
    settings = store.read_json(path)
    if settings.pop("chat_template", None) is not None:
        store.write_json(path, settings)
    store.write_text(target / "chat_template.jinja", template)


def _matching(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def write_generation(target: Path, decoding: Decoding, ends: Sequence[int]) -> None:
    """Write generation_config.json: what ends an answer, and the study's way to draw.

    Programs that read it (transformers, vLLM) then stop where mores does, and draw as was measured.
    """
    drawn = {"do_sample": True, "temperature": decoding.temperature, "top_p": decoding.top_p,
             "top_k": decoding.top_k} if decoding.temperature else {"do_sample": False}  # fmt: skip
    settings = {
        "eos_token_id": list(ends),
        "pad_token_id": ends[0],
        "max_new_tokens": decoding.max_new_tokens,
        "repetition_penalty": 1.0,
        **drawn,
    }
    store.write_json(target / "generation_config.json", settings)


def write_gguf(merged: Path, target: Path, dtype: str, converter: Path) -> None:
    """Convert a model folder by llama.cpp's converter.

    Args:
        merged: the folder.
        target: the file to write.
        dtype: ``f32``, ``bf16``, ``f16`` or ``q8_0``.
        converter: the program, or the folder of llama.cpp that has it.

    Raises:
        ModelError: it is not there, or it failed, with its last word.
    """
    program = converter / CONVERTER if converter.is_dir() else converter
    if not program.is_file():
        raise ModelError(
            f"llama.cpp's {CONVERTER} is not here",
            path=program,
            fix="clone llama.cpp, pip install its requirements, and name its folder: --converter",
        )
    command = [sys.executable, str(program), str(merged), "--outtype", dtype, "--outfile"]
    done = subprocess.run(
        [*command, str(target)], capture_output=True, text=True, check=False, errors="replace"
    )
    if done.returncode or not target.exists():
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise ModelError(
            f"the converter failed: {said[-1].strip()[:300] if said else 'it gave no reason'}",
            path=program,
            fix="it may not know this architecture or tokenizer, or lack one of its requirements "
            "(sentencepiece, gguf)",
        )
