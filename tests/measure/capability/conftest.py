"""What the capability tests share."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))  # harness_files.py


@pytest.fixture(scope="session")
def plain(tiny_folder: Path):
    """The model as transformers runs it: the oracle."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_folder).eval()


@pytest.fixture
def spoken():
    """A progress display that keeps what it was told."""
    from mores.progress import Progress

    progress = Progress(quiet=True)
    progress.lines = []
    progress.say = progress.lines.append
    return progress


_tuned: dict[str, Path] = {}


@pytest.fixture
def tuned_study(
    tiny_study: Path,
    tiny_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The tiny study with its arms tuned (once; later tests get a copy)."""
    from mores.study import load_study
    from mores.tune.run import tune

    monkeypatch.chdir(tiny_folder.parent)
    path = tiny_study / "study.toml"
    text = path.read_text().replace(str(tiny_folder), tiny_folder.name)
    path.write_text(text)
    if "runs" not in _tuned:
        tune(load_study(tiny_study))
        _tuned["runs"] = tmp_path_factory.mktemp("tuned") / "runs"
        shutil.copytree(tiny_study / "runs", _tuned["runs"])
    else:
        shutil.copytree(_tuned["runs"], tiny_study / "runs")
    return tiny_study
