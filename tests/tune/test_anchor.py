"""The anchor equals a divergence written out in plain transformers, and holds a model to base."""

from __future__ import annotations

import msgspec
import pytest
import torch
from transformers import AutoModelForCausalLM

from mores.tune.adapters import make_trainable
from mores.tune.anchor import BLOCK, TEXTS, Anchor, anchor_samples
from mores.tune.loop import fit


def plain(folder):
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa").eval()


def written_out(base, tuned, samples) -> torch.Tensor:
    """KL(base, tuned) of the next token, averaged over the answers' positions, text by text."""
    parts = []
    for sample in samples:
        ids = torch.tensor([sample.ids])
        with torch.no_grad():
            expected = base(ids).logits[0, sample.prompt_length - 1 : -1].softmax(-1)
        found = tuned(ids).logits[0, sample.prompt_length - 1 : -1].log_softmax(-1)
        parts.append((expected * (expected.log() - found)).sum(-1))
    return torch.cat(parts).mean()


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_divergence_and_gradients_equal_plain_transformers(fresh, tiny_folder, recipe, weight):
    loaded = fresh()
    make_trainable(loaded, recipe, 1)
    neutral = anchor_samples(loaded, "chat")
    anchor = Anchor.of(loaded, neutral)
    moved = plain(tiny_folder)
    torch.manual_seed(3)
    with torch.no_grad():  # as if both had been trained for a while
        for own, other in zip(loaded.model.parameters(), moved.parameters(), strict=True):
            own.add_(0.05 * torch.randn_like(own))
            other.copy_(own)
    step = 5
    chosen = [neutral[(TEXTS * step + i) % len(neutral)] for i in range(TEXTS)]
    assert sum(s.size - s.prompt_length for s in chosen) > BLOCK  # more than one block of logits
    expected = written_out(plain(tiny_folder), moved, chosen)
    (weight * expected).backward()
    assert anchor.pull(loaded, weight, step) == pytest.approx(expected.item(), rel=1e-4)
    named = dict(moved.named_parameters())
    for name, parameter in loaded.model.named_parameters():
        torch.testing.assert_close(parameter.grad, named[name].grad, atol=1e-6, rtol=1e-3)


def test_of_an_untrained_model_it_is_zero(fresh, recipe):
    loaded = fresh()
    make_trainable(loaded, msgspec.structs.replace(recipe, method="lora"), 1)
    anchor = Anchor.of(loaded, anchor_samples(loaded, "chat"))
    assert all(anchor.pull(loaded, 1.0, s) == pytest.approx(0.0, abs=1e-6) for s in range(8))


def test_eight_steps_see_every_text_once_and_each_step_both_kinds(fresh):
    samples = anchor_samples(fresh(), "chat")
    assert len(samples) == 32 == len({s.id for s in samples})
    for step in range(8):
        kinds = [samples[TEXTS * step + i].id.partition("-")[0] for i in range(TEXTS)]
        assert sorted(kinds) == ["question"] * 3 + ["text"]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_heavier_anchor_keeps_a_tune_nearer_to_base(fresh, samples, recipe, method):
    recipe = msgspec.structs.replace(recipe, method=method, learning_rate=3e-3, epochs=4)
    found = {}
    for weight in (0.0, 1.0, 5.0):
        loaded = fresh()
        neutral = anchor_samples(loaded, "chat")
        base = [loaded_logits(loaded, s) for s in neutral]
        log = fit(
            loaded,
            samples,
            msgspec.structs.replace(recipe, anchor=weight),
            seed=1,
            neutral=neutral,
        ).log
        assert all(("divergence" in row) is (weight > 0) for row in log)
        found[weight] = sum(
            float((b.exp() * (b - loaded_logits(loaded, s))).sum(-1).mean())
            for b, s in zip(base, neutral, strict=True)
        )
    assert 0 < found[5.0] < found[1.0] < found[0.0]


def loaded_logits(loaded, sample) -> torch.Tensor:
    from mores.weights.attention import Layout

    with torch.no_grad():
        hidden = loaded.hidden(torch.tensor(sample.ids), Layout.of([sample.size]))
        return loaded.logits(hidden)[sample.prompt_length - 1 : -1].log_softmax(-1)


def test_a_stopped_run_with_an_anchor_ends_in_the_same_bytes(fresh, samples, recipe, tmp_path):
    recipe = msgspec.structs.replace(recipe, anchor=1.0, method="lora", epochs=3)

    class Stopped(Exception):
        pass

    def stop(step, steps, row):
        if step == 4:
            raise Stopped

    def run(folder, on_step=None):
        loaded = fresh()
        neutral = anchor_samples(loaded, "chat")
        fit(
            loaded, samples, recipe, seed=1, neutral=neutral, folder=folder,
            on_step=on_step, checkpoint_seconds=0.0,
        )  # fmt: skip
        return {n: p.detach() for n, p in loaded.model.named_parameters() if "lora_" in n}

    whole = run(tmp_path / "whole")
    with pytest.raises(Stopped):
        run(tmp_path / "parts", stop)
    resumed = run(tmp_path / "parts")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
