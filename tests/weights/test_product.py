"""Products with frozen weights equal torch's own, forward and backward."""

from __future__ import annotations

import copy

import pytest
import torch

from mores.weights import product as room
from mores.weights.product import Quick, product, quicken


@pytest.mark.parametrize("library", ["oneDNN", "torch's own"])
@pytest.mark.parametrize("shape", [(5, 8), (2, 3, 8), (1, 8), (0, 8)])
@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_product_is_that_of_torch(library, shape, layout, bias, monkeypatch) -> None:
    onednn = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    monkeypatch.setattr(room, "ONEDNN", onednn if library == "oneDNN" else None)
    torch.manual_seed(1)
    x, weight = torch.randn(shape), torch.randn(6, 8)
    if layout == "columns":
        weight = weight.T.contiguous().T
    b = torch.randn(6) if bias else None
    expected = (x.double() @ weight.double().T + (b.double() if bias else 0.0)).float()
    torch.testing.assert_close(product(x, weight, b), expected, atol=1e-5, rtol=1e-5)
    slices = torch.randn(*shape[:-1], 16)[..., ::2]  # not contiguous
    torch.testing.assert_close(product(slices, weight), slices @ weight.T, atol=1e-5, rtol=1e-5)


def test_onednn_is_asked_for_float32_on_a_cpu_alone(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(
        room,
        "ONEDNN",
        lambda x, w, *rest: asked.append(x.dtype) or torch.nn.functional.linear(x, w),
    )
    weight = torch.randn(6, 8)
    product(torch.randn(3, 8), weight)
    product(torch.randn(3, 8).double(), weight.double())
    product(torch.randn(3, 8).bfloat16(), weight.bfloat16())
    product(torch.randn(0, 8), weight)
    with torch.autocast("cpu", torch.bfloat16):
        product(torch.randn(3, 8), weight)
    assert asked == [torch.float32]
    monkeypatch.setattr(room, "ONEDNN", None)  # a torch that was built without it
    x = torch.randn(3, 8)
    assert torch.equal(product(x, weight), torch.nn.functional.linear(x, weight))


@pytest.mark.parametrize(
    ("said", "intel"),
    [
        ("processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R)", True),
        ("processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC", False),
    ],
)
def test_the_maker_of_the_processor_decides(said: str, intel: bool, tmp_path) -> None:
    (tmp_path / "cpuinfo").write_text(said)
    assert room.made_by_intel(tmp_path / "cpuinfo") is intel


def test_elsewhere_than_on_linux_the_platform_names_the_maker(monkeypatch, tmp_path) -> None:
    named = "Intel64 Family 6 Model 143 Stepping 8, GenuineIntel"  # as on Windows
    monkeypatch.setattr(room.platform, "processor", lambda: named)
    assert room.made_by_intel(tmp_path / "none")
    monkeypatch.setattr(room.platform, "processor", lambda: "arm")
    assert not room.made_by_intel(tmp_path / "none")


def net() -> torch.nn.Module:
    torch.manual_seed(2)
    return torch.nn.Sequential(
        torch.nn.Linear(8, 6), torch.nn.Tanh(), torch.nn.Linear(6, 4, bias=False)
    )


@pytest.mark.parametrize("frozen", [True, False])
def test_gradients_of_a_quickened_net_equal_torchs(frozen: bool) -> None:
    plain = net().requires_grad_(not frozen)
    quick = copy.deepcopy(plain)
    quicken(quick)
    assert [type(layer) for layer in quick][::2] == [Quick, Quick]
    found = []
    for one in (plain, quick):
        x = torch.linspace(-1, 1, 24).view(3, 8).requires_grad_()
        one(x).square().sum().backward()
        found.append([x.grad, *(p.grad for p in one.parameters())])
    for expected, got in zip(*found, strict=True):
        if frozen and expected is None:
            assert got is None
        else:
            torch.testing.assert_close(got, expected, atol=1e-6, rtol=1e-6)


def test_layers_that_do_more_than_multiply_are_left_alone() -> None:
    class Own(torch.nn.Linear):
        pass

    model = torch.nn.Sequential(Own(4, 4), torch.nn.Linear(4, 4), torch.nn.Embedding(3, 4))
    weight = model[1].weight
    quicken(model)
    assert [type(layer).__name__ for layer in model] == ["Own", "Quick", "Embedding"]
    assert model[1].weight is weight
    assert isinstance(model[1], torch.nn.Linear)  # PEFT asks for that
