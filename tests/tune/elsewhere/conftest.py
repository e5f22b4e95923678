"""A study whose arms a host tunes, and what is heard of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mores.progress import Progress
from mores.study import load_study
from mores.study.arms import ArmKey
from mores.study.folders import tune_folder
from mores.tune.base import base_of
from mores.tune.run import tune_step
from mores.tune.tuner import TuneJob

KEY = "sk-s3cret-of-the-host"
KEY_ENV = "MORES_TEST_HOST_KEY"


class Heard(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Arms:
    """Jobs of the arms of one study, with settings of the model's entry."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard = Heard()

    def study(self, *overrides: str, model: str, host: str, form: str = "chat"):
        """The study with one model, tuned at a host."""
        path = self.folder / "study.toml"
        text = path.read_text("utf-8")
        start, end = text.index("[[models]]"), text.index("[recipe]")
        entry = f'[[models]]\nname = "{model}"\nformat = "{form}"\nengine = "openai"\n{host}\n'
        path.write_text(text[:start] + entry + text[end:], "utf-8")
        return load_study(self.folder, overrides=overrides)

    def again(self, *overrides: str):
        """The study as it lies there now."""
        return load_study(self.folder, overrides=overrides)

    def job(self, study, arm: str = "values_targeted", seed: int = 1) -> TuneJob:
        spec, key = study.config.models[0], ArmKey(arm, seed)
        return TuneJob(
            study, spec, base_of(spec), key, tune_folder(study, spec.name, key), self.heard
        )

    def step(self, job: TuneJob):
        return tune_step(job.study, job.spec, job.key, job.resolved.digest)


@pytest.fixture
def arms(tiny_study: Path, monkeypatch: pytest.MonkeyPatch) -> Arms:
    monkeypatch.setenv(KEY_ENV, KEY)
    return Arms(tiny_study)
