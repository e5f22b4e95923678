"""The loop equals plain transformers and torch, written out with padding and labels."""

from __future__ import annotations

import math

import msgspec
import pytest
import torch
from tune_reference import padded, reference_loss

from mores.errors import ModelError, TuneError
from mores.records import Recipe
from mores.tune import answers, loop
from mores.tune.adapters import make_trainable
from mores.tune.answers import mean_loss, pass_loss
from mores.tune.loop import fit, split_held_out
from mores.weights.load import load
from mores.weights.resolve import resolve

CLOSE = {"atol": 1e-5, "rtol": 1e-4}


def changed(recipe: Recipe, **fields) -> Recipe:
    return msgspec.structs.replace(recipe, **fields)


def weights_of(loaded) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in loaded.model.named_parameters()}


def gradients(model) -> dict[str, torch.Tensor]:
    return {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def assert_same(found, expected, **tolerance):
    assert sorted(found) == sorted(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(
            found[name], tensor, msg=lambda m, n=name: f"{n}: {m}", **tolerance
        )


def plain_model(folder):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa").eval()


# Loss and gradients of one step ----------------------------------------------------------


def our_gradients(loaded, samples, prompt_weight):
    total = sum(sum(s.weights(prompt_weight)) for s in samples)
    loss, counted = pass_loss(loaded, samples, prompt_weight)
    (loss / total).backward()
    return loss.item() / total, counted, gradients(loaded.model)


def test_full_equals_plain_transformers_with_labels(fresh, tiny_folder, samples, recipe):
    """Weight 0 for prompts is the usual label -100: the model computes its own loss."""
    loaded = fresh()
    make_trainable(loaded, recipe, 1)
    loss, counted, found = our_gradients(loaded, samples, 0.0)
    model = plain_model(tiny_folder)
    batch = padded(samples, pad=loaded.eos)
    labels = batch["ids"].masked_fill(~batch["answer"], -100)
    out = model(input_ids=batch["ids"], attention_mask=batch["mask"], labels=labels)
    out.loss.backward()
    assert loss == pytest.approx(out.loss.item(), abs=1e-5)
    assert_same(found, gradients(model), **CLOSE)
    assert counted[:2].tolist() == [0, 0]  # no prompt token was counted
    assert counted[3] == int(batch["answer"].sum())
    assert counted[2] / counted[3] == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("prompt_weight", [0.1, 1.0])
def test_full_equals_a_weighted_loss_written_out(
    fresh, tiny_folder, samples, recipe, prompt_weight
):
    loaded = fresh()
    make_trainable(loaded, recipe, 1)
    loss, counted, found = our_gradients(loaded, samples, prompt_weight)
    model = plain_model(tiny_folder)
    expected = reference_loss(model, samples, prompt_weight, pad=loaded.eos)
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-5)
    assert_same(found, gradients(model), **CLOSE)
    assert counted[1] == sum(s.prompt_length - 1 for s in samples)


@pytest.mark.parametrize("prompt_weight", [0.0, 0.1])
def test_lora_equals_peft_on_plain_transformers(fresh, tiny_folder, samples, recipe, prompt_weight):
    from peft import LoraConfig, get_peft_model

    loaded = fresh()
    trainable = make_trainable(loaded, changed(recipe, method="lora"), 1)
    with torch.no_grad():
        for parameter in trainable.values():
            parameter.normal_(std=0.1)
    loss, _, found = our_gradients(loaded, samples, prompt_weight)
    base = plain_model(tiny_folder)
    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, target_modules="all-linear")
    model = get_peft_model(base, config)
    theirs = {n.removeprefix("base_model.model."): p for n, p in model.named_parameters()}
    with torch.no_grad():
        for name, parameter in trainable.items():
            theirs[name].copy_(parameter)
    expected = reference_loss(model, samples, prompt_weight, pad=loaded.eos)
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-5)
    grads = {n: p.grad for n, p in theirs.items() if p.grad is not None}
    assert sorted(found) == sorted(trainable)
    assert_same(found, grads, **CLOSE)


def test_packed_equals_one_by_one_equals_padded(fresh, samples, recipe):
    loaded = fresh()
    make_trainable(loaded, recipe, 1)
    packed = our_gradients(loaded, samples, 0.1)
    loaded.model.zero_grad()
    total = sum(sum(s.weights(0.1)) for s in samples)
    sums = 0.0
    for sample in samples:
        loss, _ = pass_loss(loaded, [sample], 0.1)
        (loss / total).backward()
        sums += loss.item() / total
    assert sums == pytest.approx(packed[0], abs=1e-6)
    assert_same(gradients(loaded.model), packed[2], **CLOSE)
    model = loaded.model
    model.zero_grad()
    model.set_attn_implementation("sdpa")
    reference_loss(model, samples, 0.1).backward()
    assert_same(gradients(model), packed[2], **CLOSE)


