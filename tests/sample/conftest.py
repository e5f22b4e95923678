"""What the sampling tests share: PEFT's own adapters, a tuned study, the plain model as oracle."""

from __future__ import annotations

from pathlib import Path

import pytest

from mores.sample.requests import Request
from mores.study.arms import ArmKey

BASE = ArmKey("base", 0)


@pytest.fixture
def tiny(tiny):
    """The tiny model under a fixed name: random numbers depend on it, and its path varies."""
    tiny.name = "tiny"
    return tiny


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


def row(
    ids: tuple[int, ...], prompt: str = "p", draw: int = 0, key: ArmKey = BASE, stop: str = ""
) -> Request:
    return Request(key, prompt, "care", draw, tuple(ids), stop)


@pytest.fixture(name="row")
def row_fixture():
    """Make a request from token ids."""
    return row
