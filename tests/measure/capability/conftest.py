"""What the capability tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))  # harness_files.py


@pytest.fixture(scope="session")
def plain(tiny_folder: Path):
    """The model as transformers runs it: the oracle."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_folder).eval()
