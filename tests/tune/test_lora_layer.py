"""The fused low-rank layer equals PEFT's own, forward and backward."""

from __future__ import annotations

import copy

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model

from mores.tune.lora import _LowRank, fuse


class Net(torch.nn.Module):
    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.first = torch.nn.Linear(6, 5, bias=bias)
        self.second = torch.nn.Linear(5, 4, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(x)))


def pair(bias: bool) -> tuple[Net, Net]:
    """The same adapted net twice: as PEFT runs it, and with our pass."""
    torch.manual_seed(3)
    plain = Net(bias).requires_grad_(False)
    config = LoraConfig(r=2, lora_alpha=6, lora_dropout=0.0, target_modules=["first", "second"])
    inject_adapter_in_model(config, plain, adapter_name="default")
    for name, parameter in plain.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter)  # PEFT starts with B = 0, which would hide much
    fused = copy.deepcopy(plain)
    for layer in (fused.first, fused.second):
        fuse(layer)
    return plain, fused


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 6), (2, 3, 6), (1, 1, 6)])
def test_output_and_all_gradients_equal_pefts(bias, shape):
    plain, fused = pair(bias)
    x = torch.randn(*shape)
    grads = []
    for net in (plain, fused):
        own = x.clone().requires_grad_()
        y = net(own)
        y.square().sum().backward()
        trained = {n: p.grad for n, p in net.named_parameters() if p.requires_grad}
        assert sorted(trained) == sorted(
            f"{layer}.lora_{part}.default.weight" for layer in ("first", "second") for part in "AB"
        )
        grads.append({"y": y.detach(), "x": own.grad, **trained})
    for name, expected in grads[0].items():
        torch.testing.assert_close(grads[1][name], expected, atol=1e-5, rtol=1e-5, msg=name)


def test_gradcheck_in_double_precision():
    torch.manual_seed(0)
    x, weight, bias, down, up = (
        torch.randn(*shape, dtype=torch.float64) for shape in ((4, 3), (5, 3), (5,), (2, 3), (5, 2))
    )
    for tensor in (x, down, up):
        tensor.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, down, up: _LowRank.apply(x, weight, bias, down, up, 1.5), (x, down, up)
    )


def test_the_first_layer_needs_no_gradient_for_its_input():
    _, fused = pair(True)
    x = torch.randn(3, 6)
    fused(x).sum().backward()
    assert x.grad is None
    assert fused.first.lora_A["default"].weight.grad.abs().max() > 0
