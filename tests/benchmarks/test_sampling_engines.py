"""The comparison of sampling engines: its arithmetic by hand, and engines that really run."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import against_engines
import engine_work
from against_engines import SECONDS, compare, installed, parse, prepare, run
from engine_ask import Ask, Row, Told, by_adapter, common, waves
from engine_generate import Generate
from engine_tables import Agreement, Run, agreement, run_of, table, verdicts
from mores.errors import ModelError
from random_model import write_random_model
from watched import watched
from workload import Workload


def row(name: str, ids: list[int], adapter: str = "") -> Row:
    return Row(id=name, arm=adapter or "base", adapter=adapter, ids=ids)


def ran(start: float, load: float, *draws: float, tokens: int = 600) -> Run:
    done, at = [], start + load
    for seconds in draws:
        at += seconds
        done.append(at)
    return Run(
        started=start,
        loaded=start + load,
        done=tuple(done),
        tokens=tokens,
        peak_gb=1.5,
        gpu_peak_gb=None,
    )


def test_a_common_beginning_leaves_each_row_a_token_of_its_own():
    assert common([1, 2, 3, 4], [1, 2, 9]) == 2
    assert common([1, 2, 3], [1, 2, 3]) == 2
    assert common([7], [7, 8]) == 0


def test_waves_by_hand():
    a, b, c, d = (row(*x) for x in (("a", [1, 2, 3]), ("b", [1, 2, 4]), ("c", [1, 5]), ("d", [6])))
    assert list(waves([a, b, c, d], 3, 2)) == [[(2, [a, b]), (0, [c])], [(0, [d])]]
    # One token is worth sharing here, and the third row shortens what the first two share.
    assert list(waves([a, b, c, d], 4, 1)) == [[(1, [a, b, c]), (0, [d])]]


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=12))
def test_waves_lose_no_row_and_share_what_is_common(prompts: list[list[int]]):
    rows = [row(str(i), ids) for i, ids in enumerate(sorted(prompts))]
    found = list(waves(rows, 5, 2))
    assert [r["id"] for wave in found for _, group in wave for r in group] == [
        r["id"] for r in rows
    ]
    for shared, group in (g for wave in found for g in wave):
        assert len({tuple(r["ids"][:shared]) for r in group}) == 1
        assert all(len(r["ids"]) > shared for r in group)


def test_rows_of_an_adapter_stand_together_base_first():
    rows = [row("x", [2], "control"), row("y", [3]), row("z", [1])]
    assert [(name, [r["id"] for r in own]) for name, own in by_adapter(rows)] == [
        ("", ["z", "y"]),
        ("control", ["x"]),
    ]


def test_seconds_of_a_run():
    told = Told(version="1", how="", loaded=102.0, done=[106.0, 109.0], answers={"a": [1, 2]})
    found = run_of(told, 100.0, 2.0, None)
    assert (found.loading, found.drawing, found.whole, found.warm) == (2.0, 4.0, 6.0, 3.0)
    assert found.tokens == 2
    assert ran(0.0, 1.0, 5.0).warm == 5.0


def test_agreement_by_hand():
    ours = {"a": [1, 2], "b": [3, 4], "c": [5, 6], "d": [7, 8]}
    theirs = {"a": [1, 2], "b": [3, 9], "c": [9, 6], "d": [7, 8]}
    assert agreement(ours, theirs) == Agreement(first=0.75, whole=0.5)
    with pytest.raises(ValueError, match="same number of tokens"):
        agreement(ours, {**theirs, "d": [7]})


def test_table_and_verdicts_by_hand():
    # 600 tokens. mores: 2 + 4 s, 100 tokens/s. vLLM: 10 + 5 s, then 10 + 10 s: 40 and 30 tokens/s,
    # so 2.5 and 3.33 times. llama.cpp: 1 + 3 s, 150 tokens/s, 0.67 times.
    runs = {
        "mores": [ran(0, 2, 4), ran(100, 2, 4)],
        "vllm": [ran(0, 10, 5), ran(100, 10, 10)],
        "llama": [ran(0, 1, 3), ran(100, 1, 3)],
    }
    same = Agreement(first=1.0, whole=0.95)
    agreed = dict.fromkeys(runs, same)
    lines = table(runs, agreed).splitlines()
    assert lines[2] == "| mores | 2.0 | 4.0 | 6.0 | 150 | 100 |  | 1.5 |  |  |"
    assert lines[3] == (
        "| vLLM | 10.0 | 7.5 (5.0-10.0) | 17.5 (15.0-20.0) | 90 (60-120) | 35 (30-40) "
        "| 2.92 (2.50-3.33) | 1.5 | 100% | 95% |"
    )
    assert len({line.count("|") for line in lines}) == 1
    said = verdicts(runs, agreed)
    assert said[0].startswith("- met: 2.92 (2.50-3.33) times the tokens a second of vLLM")
    assert said[1].startswith("- MISSED: 0.67 times the tokens a second of llama.cpp")
    other = verdicts(runs, {**agreed, "llama": Agreement(first=0.89, whole=0.1)})
    assert "llama.cpp ANSWERS OTHERWISE: THE COMPARISON DOES NOT COUNT" in other[1]
    assert "times" not in other[1]


def test_a_peer_that_is_not_there_is_named_with_what_installs_it(monkeypatch):
    for variable in ("MORES_VLLM_PYTHON", "MORES_LLAMA_PYTHON"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(against_engines.llama_peer.store, "cache_folder", lambda: Path("/nowhere"))
    pythons, absent = installed()
    assert list(pythons) == ["mores", "generate"]
    assert [line.split(" was")[0] for line in absent] == ["- vLLM", "- llama.cpp"]
    assert all("no figure. `make bench-peers`" in line for line in absent)


def test_what_fails_is_left_out_and_gets_no_figure(monkeypatch, tmp_path):
    def fake(name, python, ask, folder, seconds):
        if name == "vllm":
            raise ModelError("it wrote no result", fix="")
        told = Told(version="1", how="x", loaded=1.0, done=[2.0], answers={"a": [1]})
        return watched([sys.executable, "-c", ""], seconds=60), told

    monkeypatch.setattr(against_engines, "run", fake)
    engines = {"mores": Path("p"), "vllm": Path("q"), "llama": Path("r")}
    found = compare(engines, Ask(), 2, tmp_path)
    assert {name: len(own) for name, own in found.runs.items()} == {"mores": 2, "llama": 2}
    assert found.failed == ["- vLLM failed: no figure. it wrote no result"]


def test_memory_of_children_counts_and_time_is_limited():
    hold = "x = bytearray(200_000_000); import time; time.sleep(1.5)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    seen = watched([sys.executable, "-c", child], seconds=60)
    assert seen.error == ""
    assert 0.2 < seen.peak_gb < 0.4
    slow = watched([sys.executable, "-c", "import time; time.sleep(60)"], seconds=1)
    assert slow.error.startswith("stopped after 1 s")
    bad = watched([sys.executable, "-c", "import sys; sys.exit('no such thing')"], seconds=60)
    assert bad.error == "ended with code 1: no such thing"


@pytest.fixture
def ask(tmp_path: Path, tiny_folder: Path, tiny_study: Path) -> Ask:
    model = write_random_model("tiny", tiny_folder, tmp_path / "model")
    work = Workload(
        model_folder=str(model), study=str(tiny_study), samples=4, held_out=2, prompts=2
    )
    made = engine_work.prepare(msgspec.structs.replace(work, learning_rate=0.05), tmp_path)
    return Ask(
        model=work.model_folder,
        gguf="",
        adapters=made["adapters"],
        gguf_adapters={},
        rank=made["rank"],
        dtype="float32",
        rows=made["rows"],
        new_tokens=6,
        width=3,
        threads=1,
        times=2,
    )


@pytest.mark.filterwarnings("default")
@pytest.mark.long
def test_mores_and_generate_draw_the_same_and_nothing_ends_an_answer(ask: Ask, tmp_path: Path):
    seen, told = run("mores", Path(sys.executable), ask, tmp_path, 300)
    assert seen.started < told["loaded"] < told["done"][0] < told["done"][1]
    ours = told["answers"]
    assert {len(ids) for ids in ours.values()} == {6}
    assert len(ours) == len(ask["rows"])
    assert agreement(ours, Generate(ask).draw(ask)) == Agreement(first=1.0, whole=1.0)
    # The adapters do something: some answer of an arm is not base's.
    assert any(
        ours[r["id"]] != ours["base/" + r["id"].split("/", 1)[1]]
        for r in ask["rows"]
        if r["adapter"]
    )


@pytest.mark.long
@pytest.mark.real_model
def test_the_peers_answer_as_mores_does(tmp_path: Path):
    pythons, absent = installed()
    if absent:
        pytest.skip(" ".join(absent))
    options = parse(["--prompts", "1", "--new-tokens", "4", "--samples", "4"])
    made = prepare(options, tmp_path, gguf=True)
    answers = {n: run(n, p, made, tmp_path, SECONDS)[1]["answers"] for n, p in pythons.items()}
    for name in pythons:
        assert agreement(answers["mores"], answers[name]).first == 1.0, name
