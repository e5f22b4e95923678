"""The bundled pretrained model: found, converted, and equal to plain transformers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from mores.records import Decoding
from mores.sample.decoder import Decoder
from mores.sample.requests import Request
from mores.study.arms import ArmKey
from mores.weights.attention import Layout, Tree
from mores.weights.listing import list_models
from mores.weights.load import load
from mores.weights.prompt import encode_prompt
from mores.weights.resolve import folder_digest, resolve
from services import bundled_model

pytestmark = pytest.mark.real_model

NORM = "3b87f8e27335e67fc08f159cabfd2d18f205d6c5b225a6f978153552bf01d559"
QUESTIONS = ["What helps a friend who is grieving?", "How do I bake bread?"]


@pytest.fixture(scope="module")
def resolved():
    return bundled_model()


@pytest.fixture(scope="module")
def loaded(resolved):
    return load(resolved)


@pytest.fixture(scope="module")
def plain(resolved):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(
        resolved.folder, dtype=torch.float32, attn_implementation="sdpa"
    ).eval()


def test_it_is_converted_to_plain_float32_safetensors(resolved, loaded):
    assert (resolved.name, resolved.source) == ("smollm2-135m", "bundled")
    assert {m.name: m.state for m in list_models()}["smollm2-135m"] == "ready"
    assert loaded.parameters == 134_515_008  # as its publisher states, and assets.toml
    assert {p.dtype for p in loaded.model.parameters()} == {torch.float32}
    config = json.loads((Path(resolved.folder) / "config.json").read_text())
    assert "quantization_config" not in config  # else it could be neither trained nor saved
    assert (loaded.context, loaded.eos) == (8192, 2)


def test_its_digest_is_stable(resolved, loaded):
    assert resolve("smollm2-135m") == resolved
    assert folder_digest(Path(resolved.folder)) == resolved.digest == loaded.digest
    # The final norm is stored unquantised in the GGUF file, so these are its very bytes.
    norm = loaded.model.model.norm.weight.detach().numpy().tobytes()
    assert hashlib.sha256(norm).hexdigest() == NORM


def test_its_chat_form_is_its_own_template(loaded):
    ids = encode_prompt(loaded.tokenizer, "chat", "Why?")
    text = loaded.tokenizer.decode(ids)
    assert text.endswith("<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n")
    assert ids.count(loaded.eos) == text.count("<|im_end|>")


@torch.no_grad()
def test_its_logits_equal_plain_transformers(loaded, plain):
    prompts = [encode_prompt(loaded.tokenizer, "chat", q) for q in QUESTIONS]
    common = next(i for i, (a, b) in enumerate(zip(*prompts, strict=False)) if a != b)
    branches = [p[common:] for p in prompts]
    flat = torch.tensor([*prompts[0][:common], *branches[0], *branches[1]])
    layout = Layout((Tree(common, tuple(len(b) for b in branches)),))
    out = loaded.logits(loaded.hidden(flat, layout))
    at = common
    for prompt, branch in zip(prompts, branches, strict=True):
        expected = plain(input_ids=torch.tensor([prompt]), use_cache=False).logits[0]
        found = out[at : at + len(branch)]
        torch.testing.assert_close(found, expected[common:], atol=2e-3, rtol=1e-3)
        assert torch.equal(found.argmax(-1), expected[common:].argmax(-1))
        at += len(branch)


def test_greedy_answers_equal_generate(loaded, plain):
    prompts = [tuple(encode_prompt(loaded.tokenizer, "chat", q)) for q in QUESTIONS]
    assert len({len(p) for p in prompts}) == 2  # rows of different length side by side
    requests = [Request(ArmKey("base", 0), f"p-{i}", "c", 0, p) for i, p in enumerate(prompts)]
    drawn = Decoder(loaded).draw(requests, Decoding(temperature=0.0, max_new_tokens=16), seed=1)
    for prompt, result in zip(prompts, drawn, strict=True):
        with torch.no_grad():
            full = plain.generate(
                torch.tensor([prompt]),
                attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                do_sample=False,
                max_new_tokens=16,
                pad_token_id=loaded.eos,
            )[0].tolist()
        expected = full[len(prompt) :]
        if expected[-1] == loaded.eos:
            expected, reason = expected[:-1], "stop"
        else:
            reason = "length"
        assert (list(result.ids), result.finish_reason) == (expected, reason)
        assert len(result.ids) > 5
