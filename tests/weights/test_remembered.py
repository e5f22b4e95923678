"""What was found of a model is found once, and again where anything that decides it differs."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
import torch

from mores.weights import remembered
from mores.weights.attention import Layout
from mores.weights.load import load
from mores.weights.resolve import resolve

loading = importlib.import_module("mores.weights.load")


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Each time that a model is examined."""
    monkeypatch.setenv("MORES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remembered, "SMALL", 0)
    times: list[str] = []
    real = loading.examine

    def examine(loaded, plain: str = "") -> None:
        times.append(plain)
        real(loaded, plain)

    monkeypatch.setattr(loading, "examine", examine)
    return times


def logits(loaded) -> torch.Tensor:
    ids = torch.arange(5, 25)
    with torch.no_grad():
        return loaded.logits(loaded.hidden(ids, Layout.of([20])))


@pytest.mark.parametrize("plain", ["", "its engine is plain"])
def test_a_model_is_examined_once(tiny_folder: Path, examined, plain: str) -> None:
    first, again = (load(resolve(str(tiny_folder)), plain=plain) for _ in range(2))
    assert examined == [plain]
    assert again.way == first.way
    assert (again.way.flat, again.way.why) == (not plain, plain)
    assert again.head.layer is again.model.get_output_embeddings()
    assert (again.head.scale, again.head.cap) == (first.head.scale, first.head.cap)
    assert torch.equal(logits(first), logits(again))


def test_another_format_library_or_code_is_examined(
    tiny_folder: Path, examined, monkeypatch, tmp_path: Path
) -> None:
    resolved = resolve(str(tiny_folder))
    load(resolved)
    load(resolved, dtype="bfloat16")
    monkeypatch.setattr(remembered, "versions", lambda: {"torch": "0"})
    load(resolved)
    monkeypatch.setattr(remembered, "ASKING", ("attention",))
    load(resolved)
    assert len(examined) == 4
    (place, *_) = (tmp_path / "cache" / "ways").iterdir()
    for damage in ("{", json.dumps({"flat": 1})):
        for path in place.parent.iterdir():
            path.write_text(damage)
        load(resolved)
    assert len(examined) == 6


def test_small_models_are_examined_each_time(tiny_folder: Path, examined, monkeypatch) -> None:
    monkeypatch.setattr(remembered, "SMALL", 10_000_000)
    for _ in range(2):
        load(resolve(str(tiny_folder)))
    assert len(examined) == 2
