"""What the gates' tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def tuned_study(tuned_study: Path) -> Path:
    """The tiny study with its arms tuned, and few gate prompts."""
    with (tuned_study / "study.toml").open("a", encoding="utf-8") as file:
        file.write("\n[gates]\nitems = 6\ndecoding = { temperature = 1.0, max_new_tokens = 12 }\n")
    return tuned_study
