"""What is said of the machine is what the system says of it."""

from __future__ import annotations

import os

import pytest
import torch

from mores.weights import machine
from mores.weights.machine import (
    MatmulProbe,
    choose_dtype,
    free_disk_gb,
    free_memory_gb,
    peak_memory_gb,
    probe_matmul,
    set_threads,
    usable_cores,
)


@pytest.mark.parametrize(
    ("wanted", "on_gpu", "chosen"),
    [
        ("auto", False, "float32"),
        ("auto", True, "bfloat16"),
        ("float32", True, "float32"),
        ("bfloat16", False, "bfloat16"),
    ],
)
def test_the_number_format(wanted, on_gpu, chosen):
    assert choose_dtype(wanted, on_gpu=on_gpu) == chosen


@pytest.mark.parametrize(
    ("float32", "bfloat16", "pays"), [(100, 200, True), (100, 120, False), (100, 10, False)]
)
def test_when_bfloat16_pays(float32, bfloat16, pays):
    assert MatmulProbe(float32=float32, bfloat16=bfloat16).bfloat16_pays is pays


def test_the_rate_is_operations_over_time(monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr(machine.time, "perf_counter", lambda: float(next(ticks)))
    # each product takes one second: 2 * 16^3 operations a second
    probe = probe_matmul(size=16, repeats=1)
    assert probe == MatmulProbe(float32=2 * 16**3 / 1e9, bfloat16=2 * 16**3 / 1e9)


def test_threads_are_the_cores_this_process_may_use(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setattr(machine, "usable_cores", usable_cores)  # tests/conftest.py says one
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5}, raising=False)
    try:
        assert usable_cores() == set_threads() == torch.get_num_threads() == 3
        monkeypatch.setenv("MORES_CORES", "2")  # a task's share of a node
        assert usable_cores() == set_threads() == torch.get_num_threads() == 2
        for of_no_account in ("8", "0", "", "many"):
            monkeypatch.setenv("MORES_CORES", of_no_account)
            assert usable_cores() == 3
    finally:
        torch.set_num_threads(before)


def test_memory_and_disk_are_plausible(tmp_path):
    import psutil

    total = psutil.virtual_memory().total / 1e9
    assert 0 < free_memory_gb() < total
    assert psutil.Process().memory_info().rss / 1e9 * 0.5 < peak_memory_gb() < total
    here = free_disk_gb(tmp_path)
    assert here > 0
    assert free_disk_gb(tmp_path / "not" / "there" / "yet") == pytest.approx(here, rel=0.05)
