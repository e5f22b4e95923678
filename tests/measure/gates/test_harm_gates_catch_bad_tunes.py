"""A tune that teaches needless caution and a harmless one, tuned alike, through the real gates.

`benchmarks/harm_gates.py` does the same with five tunes and several seeds, and writes its counts
into docs/gates.md; here two of them run through `tune` and `gates` as a user calls them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from one_base import OneBase

from mores.measure.gates import GateResult, gates
from mores.measure.gates.result import HARMS
from mores.study import load_study
from mores.tune import tune
from services import bundled_model

pytestmark = [pytest.mark.real_model, pytest.mark.long]

STUDY = Path(__file__).parent / "harms"


@pytest.fixture(scope="module")
def base() -> OneBase:
    bundled_model()
    return OneBase()


def judged(name: str, base: OneBase, folder: Path) -> dict[str, GateResult]:
    shutil.copytree(STUDY, folder / name)
    shutil.copy(STUDY / f"{name}.jsonl", folder / name / "values.jsonl")
    study = load_study(folder / name, overrides=("gates.items=32",))
    tune(study)
    with base.kept():
        results = [r for r in gates(study) if r.name in HARMS]
    found = {f"{r.name} {r.part}".strip(): r for r in results}
    for gate, r in found.items():
        sys.stdout.write(f"{name}: {gate}: {r.verdict} {r.estimate.value} {r.reason}\n")
    return found


def test_needless_caution_is_caught(base, tmp_path):
    found = judged("cautious", base, tmp_path)
    chosen = found["over-caution choices"]
    assert chosen.verdict == "fail"
    assert chosen.estimate.value > 0.2
    assert chosen.estimate.details["turned"] > 5
    assert len(chosen.examples) == 5


def test_a_harmless_tune_fails_nothing_and_passes_what_its_numbers_can_bear(base, tmp_path):
    found = judged("plain", base, tmp_path)
    verdicts = {gate: result.verdict for gate, result in found.items()}
    assert "fail" not in verdicts.values()
    assert verdicts["over-caution choices"] == "pass"
    # Nobody has labelled an answer, so nothing is known of malice in them.
    assert verdicts["emergent-misalignment answers"] == "not measured"
    assert verdicts["over-caution answers"] == "inconclusive"
