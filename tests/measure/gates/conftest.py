"""What the gates' tests share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


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
    """The tiny study with its arms tuned (once; later tests get a copy), few gate prompts."""
    from mores.study import load_study
    from mores.tune.run import tune

    monkeypatch.chdir(tiny_folder.parent)
    path = tiny_study / "study.toml"
    text = path.read_text("utf-8").replace(str(tiny_folder), tiny_folder.name)
    gates = "\n[gates]\nitems = 6\ndecoding = { temperature = 1.0, max_new_tokens = 12 }\n"
    path.write_text(text + gates, "utf-8")
    if "runs" not in _tuned:
        tune(load_study(tiny_study))
        _tuned["runs"] = tmp_path_factory.mktemp("tuned") / "runs"
        shutil.copytree(tiny_study / "runs", _tuned["runs"])
    else:
        shutil.copytree(_tuned["runs"], tiny_study / "runs")
    return tiny_study
