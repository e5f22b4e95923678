"""A GGUF file written here, with known weights, becomes a folder with the same weights."""

from __future__ import annotations

import json

import pytest
import torch

from gguf_writer import write
from mores.weights.attention import Layout
from mores.weights.gguf import convert_gguf
from mores.weights.load import load
from mores.weights.resolve import resolve


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory, tiny_folder):
    """The two-layer model in the file format of llama.cpp, unquantised."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write(tiny_folder, path)
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