def test_a_bias_of_the_output_layer_is_trained_too(tiny_folder, tmp_path, samples, recipe):
    import shutil

    from transformers import AutoModelForCausalLM, PhiConfig

    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(tiny_folder / name, tmp_path / name)
    torch.manual_seed(1)
    config = PhiConfig(
        vocab_size=400,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
        resid_pdrop=0.0,
        tie_word_embeddings=False,
    )
    model = AutoModelForCausalLM.from_config(config)
    torch.nn.init.normal_(model.lm_head.bias)
    model.save_pretrained(tmp_path)
    loaded = load(resolve(str(tmp_path)))
    make_trainable(loaded, recipe, 1)
    loss, _, found = our_gradients(loaded, samples, 0.1)
    plain = plain_model(tmp_path)
    expected = reference_loss(plain, samples, 0.1)
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-5)
    assert_same(found, gradients(plain), **CLOSE)


# Whole runs ------------------------------------------------------------------------------


def reference_fit(folder, samples, recipe, seed, rates, order):
    """The same run in plain transformers and torch: padded batches, AdamW, clipping."""
    model = plain_model(folder)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    for rate, batch in zip(rates, order, strict=True):
        optimizer.zero_grad()
        reference_loss(model, [samples[i] for i in batch], recipe.prompt_weight).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    return {n: p.detach() for n, p in model.named_parameters()}


def test_a_whole_run_equals_the_same_run_written_out(fresh, tiny_folder, samples, recipe):
    import numpy as np

    recipe = changed(recipe, weight_decay=0.1, clip_norm=0.5, schedule="linear", warmup=0.5)
    loaded = fresh()
    before = weights_of(loaded)
    result = fit(loaded, samples, recipe, seed=5)
    # 8 samples in steps of 3: 3 steps an epoch, 6 in all, 3 of them warming up
    rates = [1e-3 * r for r in (1 / 3, 2 / 3, 1, 1, 2 / 3, 1 / 3)]
    assert [row["learning_rate"] for row in result.log] == pytest.approx(rates)
    order = []
    for epoch in (0, 1):
        shuffled = np.random.default_rng([5, epoch]).permutation(8).tolist()
        order += [shuffled[0:3], shuffled[3:6], shuffled[6:8]]
    expected = reference_fit(tiny_folder, samples, recipe, 5, rates, order)
    found = weights_of(loaded)
    assert_same(found, expected, atol=2e-5, rtol=1e-4)
    name = "model.layers.0.mlp.up_proj.weight"
    assert (found[name] - before[name]).abs().max() > 1e-3


