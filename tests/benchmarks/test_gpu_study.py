"""The GPU benchmark: its tables by hand, its limits of time, and its path on a tiny model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

import gpu_study
import prepare_model
from engine_ask import Told
from engine_generate import Generate
from engine_mores import Mores
from gpu_tables import Step, summary, table, whole
from mores.errors import ModelError
from mores.weights.resolve import resolve
from mores_side import measure
from watched import Seen
from workload import Job

ROOT = Path(__file__).resolve().parents[2]
LINES = (
    ("mores", 40.0, 10.0),
    ("mores", 40.0, 11.0),
    ("mores", 50.0, 29.0),
    ("trl", 60.0, 20.0),
    ("trl", 60.0, 20.0),
    ("generate", 90.0, 60.0),
)
STEPS = [
    Step(size="8b", side=side, what=f"step {i}", cold=cold, warm=warm, tokens=2000, gpu_gb=17.25)
    for i, (side, cold, warm) in enumerate(LINES)
]


def test_table_by_hand():
    failed = Step(size="8b", side="vllm", what="sample", note="no figure: stopped after 120 s")
    lines = table([*STEPS[:1], failed]).splitlines()
    assert lines[2] == "| 8b | mores | step 0 | 40.0 | 10.0 | 200 | 17.2 |  |"
    assert lines[3] == "| 8b | vLLM | sample |  |  |  |  | no figure: stopped after 120 s |"
    assert len({line.count("|") for line in lines}) == 1


def test_a_whole_study_is_summed_only_where_all_of_it_was_measured():
    # mores: 130 s cold, 50 s warm; the others: 210 and 100.
    assert whole(STEPS, "8b", ("mores",), 3) == (130.0, 50.0)
    assert whole(STEPS[:2], "8b", ("mores",), 3) is None
    assert whole(STEPS, "1b", ("mores",), 3) is None
    unmeasured = msgspec.structs.replace(STEPS[2], warm=None)
    assert whole([*STEPS[:2], unmeasured], "8b", ("mores",), 3) is None


def test_summary_by_hand():
    assert summary(STEPS, "8b", 3) == [
        "- 8b, mores: the whole study in 50.0 s warm, 130.0 s cold.",
        "- 8b, TRL and `generate`: the whole study in 100.0 s warm, 210.0 s cold.",
        "- 8b: mores is 2.00 times faster warm, 1.62 times cold.",
        "- met: the 8b study in 50 s warm (aim: at most 90)",
    ]
    part = summary(STEPS[:3], "8b", 3)
    assert part[1] == (
        "- 8b, TRL and `generate`: not all steps were measured, so there is no total."
    )
    slow = [msgspec.structs.replace(s, warm=31.0) for s in STEPS[:3]]
    assert summary(slow, "8b", 3)[-1].startswith("- MISSED: the 8b study in 93 s")


def in_process(self, step: str, name: str, *arguments: str) -> Seen:
    """What a program would do, without a process."""
    output = ""
    self.limit(step)
    if name == "prepare_model.py":
        output = json.dumps(prepare_model.prepare(arguments[0], Path(arguments[1])))
    else:
        job = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=Job)
        Path(arguments[1]).write_bytes(msgspec.json.encode(measure(job)))
    return Seen(time.time(), 9.0, 1.0, None, output, "")


def engine_here(name, python, ask, folder, seconds) -> tuple[Seen, Told]:
    start = time.time()
    engine = {"mores": Mores, "generate": Generate}[name](ask)
    answers = engine.draw(ask)
    told = Told(version="1", how="", loaded=start + 1, done=[start + 3, start + 4], answers=answers)
    return Seen(start, 5.0, 1.0, None, "", ""), told


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tiny_folder: Path) -> None:
    monkeypatch.setattr(gpu_study.Study, "program", in_process)
    monkeypatch.setattr(gpu_study, "run", engine_here)
    monkeypatch.setattr(gpu_study, "version", lambda name: None)
    monkeypatch.setattr(gpu_study, "installed", lambda: ({}, ["- vLLM was not installed here"]))
    monkeypatch.setattr(prepare_model, "resolve", lambda name: resolve(str(tiny_folder)))


@pytest.fixture
def call(tmp_path: Path, tiny_study: Path) -> list[str]:
    return ["--tiny", "--study", str(tiny_study), "--out", str(tmp_path / "out")]


@pytest.mark.usefixtures("here")
@pytest.mark.filterwarnings("default")
@pytest.mark.long
def test_the_path_on_a_tiny_model(call: list[str], tmp_path: Path):
    assert gpu_study.main([*call, "--work", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert [(s["side"], s["what"]) for s in found["steps"]] == [
        ("mores", "train values_targeted"),
        ("mores", "train control"),
        ("mores", "sample"),
        ("generate", "sample"),
    ]
    assert found["steps"][3]["note"] == "100% of first tokens as with mores"
    # The clock above says 3 s from the start and 1 s the second time.
    sampled = found["steps"][2]
    assert (round(sampled["cold"], 3), round(sampled["warm"], 3)) == (3.0, 1.0)
    assert sampled["tokens"] == 5 * 2 * 4  # arms, prompts, tokens
    page = (tmp_path / "out" / "gpu.md").read_text()
    assert page.startswith("**A test of the path, on the CPU: no figure exists for a GPU.**")
    assert "- TRL was not installed: no figure." in page
    assert "- vLLM was not installed here" in page


@pytest.mark.usefixtures("here")
def test_what_was_measured_is_kept_when_the_time_is_over(call, tmp_path, monkeypatch):
    limit = gpu_study.Study.limit

    def short(self, step: str) -> float:
        if len(self.steps) == 1:
            self.over = time.monotonic() + gpu_study.LEAST - 1
        return limit(self, step)

    monkeypatch.setattr(gpu_study.Study, "limit", short)
    assert gpu_study.main(call) == 0
    found = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert [s["what"] for s in found["steps"]] == ["train values_targeted"]
    assert found["said"] == ["- The time was over: what is missing above was not measured."]


@pytest.mark.usefixtures("here")
@pytest.mark.filterwarnings("default")
def test_a_step_that_fails_gets_no_figure_and_the_others_theirs(call, tmp_path, monkeypatch):
    def failing(name, *rest):
        if name == "mores":
            raise ModelError("CUDA out of memory | at layer 3", fix="")
        return engine_here(name, *rest)

    monkeypatch.setattr(gpu_study, "run", failing)
    assert gpu_study.main(call) == 0
    steps = json.loads((tmp_path / "out" / "gpu.json").read_text())["steps"]
    assert (steps[2]["cold"], steps[2]["note"]) == (
        None,
        "no figure: CUDA out of memory / at layer 3",
    )
    assert steps[3]["cold"] is not None


def test_no_step_is_longer_than_what_is_left(tmp_path):
    study = gpu_study.Study(gpu_study.parse(["--tiny"]), tmp_path)
    assert study.limit("train") == gpu_study.LIMITS["train"]
    study.over = time.monotonic() + 30
    assert 29 < study.limit("train") <= 30
    study.over = time.monotonic() + gpu_study.LEAST - 1
    with pytest.raises(gpu_study.TimeIsOverError):
        study.limit("train")


def test_without_a_gpu_the_script_says_so_and_measures_nothing(tmp_path):
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    if shutil.which("nvidia-smi", path=environment["PATH"]):
        pytest.skip("there is a GPU here")
    done = subprocess.run(
        ["bash", str(ROOT / "benchmarks" / "gpu.sh"), "--out", str(tmp_path)],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "there is no GPU here, so no figure" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.real_model
def test_the_script_itself(tmp_path):
    environment = {**os.environ, "PYTHON": sys.executable, "OUT": str(tmp_path)}
    done = subprocess.run(
        ["bash", str(ROOT / "benchmarks" / "gpu.sh"), "--tiny"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "no figure exists for a GPU" in (tmp_path / "gpu.md").read_text()
