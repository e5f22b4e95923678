"""Gradients against a pass of autograd written here, TracIn against sums made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from trace_oracle import Oracle

from mores.errors import ModelError
from mores.records import Recipe
from mores.trace.answer import answer_gradients, put
from mores.trace.gradients import gradient, influences
from mores.trace.keep import plan
from mores.trace.model import KeptGradients
from mores.trace.sketch import Sketch
from mores.tune.adapters import adapter_weights, make_trainable, take_out, trained_weights
from mores.tune.encode import EncodedSample, encode_sample
from mores.tune.loop import fit
from mores.weights.weights_file import save_weights

RECIPE = Recipe(epochs=1, batch_size=2, lora_rank=4, lora_alpha=8, learning_rate=1e-2)


@pytest.fixture
def trained(tiny):
    """The two-layer model with adapters that are no longer zero."""
    make_trainable(tiny, RECIPE, 3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in trained_weights(tiny).values():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.1)
    return tiny


def by(loaded) -> list[torch.Tensor]:
    """The trained weights."""
    return list(trained_weights(loaded).values())


def sample(loaded, number: int) -> EncodedSample:
    texts = ["talk with them and listen", "bread needs flour", "birds sing in the morning"]
    return encode_sample(loaded, "chat", f"v-{number}", f"what is thing {number}?", texts[number])


def test_a_gradient_is_what_autograd_finds(trained, tiny_folder):
    oracle = Oracle(str(tiny_folder), RECIPE.lora_rank, RECIPE.lora_alpha)
    adapter = dict(adapter_weights(trained.model))
    oracle.put(adapter)
    for prompt_weight in (0.0, 0.1, 1.0):
        for number in range(3):
            one = sample(trained, number)
            expected = oracle.gradient(one, prompt_weight, list(adapter))
            found = gradient(trained, one, prompt_weight, by(trained))
            assert found.dtype == np.float32
            assert np.abs(expected).max() > 1e-3
            np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-3)


def test_taking_a_gradient_changes_nothing(trained):
    before = {n: p.detach().clone() for n, p in trained.model.named_parameters()}
    gradient(trained, sample(trained, 0), 0.1, by(trained))
    assert all(p.grad is None for p in trained.model.parameters())
    assert all(torch.equal(before[n], p) for n, p in trained.model.named_parameters())


def test_influences_by_hand():
    # Two checkpoints with weights 3 and 1; samples (1, 0), (3, 4), (-2, 0), (0, 0).
    first = np.array([[1.0, 0.0], [3.0, 4.0], [-2.0, 0.0], [0.0, 0.0]])
    second = np.array([[0.0, 2.0], [1.0, 0.0], [0.0, -1.0], [0.0, 0.0]])
    tracin, alignment = influences(
        [first, second], [np.array([2.0, 0.0]), np.array([0.0, 5.0])], [3.0, 1.0]
    )
    # 3*2 + 1*10; 3*6 + 0; 3*(-4) + 1*(-5); 0
    assert tracin.tolist() == [16.0, 18.0, -17.0, 0.0]
    # (3*1 + 1)/4; (3*0.6 + 0)/4; (-3 - 1)/4; a gradient of zero has no direction
    np.testing.assert_allclose(alignment, [1.0, 0.45, -1.0, 0.0])


def test_tracin_of_a_linear_regression_is_the_loss_taken_off():
    """Two steps of gradient descent on one weight, by hand: y = w x, loss (w x - y)² / 2.

    w = 0, rate 0.1. Step on (x=1, y=2): gradient -2, w = 0.2. Step on (x=2, y=1): gradient
    (0.4 - 1) * 2 = -1.2, w = 0.32. Answer (x=1, y=1): gradients -1 at w = 0, -0.8 at w = 0.2.
    TracIn: 0.1 * 2 * 1 = 0.2 for the first, 0.1 * 1.2 * 0.8 = 0.096 for the second. What the two
    steps took off the answer's loss: (1 - 0.68²) / 2 = 0.2688, that is 0.2 + 0.096 less the squares
    of the steps, (0.2² + 0.12²) / 2 = 0.0272.
    """
    first, _ = influences([np.array([[-2.0]])], [np.array([-1.0])], [0.1])
    second, _ = influences([np.array([[-1.2]])], [np.array([-0.8])], [0.1])
    assert first[0] == pytest.approx(0.2)
    assert second[0] == pytest.approx(0.096)
    taken_off = (1 - 0.68**2) / 2
    assert first[0] + second[0] - (0.2**2 + 0.12**2) / 2 == pytest.approx(taken_off)


def test_a_sample_pushes_towards_itself(trained):
    own = np.stack([gradient(trained, sample(trained, n), 0.0, by(trained)) for n in range(3)])
    for number in range(3):
        tracin, alignment = influences([own], [own[number]], [0.5])
        assert tracin[number] == pytest.approx(0.5 * float(own[number] @ own[number]), rel=1e-5)
        assert tracin[number] > 0
        assert alignment[number] == pytest.approx(1.0)
        assert alignment.argmax() == number


def test_leaving_a_sample_out_goes_the_way_that_its_influence_says(tiny):
    """One step of plain gradient descent on two samples, and on each alone: signs agree."""
    make_trainable(tiny, RECIPE, 3)
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for weight in trained_weights(tiny).values():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.1)
    samples, rate = [sample(tiny, n) for n in range(3)], 2e-4
    own = np.stack([gradient(tiny, s, 0.0, by(tiny)) for s in samples])
    start = {n: w.detach().clone() for n, w in trained_weights(tiny).items()}

    def loss_after(left_out: int, asked: EncodedSample) -> float:
        """Loss of an answer after a step on the other two samples."""
        from mores.tune.answers import mean_loss

        step = torch.from_numpy(own.sum(0) - own[left_out] if left_out >= 0 else own.sum(0))
        at = 0
        with torch.no_grad():
            for name, weight in trained_weights(tiny).items():
                part = step[at : at + weight.numel()].view(weight.shape)
                weight.copy_(start[name] - rate * part)
                at += weight.numel()
        return mean_loss(tiny, [asked])

    agree = 0
    for asked, answer in zip(samples, own, strict=True):
        whole = loss_after(-1, asked)
        effects = [loss_after(n, asked) - whole for n in range(3)]
        tracin, _ = influences([own], [answer], [rate])
        agree += sum(np.sign(effects) == np.sign(tracin))
        np.testing.assert_allclose(effects, tracin, rtol=0.05, atol=2e-6)
    assert agree == 9


# Sketches --------------------------------------------------------------------------------------


def test_a_short_gradient_is_kept_whole():
    vector = np.arange(5, dtype=np.float32)
    assert Sketch(5, 5)(vector).tolist() == [0, 1, 2, 3, 4]
    assert Sketch(5, 100).dimension == 5


def test_a_sketch_adds_signed_numbers_that_fall_on_one_place():
    """Each unit vector lands on one place with one sign, and a sketch is linear."""
    sketch = Sketch(50, 8)
    units = np.stack([sketch(row) for row in np.eye(50, dtype=np.float32)])
    assert (np.abs(units).sum(1) == 1).all()
    assert set(np.unique(units)) == {-1.0, 0.0, 1.0}
    vector = np.linspace(-1, 1, 50).astype(np.float32)
    np.testing.assert_allclose(sketch(vector), vector @ units, atol=1e-6)
    assert (Sketch(50, 8)(vector) == sketch(vector)).all()


def test_products_of_sketches_are_as_right_as_is_said():
    """Mean error none, spread sqrt((|x|²|y|² + (x.y)²) / k) at most, over 400 pairs."""
    rng = np.random.default_rng(1)
    length, dimension = 20_000, 512
    sketch = Sketch(length, dimension)
    errors = []
    for _ in range(400):
        x, y = rng.standard_normal((2, length))
        y = 0.3 * x + y
        exact = float(x @ y)
        bound = np.sqrt((x @ x) * (y @ y) + exact**2) / np.sqrt(dimension)
        errors.append((float(sketch(x).astype(float) @ sketch(y)) - exact) / bound)
    assert abs(np.mean(errors)) < 4 / np.sqrt(400)
    assert 0.8 < np.std(errors) < 1.1


# Checkpoints -----------------------------------------------------------------------------------


def test_checkpoints_are_the_middles_of_equal_parts():
    rates = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    assert plan(rates, 3) == [(1, 3.0), (3, 12.0), (5, 48.0)]
    assert plan(rates, 1) == [(3, 63.0)]
    assert plan([1.0, 2.0], 3) == [(1, 1.0), (2, 2.0)]
    assert plan([0.5], 3) == [(1, 0.5)]
    for steps in range(1, 40):
        points = plan([1.0] * steps, 3)
        assert sum(rate for _, rate in points) == steps
        assert all(1 <= at <= steps for at, _ in points)
        assert len({at for at, _ in points}) == min(3, steps)


def test_an_answers_gradient_is_taken_with_the_saved_adapters(tiny, tmp_path):
    """Adapters as they were in training, saved, put into a base that has none, and taken out."""
    caught: dict[str, np.ndarray] = {}
    own = [sample(tiny, n) for n in range(3)]

    def on_step(done, _steps, _row):
        weights = {n: w.detach().contiguous().clone() for n, w in adapter_weights(tiny.model)}
        save_weights(tmp_path / f"adapter-{done:04d}.safetensors", weights, {})
        caught[str(done)] = gradient(tiny, own[2], 0.0, by(tiny))

    fit(tiny, own, RECIPE, seed=1, on_step=on_step)
    take_out(tiny.model)
    assert not trained_weights(tiny)
    length = len(caught["1"])
    about = KeptGradients(
        samples=3,
        checkpoints=(1, 2),
        steps=2,
        weights=length,
        dimension=length,
        size=0,
        difference=0.0,
    )
    found = answer_gradients(tiny, RECIPE, tmp_path, about, own[2])
    for gradients, step in zip(found, "12", strict=True):
        assert np.abs(caught[step]).max() > 1e-3
        np.testing.assert_allclose(gradients, caught[step], atol=2e-6)
    assert (found[0] != found[1]).any()
    assert not [n for n, _ in tiny.model.named_parameters() if "lora_" in n]


def test_an_adapter_is_put_beside_the_layers_and_taken_away(tiny, tmp_path):
    before = dict(tiny.model.named_modules())
    weights = {
        f"base_model.model.model.layers.1.mlp.up_proj.lora_{part}.weight": torch.ones(shape)
        for part, shape in (("A", (2, 32)), ("B", (64, 2)))
    }
    one = sample(tiny, 0)
    with put(tiny, weights, 2.0) as leaves:
        assert [tuple(leaf.shape) for leaf in leaves] == [(2, 32), (64, 2)]
        assert np.abs(gradient(tiny, one, 0.0, leaves)).max() > 0
    assert dict(tiny.model.named_modules()) == before


def test_adapters_of_another_model_are_refused(tiny, tmp_path):
    save_weights(tmp_path / "adapter-0001.safetensors", {"odd": torch.ones(3)}, {})
    about = KeptGradients(
        samples=1, checkpoints=(1,), steps=1, weights=3, dimension=3, size=0, difference=0.0
    )
    with pytest.raises(ModelError, match=r"expected adapters of 3 numbers .* found 0"):
        answer_gradients(tiny, RECIPE, tmp_path, about, sample(tiny, 0))