def test_the_log_tells_each_step(fresh, tiny_folder, samples, recipe):
    seen = []
    loaded = fresh()
    result = fit(
        loaded, samples, recipe, seed=1, on_step=lambda *args: seen.append((args[0], args[1]))
    )
    assert seen == [(k, 6) for k in range(1, 7)]
    assert [(r["step"], r["epoch"]) for r in result.log] == [(k + 1, k // 3 + 1) for k in range(6)]
    total = sum(s.size for s in samples)
    assert sum(r["tokens"] for r in result.log) == result.tokens == 2 * total
    assert (result.held_out, result.best_epoch, result.stopped_early) == ([], 0, False)
    first = [samples[i] for i in loop.epoch_batches(8, 3, 1, 0)[0]]
    model = plain_model(tiny_folder)
    with torch.no_grad():
        answers = reference_loss(model, first, 0.0).item()
        # weight 1 for both: (answers + prompts) / all, so prompts can be told
        both = reference_loss(model, first, 1.0).item()
    n_answer = sum(s.size - s.prompt_length for s in first)
    n_prompt = sum(s.prompt_length - 1 for s in first)
    prompts = (both * (n_answer + n_prompt) - answers * n_answer) / n_prompt
    assert result.log[0]["loss"] == pytest.approx(answers, abs=1e-5)
    assert result.log[0]["prompt_loss"] == pytest.approx(prompts, abs=1e-4)
    model = plain_model(tiny_folder)
    reference_loss(model, first, recipe.prompt_weight).backward()
    norm = math.sqrt(sum(float(g.square().sum()) for g in gradients(model).values()))
    assert result.log[0]["gradient_norm"] == pytest.approx(norm, rel=1e-4)


def test_prompts_that_weigh_nothing_have_no_loss(fresh, samples, recipe):
    result = fit(fresh(), samples, changed(recipe, prompt_weight=0.0, epochs=1), seed=1)
    assert [row["prompt_loss"] for row in result.log] == [None] * 3


@pytest.mark.parametrize("method", ["full", "lora"])
def test_eight_is_two_times_four_is_eight_times_one(fresh, samples, recipe, method, monkeypatch):
    recipe = changed(recipe, method=method, batch_size=8, epochs=2)
    passes = []
    original = answers.pass_loss

    def counted(loaded, part, weight):
        passes.append(len(part))
        return original(loaded, part, weight)

    monkeypatch.setattr(answers, "pass_loss", counted)
    total = sum(s.size for s in samples)
    runs = []
    for limit in (total, total // 2 + 20, 1):
        loaded = fresh()
        passes.clear()
        result = fit(loaded, samples, changed(recipe, micro_tokens=limit), seed=1)
        runs.append((list(passes), result, weights_of(loaded)))
    assert [len(run[0]) for run in runs] == [2, 4, 16]  # passes in two steps
    for _, result, weights in runs[1:]:
        assert_same(weights, runs[0][2], atol=1e-5, rtol=1e-5)
        for row, other in zip(result.log, runs[0][1].log, strict=True):
            assert row == pytest.approx(other, rel=1e-4)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_same_run_gives_the_same_bits_and_another_seed_others(fresh, samples, recipe, method):
    recipe = changed(recipe, method=method)
    runs = []
    for seed in (1, 1, 2):
        loaded = fresh()
        log = fit(loaded, samples, recipe, seed=seed).log
        runs.append((log, weights_of(loaded)))
    assert runs[0][0] == runs[1][0]
    assert all(torch.equal(runs[0][1][n], runs[1][1][n]) for n in runs[0][1])
    assert runs[0][0] != runs[2][0]


def test_training_lowers_the_loss_and_lora_leaves_the_base_alone(fresh, samples, recipe):
    loaded = fresh()
    before = weights_of(loaded)
    recipe = changed(recipe, method="lora", epochs=8, learning_rate=1e-2)
    first = mean_loss(loaded, samples)
    fit(loaded, samples, recipe, seed=1)
    assert mean_loss(loaded, samples) < 0.7 * first
    after = weights_of(loaded)
    base = {n: p for n, p in after.items() if "lora_" not in n}
    assert len(after) > len(base) == len(before)
    for name, tensor in base.items():
        assert torch.equal(tensor, before[name.replace(".base_layer", "")])


@pytest.mark.parametrize("method", ["full", "lora"])
def test_bfloat16_trains(tiny_folder, samples, recipe, method):
    loaded = load(resolve(str(tiny_folder)), dtype="bfloat16")
    first = mean_loss(loaded, samples)
    assert first == pytest.approx(mean_loss(load(resolve(str(tiny_folder))), samples), rel=0.02)
    recipe = changed(recipe, method=method, epochs=8, learning_rate=1e-2)
    fit(loaded, samples, recipe, seed=1)
    # the same bound as in float32 above: it trains as well, not just a little
    assert mean_loss(loaded, samples) < 0.7 * first


# Adapters --------------------------------------------------------------------------------


def adapters(loaded, recipe, seed):
    trainable = make_trainable(loaded, changed(recipe, method="lora"), seed)
    return {n: p.detach().clone() for n, p in trainable.items()}


def test_two_arms_with_the_same_seed_start_from_the_same_adapter(fresh, recipe):
    one, two, other = (adapters(fresh(), recipe, seed) for seed in (1, 1, 2))
    assert list(one) == list(two)
    assert all(torch.equal(one[n], two[n]) for n in one)
    down = [n for n in one if "lora_A" in n]
    assert not any(torch.equal(one[n], other[n]) for n in down)
    # 7 linear layers in each of 2 layers, and none on the output layer
    assert len(down) == 14
    assert all(one[n].abs().max() == 0 for n in one if "lora_B" in n)
    assert not any("lm_head" in n or "embed" in n for n in one)


def test_a_model_without_linear_layers_is_refused(fresh, recipe, monkeypatch):
    loaded = fresh()
    for name, module in list(loaded.model.named_modules()):
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            parent, _, last = name.rpartition(".")
            setattr(loaded.model.get_submodule(parent), last, torch.nn.Identity())
    monkeypatch.setattr("mores.tune.reach._called", lambda *_: set())  # it reads nothing any more
    with pytest.raises(ModelError, match="linear layers") as caught:
        make_trainable(loaded, changed(recipe, method="lora"), 1)
    assert '"full"' in caught.value.fix


# What must not go on ---------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_loss_that_is_no_number_stops_the_run_with_weights_unchanged(
    fresh, samples, recipe, method, value
):
    loaded = fresh()
    with torch.no_grad():
        loaded.model.model.layers[1].mlp.down_proj.weight[0, 0] = value
    before = loaded.model.model.embed_tokens.weight.detach().clone()
    with pytest.raises(TuneError, match="no longer a number at step 1") as caught:
        fit(loaded, samples, changed(recipe, method=method), seed=1)
    assert "learning_rate" in caught.value.fix
    assert torch.equal(loaded.model.model.embed_tokens.weight, before)


def test_nothing_left_to_train_on(fresh, samples, recipe):
    with pytest.raises(TuneError, match="no samples") as caught:
        fit(fresh(), samples, changed(recipe, held_out=1.0), seed=1)
    assert "held_out" in caught.value.fix


# Held-out samples and early stopping -----------------------------------------------------


@pytest.mark.parametrize(
    ("share", "count"), [(0.0, 0), (0.01, 1), (0.125, 1), (0.25, 2), (0.5, 4), (1.0, 8)]
)
def test_held_out_samples_are_a_share_drawn_by_seed(samples, share, count):
    train, held = split_held_out(samples, share, 1)
    assert len(held) == count
    assert sorted([*train, *held], key=lambda s: s.id) == samples
    for part in (train, held):
        assert part == sorted(part, key=lambda s: s.id)  # order is kept
    assert split_held_out(samples, share, 1) == (train, held)


def test_another_seed_holds_others_out(samples):
    chosen = {tuple(s.id for s in split_held_out(samples, 0.25, seed)[1]) for seed in range(6)}
    assert len(chosen) > 1


def test_held_out_samples_are_never_trained(fresh, samples, recipe, monkeypatch):
    trained, measured = set(), set()
    original = answers.accumulate

    def spy(loaded, batch, *args):
        trained.update(s.id for s in batch)
        return original(loaded, batch, *args)

    monkeypatch.setattr(answers, "accumulate", spy)
    monkeypatch.setattr(
        answers, "mean_loss", lambda m, held, t: measured.update(s.id for s in held) or 1.0
    )
    result = fit(fresh(), samples, changed(recipe, held_out=0.25), seed=1)
    assert sorted(measured) == result.held_out
    assert len(measured) == 2
    assert trained == {s.id for s in samples} - measured
    # measured once an epoch, at its last step: 6 samples in steps of 3
    assert ["held_out_loss" in row for row in result.log] == [False, True] * 2
    assert (result.best_epoch, result.stopped_early) == (0, False)


def test_mean_loss_is_that_of_plain_transformers(fresh, tiny_folder, samples):
    with torch.no_grad():
        expected = reference_loss(plain_model(tiny_folder), samples, 0.0).item()
    for limit in (10_000, 60, 1):
        assert mean_loss(fresh(), samples, limit) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize(
    ("losses", "patience", "epochs", "best", "stopped"),
    [
        ([3.0, 2.0, 2.5, 2.6, 1.0], 2, 4, 2, True),
        ([3.0, 2.0, 2.5, 1.9, 2.0], 2, 5, 4, False),
        ([3.0, 3.0, 1.0, 1.0, 1.0], 1, 2, 1, True),  # equal is not better
        ([3.0, 2.0, 1.5, 1.2, 1.1], 1, 5, 5, False),
    ],
)
def test_early_stopping_restores_the_weights_of_the_best_epoch(
    fresh, samples, recipe, monkeypatch, method, losses, patience, epochs, best, stopped
):
    script = iter(losses)
    monkeypatch.setattr(answers, "mean_loss", lambda *args: next(script))
    loaded, after = fresh(), {}

    def on_step(step, steps, row):
        if "held_out_loss" in row:
            after[row["epoch"]] = weights_of(loaded)

    recipe = changed(recipe, method=method, epochs=5, held_out=0.25, early_stopping=patience)
    result = fit(loaded, samples, recipe, seed=1, on_step=on_step)
    assert (len(after), result.best_epoch, result.stopped_early) == (epochs, best, stopped)
    final = weights_of(loaded)
    assert all(torch.equal(final[n], after[best][n]) for n in final)
    if best != epochs:
        assert not all(torch.equal(final[n], after[epochs][n]) for n in final)
