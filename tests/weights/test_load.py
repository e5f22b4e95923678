"""Loading: the same numbers as plain transformers, or a refusal."""

from __future__ import annotations

import json
import logging
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file

from mores.errors import ModelError
from mores.weights.attention import Layout
from mores.weights.load import load, quiet, refuse_pickle
from mores.weights.probe import probe_ids
from mores.weights.resolve import resolve


def refused(folder) -> ModelError:
    with pytest.raises(ModelError) as caught:
        load(resolve(str(folder)))
    return caught.value


def test_what_is_loaded(read_only, tiny_folder):
    assert read_only.name == str(tiny_folder)
    assert read_only.digest == resolve(str(tiny_folder)).digest
    assert (read_only.context, read_only.eos) == (512, 1)
    assert read_only.device == torch.device("cpu")
    assert not read_only.model.training
    # embedding 400 x 32 (tied); a layer: q 32x32, k and v 16x32, o 32x32, three 64x32, 2 norms
    vocabulary = read_only.model.config.vocab_size
    layer = 2 * 32 * 32 + 2 * 16 * 32 + 3 * 64 * 32 + 2 * 32
    assert read_only.parameters == vocabulary * 32 + 2 * layer + 32


def test_hidden_and_logits_equal_plain_transformers(read_only, plain):
    ids = torch.tensor(probe_ids(read_only.tokenizer))
    assert len(ids) > 10
    with torch.no_grad():
        hidden = read_only.hidden(ids, Layout.of([len(ids)]))
        expected = plain(input_ids=ids[None]).logits[0]
        torch.testing.assert_close(read_only.logits(hidden), expected, atol=1e-5, rtol=1e-5)
    assert hidden.shape == (len(ids), 32)


def test_bfloat16_can_be_asked_for(tiny_folder):
    loaded = load(resolve(str(tiny_folder)), dtype="bfloat16")
    assert loaded.model.dtype == torch.bfloat16


def test_a_tokenizer_without_an_end_is_refused(copied):
    path = copied / "tokenizer_config.json"
    config = json.loads(path.read_text())
    del config["eos_token"], config["pad_token"]
    path.write_text(json.dumps(config))
    error = refused(copied)
    assert "no end-of-text token" in error.message
    assert "eos_token" in error.fix


def test_weights_that_were_cut_off_are_refused(copied):
    path = copied / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    error = refused(copied)
    assert error.path == str(copied)
    path.write_bytes(b"")
    assert refused(copied).path == str(copied)


def test_missing_weights_are_refused_not_drawn_at_random(copied):
    path = copied / "model.safetensors"
    weights = load_file(path)
    name = "model.layers.1.mlp.up_proj.weight"
    del weights[name]
    save_file(weights, path, metadata={"format": "pt"})
    error = refused(copied)
    assert name in error.message


def test_weights_of_another_shape_are_refused(copied):
    path = copied / "config.json"
    config = json.loads(path.read_text())
    config["intermediate_size"] = 60
    path.write_text(json.dumps(config))
    assert refused(copied).path == str(copied)


def test_pickles_are_refused_when_loading_too(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match="unpickling can run any code"):
        refuse_pickle(tmp_path)


def test_an_encoder_model_is_refused(variant):
    """It has no causal form, or its attention looks both ways."""
    from transformers import BertConfig

    config = BertConfig(
        vocab_size=400,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
    )
    refused(variant(config))


def test_code_that_comes_with_a_model_does_not_run(copied, tmp_path):
    path = copied / "config.json"
    config = json.loads(path.read_text())
    mark = tmp_path / "ran"
    config["model_type"] = "custom-thing"
    config["auto_map"] = {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}
    path.write_text(json.dumps(config))
    (copied / "code.py").write_text(f"open({str(mark)!r}, 'w')\n")
    refused(copied)
    assert not mark.exists()


def test_quiet_gives_back_what_it_silenced():
    from transformers.utils import logging as hf_logging

    before = (hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled())
    disabled = logging.root.manager.disable

    def fail():
        with quiet():
            warnings.warn("not shown", stacklevel=1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()) == before
    assert logging.root.manager.disable == disabled


def test_a_folder_with_an_adapter_is_refused(copied):
    (copied / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    error = refused(copied)
    assert "an adapter, made for org/base" in error.message
    assert error.fix.startswith("merge it first")


def test_more_token_ids_than_embeddings_are_refused(copied):
    path = copied / "tokenizer.json"
    content = json.loads(path.read_text())
    extra = {**content["added_tokens"][0], "id": 400, "content": "<|more|>"}
    content["added_tokens"].append(extra)
    path.write_text(json.dumps(content))
    error = refused(copied)
    assert "go up to 400 ('<|more|>'), but the model has embeddings for 400 ids" in error.message


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"quant_method": "gptq", "bits": 4}, "quantised by gptq, and gptqmodel is not installed"),
        ({"quant_method": "awq"}, "quantised by awq, and gptqmodel is not installed"),
        ({"load_in_4bit": True}, "quantised by bitsandbytes, and bitsandbytes is not installed"),
        ({"quant_method": "fp_quant"}, "quantised by fp_quant, and mores does not run that form"),
    ],
)
def test_quantised_weights_without_their_library_are_refused_by_name(
    copied, settings, words, monkeypatch
):
    monkeypatch.setattr("mores.weights.load.find_spec", lambda name: None)
    path = copied / "config.json"
    config = json.loads(path.read_text())
    config["quantization_config"] = settings
    path.write_text(json.dumps(config))
    error = refused(copied)
    assert words in error.message
    assert "before it was quantised" in error.fix


def test_a_model_that_looks_ahead_is_refused(variant):
    from transformers import RobertaConfig

    config = RobertaConfig(
        vocab_size=400,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        initializer_range=0.2,
        pad_token_id=1,
    )
    assert "depend on later ones" in refused(variant(config)).message


def test_weights_that_are_no_numbers_are_refused(copied):
    path = copied / "model.safetensors"
    weights = load_file(path)
    weights["model.norm.weight"][3] = float("nan")
    save_file(weights, path, metadata={"format": "pt"})
    assert "not numbers" in refused(copied).message
