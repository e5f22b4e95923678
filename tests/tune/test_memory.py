"""Out of GPU memory: less at a time, then layers run twice, and the result is the same."""

from __future__ import annotations

import msgspec
import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from mores.errors import TuneError
from mores.tune import answers
from mores.tune.adapters import make_trainable
from mores.tune.loop import fit
from mores.tune.memory import NeedsRoom, Room, enough, in_room
from mores.tune.preference import EncodedPair
from mores.weights.probe import examine
from mores.weights.recompute import decoder_layers, recompute

CLOSE = {"atol": 2e-5, "rtol": 0.0}
"""AdamW makes much of rounding where a gradient is nearly nothing; the rate is 1e-3."""


def weights_of(loaded) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in loaded.model.named_parameters()}


def full() -> torch.OutOfMemoryError:
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore.")


@pytest.fixture
def short(monkeypatch):
    """Let memory be out in a pass where a function of (model, tokens of the pass) says so."""
    original = answers.pass_loss
    passes: list[int] = []

    def give(too_much) -> list[int]:
        def pass_loss(loaded, samples, weight):
            size = sum(s.size for s in samples)
            if too_much(loaded, size):
                raise full()
            passes.append(size)
            return original(loaded, samples, weight)

        monkeypatch.setattr(answers, "pass_loss", pass_loss)
        return passes

    return give


def runs_twice(loaded) -> bool:
    return all("forward" in vars(layer) for layer in decoder_layers(loaded))


# Shorter passes --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["lora", "full"])
def test_passes_are_halved_until_they_fit_and_the_result_is_the_same(
    fresh, samples, recipe, method, short
):
    """Batches of three have 70 to 135 tokens: 512, 256, 128 are too much in some step."""
    recipe = msgspec.structs.replace(recipe, method=method, epochs=3)
    usual = fresh()
    expected = fit(usual, samples, recipe, seed=3)
    passes = short(lambda _, size: size > 60)
    loaded, said = fresh(), []
    result = fit(loaded, samples, recipe, seed=3, say=said.append)
    assert max(passes) <= 60
    assert not runs_twice(loaded)
    for name, tensor in weights_of(usual).items():
        torch.testing.assert_close(weights_of(loaded)[name], tensor, **CLOSE)
    for row, other in zip(result.log, expected.log, strict=True):
        assert row == pytest.approx(other, abs=1e-5)
    assert said[1:] == [
        "GPU memory is full: passes of 256 tokens, and less if need be; the result does not change"
    ]


def test_what_was_added_before_memory_was_out_does_not_count_twice(fresh, samples, recipe, short):
    """The step's first pass has its gradients when the second one fails."""
    recipe = msgspec.structs.replace(recipe, epochs=1, micro_tokens=100)
    usual = fresh()
    fit(usual, samples, recipe, seed=3)
    failed = []

    def second(_, size) -> bool:
        if len(passes) == 1 and not failed:
            failed.append(size)
        return len(failed) == 1 and failed.append(0) is None

    passes: list[int] = []
    passes = short(second)
    loaded = fresh()
    fit(loaded, samples, recipe, seed=3)
    assert len(failed) == 2
    for name, tensor in weights_of(usual).items():
        torch.testing.assert_close(weights_of(loaded)[name], tensor, **CLOSE)


def test_one_sample_at_a_time_is_followed_by_layers_that_run_twice(fresh, samples, recipe, short):
    usual = fresh()
    fit(usual, samples, recipe, seed=3)
    short(lambda loaded, _: not runs_twice(loaded))
    loaded, said = fresh(), []
    fit(loaded, samples, recipe, seed=3, say=said.append)
    assert runs_twice(loaded)
    for name, tensor in weights_of(usual).items():
        torch.testing.assert_close(weights_of(loaded)[name], tensor, **CLOSE)
    assert [line[:18] for line in said[1:]] == ["GPU memory is full"]


