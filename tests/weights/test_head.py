"""Final states → logits: scaled, capped, or in a way of the model's own."""

from __future__ import annotations

import pytest
import torch

from mores.tune.loss import head_loss, weighted_loss
from mores.weights.attention import Layout
from mores.weights.head import Head
from mores.weights.load import load
from mores.weights.resolve import resolve

SIZES = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 128,
    "initializer_range": 0.2,
    "pad_token_id": 1,
}


def configurations():
    from transformers import CohereConfig, Gemma2Config, GraniteConfig

    return {
        "granite": (GraniteConfig(**SIZES, logits_scaling=8.0), 0.125, None),
        "cohere": (CohereConfig(**SIZES, logit_scale=0.0625), 0.0625, None),
        "gemma2": (Gemma2Config(**SIZES, final_logit_softcapping=3.0), 1.0, 3.0),
    }


@pytest.mark.parametrize("name", ["granite", "cohere", "gemma2"])
def test_scale_and_cap_are_found_and_the_loss_is_that_of_the_models_own_logits(variant, name):
    config, scale, cap = configurations()[name]
    loaded = load(resolve(str(variant(config))))
    assert (loaded.head.scale, loaded.head.cap) == (scale, cap)
    ids = torch.tensor([5, 90, 17, 44, 200, 31, 8])
    own = loaded.model(input_ids=ids[None], use_cache=False) if not loaded.way.flat else None
    states = loaded.hidden(ids, Layout.of([7]))
    logits = loaded.logits(states)
    if own is not None:
        torch.testing.assert_close(logits, own.logits[0], atol=1e-5, rtol=1e-5)
    weights = torch.tensor([0.1, 1.0, 1.0, 0.5, 1.0, 1.0])
    expected = torch.nn.functional.cross_entropy(logits[:-1], ids[1:], reduction="none")
    total, losses = head_loss(loaded.head, states[:-1], ids[1:], weights)
    torch.testing.assert_close(losses, expected.detach(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(total, (expected * weights).sum(), atol=1e-5, rtol=1e-5)


def test_the_capped_loss_has_the_gradient_that_autograd_finds():
    rng = torch.Generator().manual_seed(3)
    hidden, output = (torch.randn(n, 8, generator=rng).double() for n in (5, 11))
    targets, weights = torch.tensor([1, 4, 0, 10, 7]), torch.rand(5, generator=rng).double()
    found = []
    for ours in (True, False):
        h, w = (t.clone().requires_grad_() for t in (hidden, output))
        if ours:
            total, _ = weighted_loss(h, w, targets, weights, cap=2.5)
        else:
            logits = 2.5 * torch.tanh(h @ w.T / 2.5)
            each = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
            total = (each * weights).sum()
        total.backward()
        found.append((total.detach(), h.grad, w.grad))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-10)


def test_a_head_of_an_unknown_kind_leaves_logits_to_the_model(plain):
    with torch.no_grad():
        states = plain.model(input_ids=torch.arange(9)[None]).last_hidden_state[0]
        assert Head.of(plain, states, plain.lm_head(states) ** 2) == Head()
    logits = torch.randn(4, 7)
    assert torch.equal(Head()(logits), logits)
    total, losses = head_loss(Head(), logits, torch.tensor([1, 2, 3, 4]), torch.ones(4))
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor([1, 2, 3, 4]))
    assert float(total) / 4 == pytest.approx(float(expected), abs=1e-6)
    assert losses.shape == (4,)
