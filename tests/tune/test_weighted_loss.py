"""Block-wise loss equals torch's own, in value and in both gradients."""

from __future__ import annotations

import pytest
import torch

from mores.tune import loss as module
from mores.tune.loss import BLOCK, weighted_loss


def drawn(positions, dtype=torch.float32, width=12, vocabulary=37):
    generator = torch.Generator().manual_seed(positions)
    hidden = torch.randn(positions, width, generator=generator, dtype=dtype, requires_grad=True)
    output = torch.randn(vocabulary, width, generator=generator, dtype=dtype, requires_grad=True)
    targets = torch.randint(0, vocabulary, (positions,), generator=generator)
    weights = torch.rand(positions, generator=generator, dtype=dtype)
    weights[::3] = 0.0
    return hidden, output, targets, weights


@pytest.mark.parametrize("positions", [1, 5, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 37])
def test_value_and_gradients_equal_cross_entropy(positions):
    hidden, output, targets, weights = drawn(positions)
    each = torch.nn.functional.cross_entropy(hidden @ output.T, targets, reduction="none")
    expected = torch.autograd.grad((each * weights).sum() * 0.7, (hidden, output))
    total, losses = weighted_loss(hidden, output, targets, weights)
    found = torch.autograd.grad(total * 0.7, (hidden, output))
    torch.testing.assert_close(losses, each.detach(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(total, (each * weights).sum(), atol=1e-5, rtol=1e-5)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_by_hand():
    # logits (0, ln 3): probabilities 1/4 and 3/4, so -ln(1/4) = 2 ln 2 for target 0
    hidden = torch.tensor([[1.0]])
    output = torch.tensor([[0.0], [3.0]]).log1p()
    output[1] = torch.tensor(3.0).log()
    total, losses = weighted_loss(hidden, output, torch.tensor([0]), torch.tensor([0.5]))
    assert losses.tolist() == pytest.approx([1.3862944])
    assert total.item() == pytest.approx(0.6931472)


def test_gradcheck_in_double_precision_over_several_blocks(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 3)
    hidden, output, targets, weights = drawn(7, torch.float64, width=3, vocabulary=5)
    assert torch.autograd.gradcheck(
        lambda h, o: weighted_loss(h, o, targets, weights)[0], (hidden, output)
    )


@pytest.mark.parametrize("frozen", ["hidden", "output", "both"])
def test_what_is_frozen_gets_no_gradient(frozen):
    hidden, output, targets, weights = drawn(5)
    hidden.requires_grad_(frozen == "output")
    output.requires_grad_(frozen == "hidden")
    total, _ = weighted_loss(hidden, output, targets, weights)
    assert total.requires_grad is (frozen != "both")
    if frozen != "both":
        total.backward()
        assert (hidden.grad is None) is (frozen == "hidden")
        assert (output.grad is None) is (frozen == "output")


def test_losses_carry_no_gradient_and_weights_of_zero_none_either():
    hidden, output, targets, _ = drawn(5)
    total, losses = weighted_loss(hidden, output, targets, torch.zeros(5))
    assert not losses.requires_grad
    total.backward()
    assert total.item() == 0.0
    assert hidden.grad.abs().max() == 0
    assert output.grad.abs().max() == 0


def test_large_logits_do_not_overflow():
    hidden = torch.tensor([[1e4]], requires_grad=True)
    total, _ = weighted_loss(
        hidden, torch.tensor([[1.0], [-1.0]]), torch.tensor([1]), torch.tensor([1.0])
    )
    total.backward()
    assert total.item() == pytest.approx(2e4)
    assert hidden.grad.tolist() == [[2.0]]


def test_bfloat16_is_summed_in_single_precision():
    hidden, output, targets, weights = drawn(50)
    half = [t.detach().bfloat16() for t in (hidden, output)]
    total, losses = weighted_loss(*half, targets, weights)
    exact, _ = weighted_loss(*(t.float() for t in half), targets, weights)
    assert total.dtype == losses.dtype == torch.float32
    assert float(total) == pytest.approx(float(exact), rel=2e-2)