def test_when_nothing_is_left_it_is_an_error_with_a_remedy(fresh, samples, recipe, short):
    short(lambda *_: True)
    with pytest.raises(TuneError, match=r"out of GPU memory with one sample of \d+ tokens") as told:
        fit(fresh(), samples, recipe, seed=3)
    assert 'tuner = "fsdp"' in str(told.value)


def test_one_of_several_processes_cannot_repeat_a_step_alone(fresh):
    def attempt(limit):
        raise full()

    with pytest.raises(NeedsRoom) as told:
        in_room(fresh(), Room(tokens=100), [30, 20], attempt, alone=False)
    assert told.value.room == Room(tokens=50)


def test_the_order_of_what_is_tried():
    room, tried = Room(tokens=512), []
    for _ in range(4):
        room = room.smaller([50, 40, 30])
        tried.append((room.tokens, room.recompute))
    with pytest.raises(TuneError):
        room.smaller([50, 40, 30])
    # 64 tokens hold no two of them.
    assert tried == [(256, False), (128, False), (64, False), (64, True)]


def test_memory_that_is_out_elsewhere_is_an_error_too():
    with pytest.raises(TuneError, match="Tried to allocate") as told, enough():
        raise full()
    assert "More." not in str(told.value)


# Layers that run twice -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("plainly", [False, True])
@pytest.mark.parametrize("pairs", [False, True])
def test_layers_that_run_twice_give_the_same_bits(fresh, samples, recipe, method, plainly, pairs):
    recipe = msgspec.structs.replace(recipe, method=method, anchor=0.5)
    some = samples
    if pairs:  # answers as branches: the layout must be there again when a layer runs again
        cut = [(s.id, s.ids[: s.prompt_length], s.ids[s.prompt_length :]) for s in samples]
        some = [EncodedPair(n, p, a, cut[i - 1][2]) for i, (n, p, a) in enumerate(cut)]
    done = []
    for twice in (False, True):
        loaded = fresh()
        if plainly:
            loaded.model.set_attn_implementation("sdpa")
            examine(loaded, "a test")
        room = Room(tokens=120, recompute=twice)
        result = fit(loaded, some, recipe, seed=3, neutral=samples[:5], room=room)
        assert runs_twice(loaded) == twice
        done.append((result.log, weights_of(loaded)))
    assert done[0][0] == done[1][0]
    assert all(torch.equal(done[1][1][name], tensor) for name, tensor in done[0][1].items())


def test_layers_that_run_twice_keep_little(fresh, samples, recipe):
    """Kept of a layer: what goes in (32 numbers a token), and not its inner states."""
    kept = []
    for twice in (False, True):
        loaded = fresh()
        make_trainable(loaded, recipe, 1)
        weights = {p.data_ptr() for p in loaded.model.parameters()}
        if twice:
            recompute(loaded)
            recompute(loaded)  # once is enough
        sizes: dict[int, int] = {}

        def note(tensor, sizes=sizes, weights=weights):
            if tensor.data_ptr() not in weights:
                sizes[tensor.data_ptr()] = tensor.numel()
            return tensor

        with saved_tensors_hooks(note, lambda tensor: tensor):
            answers.pass_loss(loaded, samples, 0.1)
        kept.append(sum(sizes.values()) / sum(s.size for s in samples))
    assert kept[1] < kept[0] / 2


def test_without_gradients_layers_run_once(fresh, samples, recipe):
    loaded = fresh()
    expected = answers.mean_loss(loaded, samples)
    recompute(loaded)
    assert answers.mean_loss(loaded, samples) == expected


def test_a_gpu_is_given_longer_passes_first_and_other_machines_what_was_asked():
    assert Room.first(512, "cpu") == Room(tokens=512)
    assert Room.first(512, "cuda") == Room(tokens=4096)
    assert Room.first(9000, "cuda") == Room(tokens=9000)
