"""A GGUF file written here, with known weights, becomes a folder with the same weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from mores.weights.attention import Layout
from mores.weights.gguf import convert_gguf
from mores.weights.load import load
from mores.weights.resolve import resolve

HEADS, KEY_HEADS = 4, 2


def interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a head in the order of the file format: halves of the rotation side by side."""
    rows, columns = weight.shape
    split = weight.reshape(heads, 2, rows // heads // 2, columns)
    return split.swapaxes(1, 2).reshape(rows, columns)


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory, plain, tiny_folder):
    """The two-layer model in the file format of llama.cpp, unquantised."""
    import gguf

    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    weights = {n: p.detach().numpy() for n, p in plain.named_parameters()}
    config = plain.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(config.hidden_size // HEADS)
    tokenizer = json.loads((tiny_folder / "tokenizer.json").read_text())["model"]
    tokens = sorted(tokenizer["vocab"], key=tokenizer["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3] + [1] * (len(tokens) - 2))
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in tokenizer["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(1)
    writer.add_tensor("token_embd.weight", weights["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", weights["model.norm.weight"])
    names = {
        "attn_norm": "input_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_norm": "post_attention_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    heads = {"attn_q": HEADS, "attn_k": KEY_HEADS}
    for layer in range(config.num_hidden_layers):
        for short, long in names.items():
            weight = weights[f"model.layers.{layer}.{long}.weight"]
            if short in heads:
                weight = interleaved(weight, heads[short])
            writer.add_tensor(f"blk.{layer}.{short}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def converted(gguf_file, tmp_path_factory):
    target = tmp_path_factory.mktemp("converted") / "model"
    convert_gguf(gguf_file, target)
    return target


def test_the_weights_are_the_files_own(converted, plain):
    loaded = load(resolve(str(converted)))
    own = dict(plain.named_parameters())
    found = dict(loaded.model.named_parameters())
    assert sorted(found) == sorted(own)
    for name, weight in own.items():
        assert found[name].dtype == torch.float32
        torch.testing.assert_close(found[name], weight, atol=0, rtol=0, msg=name)


@torch.no_grad()
def test_the_outputs_are_too_and_it_can_be_trained_and_saved(converted, plain, tmp_path):
    loaded = load(resolve(str(converted)))
    ids = torch.tensor([0, 17, 45, 60, 33, 90, 120])
    expected = plain(input_ids=ids[None], use_cache=False).logits[0]
    found = loaded.logits(loaded.hidden(ids, Layout.of([7])))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert "quantization_config" not in json.loads((converted / "config.json").read_text())
    loaded.model.save_pretrained(tmp_path / "again")
    loaded.model.requires_grad_(True)


def test_the_tokenizer_is_the_files_own(converted, read_only):
    tokenizer = load(resolve(str(converted))).tokenizer
    text = "what is a good way to help the friend?"
    own = read_only.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer(text, add_special_tokens=False)["input_ids"] == own
    assert tokenizer.eos_token_id == 1
    assert tokenizer.decode(own) == text


def test_a_file_named_in_a_study_is_converted_into_the_cache(gguf_file, tmp_path, monkeypatch):
    monkeypatch.setenv("MORES_CACHE", str(tmp_path))
    said = []
    first = resolve(str(gguf_file), say=said.append)
    assert resolve(str(gguf_file), say=said.append) == first
    assert first.source == "gguf"
    assert len(said) == 1
    assert [p.parent for p in (tmp_path / "gguf").iterdir()] == [tmp_path / "gguf"]


def test_a_disk_that_is_full_is_a_store_error(gguf_file, tmp_path, monkeypatch):
    from safetensors import SafetensorError

    from mores.errors import StoreError

    def full(*args, **kwargs):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setenv("MORES_CACHE", str(tmp_path))
    monkeypatch.setattr("transformers.modeling_utils.safe_save_file", full)
    with pytest.raises(StoreError, match="disk is full"):
        resolve(str(gguf_file))
    assert list((tmp_path / "gguf").iterdir()) == []
