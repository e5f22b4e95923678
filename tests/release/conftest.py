"""A service that answers as it is told, and a study with its answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fake_service import answer, clock, service

__all__ = ["answer", "clock", "service"]


@pytest.fixture
def sampled_study(tiny_study: Path, once: Callable[..., None]) -> Path:
    """The tiny study, tuned and sampled."""
    from mores.sample import sample
    from mores.study import load_study
    from mores.tune.run import tune

    def made() -> None:
        tune(load_study(tiny_study))
        sample(load_study(tiny_study))

    once(tiny_study, made)
    return tiny_study
