"""One loaded model for tests that only read it, and other small architectures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def read_only(tiny_folder: Path):
    """The two-layer model; do not change it."""
    from mores.weights.load import load
    from mores.weights.resolve import resolve

    return load(resolve(str(tiny_folder)))


@pytest.fixture(scope="session")
def plain(tiny_folder: Path):
    """The same weights as transformers runs them by itself."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_folder, attn_implementation="sdpa").eval()


@pytest.fixture
def variant(tiny_folder: Path, tmp_path: Path):
    """Write a randomly drawn model of a given configuration beside the tiny tokenizer."""

    def write(config) -> Path:
        import torch
        from transformers import AutoModelForCausalLM

        folder = tmp_path / config.model_type
        folder.mkdir()
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            shutil.copy(tiny_folder / name, folder / name)
        torch.manual_seed(1)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        return folder

    return write


@pytest.fixture
def copied(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model's folder that a test may spoil."""
    return shutil.copytree(tiny_folder, tmp_path / "copy")
