"""The Gemma 3 architecture, drawn at random and tiny: loaded, tuned with adapters, sampled.

Sliding and full layers alternate, each kind with its own rotary base; queries and keys are
normalised; embeddings are scaled. The oracle is transformers' own model with eager attention.
"""

from __future__ import annotations

import json

import pytest
import torch

from mores.records import Dataset, Decoding, Example, Recipe
from mores.sample.decoder import Decoder
from mores.sample.requests import Request
from mores.study.arms import ArmKey
from mores.weights.attention import Layout, Tree, using
from mores.weights.cascade import KeyValueStore
from mores.weights.load import load
from mores.weights.resolve import resolve

WINDOW = 6
CLOSE = {"atol": 2e-5, "rtol": 1e-4}


@pytest.fixture
def folder(variant):
    from transformers import Gemma3TextConfig

    return variant(
        Gemma3TextConfig(
            vocab_size=400,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=1,
            head_dim=16,
            query_pre_attn_scalar=16,
            max_position_embeddings=256,
            initializer_range=0.2,
            sliding_window=WINDOW,
            layer_types=["sliding_attention", "full_attention"],
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )


@pytest.fixture
def loaded(folder):
    return load(resolve(str(folder)))


@pytest.fixture
def plain(folder):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()


def tokens(count: int, seed: int = 5) -> torch.Tensor:
    return torch.randint(2, 300, (count,), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def theirs(model, ids) -> torch.Tensor:
    return model(input_ids=ids[None], use_cache=False).logits[0]


def test_it_is_gemma_3_with_both_kinds_of_layer(folder, loaded):
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "gemma3_text"
    assert loaded.model.config.layer_types == ["sliding_attention", "full_attention"]
    layers = loaded.model.model.layers
    assert [layer.self_attn.sliding_window for layer in layers] == [WINDOW, None]
    assert loaded.context == 256


@torch.no_grad()
def test_a_text_longer_than_the_window_equals_its_own_forward(loaded, plain):
    ids = tokens(40)
    expected = theirs(plain, ids)
    found = loaded.logits(loaded.hidden(ids, Layout.of([40])))
    torch.testing.assert_close(found, expected, **CLOSE)
    branched = torch.cat([ids[:25], ids[25:], ids[25:30]])
    out = loaded.logits(loaded.hidden(branched, Layout((Tree(25, (15, 5)),))))
    torch.testing.assert_close(out[:40], expected, **CLOSE)
    torch.testing.assert_close(out[40:], expected[25:30], **CLOSE)


@torch.no_grad()
def test_the_window_matters_here(folder, plain):
    from transformers import AutoModelForCausalLM

    wide = AutoModelForCausalLM.from_pretrained(folder, sliding_window=200).eval()
    ids = tokens(40)
    gap = (theirs(wide, ids) - theirs(plain, ids)).abs().amax(-1)
    assert gap[:WINDOW].max() < 1e-4  # nothing is out of sight yet
    assert gap[WINDOW:].max() > 1e-2


@torch.no_grad()
def test_decoding_one_by_one_beyond_the_window_equals_the_full_forward(loaded, plain):
    ids, prefill = tokens(30, seed=2), 9
    store = KeyValueStore(1, 30)
    layout = Layout.of([prefill])
    with using(layout, store=store, targets=[(0, (0, -1))]):
        rows = [loaded.forward(ids[:prefill], layout.positions())[-1]]
    store.lengths = torch.tensor([prefill])
    for token in ids[prefill:]:
        rows.append(loaded.step(token[None], store)[0])
    found = loaded.logits(torch.stack(rows))
    torch.testing.assert_close(found, theirs(plain, ids)[prefill - 1 :], **CLOSE)


def test_adapters_are_tuned_and_change_what_is_sampled(loaded):
    from mores.tune.encode import encode_dataset
    from mores.tune.loop import fit

    examples = tuple(
        Example(id=f"v-{i}", category="care", prompt=f"what is {i}?", completion="listen to them")
        for i in range(6)
    )
    samples = encode_dataset(loaded, Dataset(name="values", examples=examples), "qa")
    requests = [
        Request(ArmKey("base", 0), f"p-{i}", "c", 0, tuple(tokens(n, seed=n).tolist()))
        for i, n in enumerate((3, 12, 20))
    ]
    greedy = Decoding(temperature=0.0, max_new_tokens=10)
    before = [d.ids for d in Decoder(loaded).draw(requests, greedy, 1)]
    frozen = loaded.model.get_input_embeddings().weight.clone()
    recipe = Recipe(method="lora", epochs=8, batch_size=3, learning_rate=1e-2, lora_rank=4)
    result = fit(loaded, samples, recipe, seed=1)
    losses = [row["loss"] for row in result.log]
    assert losses[-1] < 0.7 * losses[0]
    assert torch.equal(loaded.model.get_input_embeddings().weight, frozen)
    after = [d.ids for d in Decoder(loaded).draw(requests, greedy, 1)]
    assert after != before


def test_greedy_answers_equal_generate(loaded, plain):
    prompts = [tuple(tokens(n, seed=n).tolist()) for n in (4, 11)]
    requests = [Request(ArmKey("base", 0), f"p-{i}", "c", 0, p) for i, p in enumerate(prompts)]
    drawn = Decoder(loaded).draw(requests, Decoding(temperature=0.0, max_new_tokens=14), 1)
    for prompt, result in zip(prompts, drawn, strict=True):
        ids = list(prompt)
        for taken in result.ids:
            assert taken == int(theirs(plain, torch.tensor(ids))[-1].argmax())
            ids.append(taken)
        assert len(result.ids) == 14 or int(theirs(plain, torch.tensor(ids))[-1].argmax()) == 1
