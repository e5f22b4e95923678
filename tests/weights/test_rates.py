"""Rates of a model are known for one machine, method and set of libraries."""

from __future__ import annotations

import pytest

from mores import store
from mores.weights import rates as module
from mores.weights.rates import Rates, known_rates, planned_seconds, rates_file

FOUND = Rates(train=100.0, read=400.0, draw=50.0, rows=40)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MORES_CACHE", str(tmp_path))


def test_seconds_are_tokens_over_rates():
    assert FOUND.seconds(train=1000, read=800, draw=150) == 10 + 2 + 3
    assert FOUND.seconds() == 0


def test_what_was_not_measured_gives_no_plan():
    assert known_rates("sha256:a", "lora") is None
    assert planned_seconds("sha256:a", "lora", draw=100) is None


def test_a_plan_is_of_this_model_method_and_machine(monkeypatch):
    store.write_json(rates_file("sha256:a", "lora"), FOUND)
    assert known_rates("sha256:a", "lora") == FOUND
    assert planned_seconds("sha256:a", "lora", draw=100) == 2
    assert planned_seconds("sha256:b", "lora", draw=100) is None
    assert planned_seconds("sha256:a", "full", draw=100) is None
    monkeypatch.setattr(module, "versions", lambda: {"torch": "0"})
    assert planned_seconds("sha256:a", "lora", draw=100) is None
