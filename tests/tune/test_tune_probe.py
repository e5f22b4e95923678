"""What the trainer keeps of two training samples, and who is held to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mores import store
from mores.errors import ModelError
from mores.step import Manifest, write_manifest
from mores.tune.probe import PROBE, ProbeItem, check_probe, read_probe

ITEM = ProbeItem(id="v-1", prompt=(1, 2), answer=(3,), base=-3.0, tuned=-2.0)


def manifest(**facts: str) -> Manifest:
    return Manifest(step="tune", inputs={}, outputs={}, config={}, seed=1, versions={}, facts=facts)


def test_an_arm_that_was_trained_here_is_known_by_its_samples(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest())
    with pytest.raises(ModelError, match="tuned by an earlier version"):
        read_probe(tmp_path)
    store.write_jsonl(tmp_path / PROBE, [ITEM])
    assert read_probe(tmp_path) == [ITEM]


def test_an_arm_that_a_host_has_trained_is_not_held_to_anything(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest(host="https://host/v1"))
    assert read_probe(tmp_path) == []


@pytest.mark.parametrize(
    ("told", "said"),
    [(-2.01, None), (-2.99, "base's numbers: the adapter does nothing"), (-2.5, "other numbers")],
)
def test_an_engines_numbers_against_the_trainers(told: float, said: str | None) -> None:
    if said is None:
        assert check_probe("a", [ITEM], {"v-1": told}, "it") == (
            "a: within 0.0100 nats a token of the trainer"
        )
        return
    with pytest.raises(ModelError, match=said):
        check_probe("a", [ITEM], {"v-1": told}, "it")
