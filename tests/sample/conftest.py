"""What the sampling tests share: PEFT's own adapters, a tuned study, the plain model as oracle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mores.sample.requests import Request
from mores.study.arms import ArmKey

BASE = ArmKey("base", 0)


class Spoken:
    """A progress display that keeps what it was told."""

    def __new__(cls):
        from mores.progress import Progress

        progress = Progress(quiet=True)
        progress.lines = []
        progress.say = progress.lines.append
        return progress


@pytest.fixture
def spoken():
    return Spoken()


@pytest.fixture
def tiny(tiny):
    """The tiny model under a fixed name: random numbers depend on it, and its path varies."""
    tiny.name = "tiny"
    return tiny


@pytest.fixture
def tiny_study(tiny_study: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny study with its model named relative to the working folder, so always the same."""
    monkeypatch.chdir(tiny_folder.parent)
    path = tiny_study / "study.toml"
    path.write_text(path.read_text().replace(str(tiny_folder), tiny_folder.name))
    return tiny_study


@pytest.fixture(scope="session")
def plain(tiny_folder: Path):
    """The model as transformers runs it: the oracle."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_folder).eval()


@pytest.fixture(scope="session")
def adapters(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two adapters written by PEFT, with large random weights so that they change every answer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folders = {}
    for number, name in enumerate(("control-s1", "values_targeted-s1")):
        torch.manual_seed(10 + number)
        config = LoraConfig(
            r=4,
            lora_alpha=8 + 4 * number,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"],
            task_type="CAUSAL_LM",
        )
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_folder), config)
        for key, weights in model.named_parameters():
            if "lora_B" in key:
                torch.nn.init.normal_(weights, std=0.3)
        folders[name] = tmp_path_factory.mktemp(name)
        model.save_pretrained(folders[name])
    return folders


@pytest.fixture(scope="session")
def peft_models(tiny_folder: Path, adapters: dict[str, Path]):
    """Each adapter on a model of its own, loaded by PEFT: the oracle."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    return {
        name: PeftModel.from_pretrained(
            AutoModelForCausalLM.from_pretrained(tiny_folder), folder
        ).eval()
        for name, folder in adapters.items()
    }


_tuned: dict[str, Path] = {}


@pytest.fixture
def tuned_study(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny study with its arms tuned (once; later tests get a copy)."""
    from mores.study import load_study
    from mores.tune.run import tune

    if "runs" not in _tuned:
        tune(load_study(tiny_study))
        _tuned["runs"] = tmp_path_factory.mktemp("tuned") / "runs"
        shutil.copytree(tiny_study / "runs", _tuned["runs"])
    else:
        shutil.copytree(_tuned["runs"], tiny_study / "runs")
    return tiny_study


def row(
    ids: tuple[int, ...], prompt: str = "p", draw: int = 0, key: ArmKey = BASE, stop: str = ""
) -> Request:
    return Request(key, prompt, "care", draw, tuple(ids), stop)


@pytest.fixture(name="row")
def row_fixture():
    """Make a request from token ids."""
    return row
