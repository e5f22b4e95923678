"""LoRA on weights that bitsandbytes has quantised, where it is installed (`make` does not)."""

from __future__ import annotations

import shutil

import pytest
import torch

from mores.errors import ModelError
from mores.records import Recipe
from mores.sample.weights import arm_in_place, mixes
from mores.tune.adapters import save_tuned
from mores.tune.encode import EncodedSample
from mores.tune.loop import fit
from mores.weights.attention import Layout
from mores.weights.load import load
from mores.weights.probe import gap
from mores.weights.resolve import resolve

pytest.importorskip("bitsandbytes")
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(params=[4, 8])
def folder(request, variant, tmp_path):
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig

    whole = variant(
        LlamaConfig(  # blocks of 64 weights share a scale
            vocab_size=400,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=128,
            initializer_range=0.2,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )
    bits = request.param
    model = AutoModelForCausalLM.from_pretrained(
        whole,
        quantization_config=BitsAndBytesConfig(load_in_4bit=bits == 4, load_in_8bit=bits == 8),
        device_map={"": "cuda" if torch.cuda.is_available() else "cpu"},
    )
    target = tmp_path / "quantised"
    shutil.copytree(whole, target, ignore=shutil.ignore_patterns("*.safetensors", "config*"))
    model.save_pretrained(target)
    return target


def test_lora_goes_on_top_and_is_sampled_from(folder, tmp_path):
    ids = torch.arange(20, 35)
    samples = [EncodedSample("s", tuple(range(30, 50)), 8)]
    recipe = Recipe(epochs=2, learning_rate=0.01, lora_rank=2, lora_alpha=4, warmup=0.0)

    def read(loaded) -> torch.Tensor:
        with torch.no_grad():
            return loaded.logits(loaded.hidden(ids, Layout.of([len(ids)])))

    loaded = load(resolve(str(folder)))
    assert loaded.quantised == "bitsandbytes"
    fit(loaded, samples, recipe, seed=1)
    save_tuned(loaded, recipe, tmp_path / "adapter", "tiny")
    trained = read(loaded)
    loaded, tuned = load(resolve(str(folder))), {"values_targeted-s1": tmp_path / "adapter"}
    before = read(loaded)
    assert mixes(loaded, tuned)
    with arm_in_place(loaded, tuned, "values_targeted-s1"):
        assert gap(trained, read(loaded)) < gap(trained, before) / 5


def test_full_tuning_of_quantised_weights_is_refused(folder):
    samples = [EncodedSample("s", tuple(range(30, 50)), 8)]
    with pytest.raises(ModelError, match="bitsandbytes has quantised"):
        fit(load(resolve(str(folder))), samples, Recipe(method="full"), seed=1)
