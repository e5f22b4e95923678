"""The quick benchmark that CI prints: what is a warning, what is a failure, and a real run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import smoke
from random_model import write_random_model
from smoke_ratios import (
    compared,
    first_difference,
    framed,
    ratio,
    read_record,
    unequal_losses,
    write_record,
)

HERE = "This processor, 2 cores"
RECORD = {
    HERE: {"date": "2026-11-27", "ratios": {"training": 2.4, "sampling": 3.0}},
    "Another, 8 cores": {"date": "2026-11-01", "ratios": {"training": 1.5, "start": 0.9}},
    "A third, 4 cores": {"date": "2026-11-02", "ratios": {"training": 1.8, "start": 1.2}},
}


def test_ratio_is_of_the_medians():
    assert ratio([1.0, 2.0, 9.0], [8.0, 4.0, 5.0]) == 2.5


def test_a_ratio_that_fell_by_a_third_is_warned_of_and_one_that_fell_less_is_not():
    # Two thirds of 2.4 are 1.6, of 3.0 are 2.0.
    lines, warnings = compared({"training": 1.61, "sampling": 1.99}, RECORD, HERE)
    assert lines == [
        "training    1.61 times as fast; recorded 2.40 (this machine, 2026-11-27)",
        "sampling    1.99 times as fast; recorded 3.00 (this machine, 2026-11-27)",
    ]
    (warning,) = warnings
    assert warning == (
        "sampling is 1.99 times as fast as plain transformers; recorded was 3.00 "
        "(this machine, 2026-11-27): it fell by 34%"
    )


def test_without_a_record_nothing_is_warned_of():
    lines, warnings = compared({"training": 0.1}, {}, HERE)
    assert lines == ["training    0.10 times as fast; nothing is recorded"]
    assert warnings == []


def test_another_machine_is_held_against_the_least_that_any_recorded():
    lines, warnings = compared({"training": 1.01, "start": 0.59}, RECORD, "Never seen, 2 cores")
    assert lines[0].endswith("recorded 1.50 (another machine: Another, 8 cores, 2026-11-01)")
    assert [w.partition(" is ")[0] for w in warnings] == ["start"]


def test_a_record_keeps_what_other_machines_have_recorded(tmp_path: Path):
    path = tmp_path / "ratios.json"
    assert read_record(path) == {}
    write_record(path, "a", "2026-11-27", {"training": 2.3456})
    write_record(path, "b", "2026-11-28", {"training": 1.0})
    write_record(path, "a", "2026-11-29", {"training": 2.5})
    assert read_record(path) == {
        "a": {"date": "2026-11-29", "ratios": {"training": 2.5}},
        "b": {"date": "2026-11-28", "ratios": {"training": 1.0}},
    }


def test_losses_are_equal_within_the_tolerance_and_a_broken_one_is_not():
    assert unequal_losses([3.0, 2.5], [3.0019, 2.5]) == []
    assert len(unequal_losses([3.0, 2.5], [3.0021, 2.5])) == 1
    assert unequal_losses([3.0, math.nan], [3.0, 2.5])[0].startswith("the loss of step 2 is nan")


def test_first_difference_by_hand():
    assert first_difference([1, 2, 3], [1, 2, 3]) is None
    assert first_difference([1, 2, 3], [1, 9, 3]) == 1
    with pytest.raises(ValueError, match="shorter"):
        first_difference([1, 2], [1])


class Logits:
    """A side whose two tokens are so far apart."""

    def __init__(self, gap: float) -> None:
        self.gap, self.asked = gap, []

    def ask(self, line: str) -> dict[str, float]:
        self.asked.append(json.loads(line.removeprefix("gap ")))
        return {"gap": self.gap}


def test_only_a_tie_may_be_settled_otherwise():
    answers = {"mores": {"p": [5, 6, 7], "q": [1, 2, 3]}, "plain": {"p": [5, 8, 7], "q": [1, 2, 3]}}
    rows = [{"id": name, "arm": "base", "adapter": "", "ids": [40, 41]} for name in "pq"]
    tie, apart = Logits(0.0001), Logits(0.5)
    assert smoke.unequal_answers(answers, rows, tie) == []
    assert tie.asked == [[[40, 41, 5], 6, 8]]
    (said,) = smoke.unequal_answers(answers, rows, apart)
    assert said == (
        "the answer to p differs from token 2 on: 6 with mores, 8 with `generate`, whose logits "
        "are 0.500 apart"
    )


def test_a_frame_is_closed():
    lines = framed("WARNING", ["short", "a longer line"]).strip().splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0] == lines[-1] == "#" * (len("a longer line") + 8)
    assert lines[2] == "##  WARNING        ##"


def measured(ratios: dict[str, float], wrong: list[str]):
    return lambda asked, study: (ratios, wrong)


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_folder: Path) -> Path:
    path = tmp_path / "recorded.json"
    monkeypatch.setattr(smoke, "RECORD", path)
    monkeypatch.setattr(smoke, "processor", lambda: "This processor")
    monkeypatch.setattr(smoke, "usable_cores", lambda: 2)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return path


def test_slow_is_a_warning_and_different_is_a_failure(
    record: Path, tiny_folder: Path, monkeypatch, capsys
):
    record.write_text(json.dumps(RECORD), "utf-8")
    model = ["--model", str(tiny_folder)]
    monkeypatch.setattr(smoke, "measure", measured({"training": 1.2}, []))
    assert smoke.main(model) == 0
    said = capsys.readouterr().out
    assert "##  WARNING: SLOWER THAN IT WAS" in said
    assert "::warning" not in said
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert smoke.main(model) == 0
    assert "::warning title=bench-smoke::training is 1.20 times" in capsys.readouterr().out
    monkeypatch.setattr(smoke, "measure", measured({"training": 2.4}, []))
    assert smoke.main(model) == 0
    assert "WARNING" not in capsys.readouterr().out
    monkeypatch.setattr(smoke, "measure", measured({"training": 9.9}, ["the loss of step 1"]))
    assert smoke.main([*model, "--record"]) == 1
    assert "THE SPEED DOES NOT COUNT" in capsys.readouterr().out
    assert read_record(record) == RECORD


@pytest.mark.long  # CI runs `make bench-smoke` itself
def test_a_real_run_gives_equal_results_and_is_recorded(
    record: Path, tmp_path: Path, tiny_folder: Path, tiny_study: Path, monkeypatch, capsys
):
    monkeypatch.setattr(smoke, "STARTS", 1)
    model = write_random_model("tiny", tiny_folder, tmp_path / "model")
    assert smoke.main(["--record", "--model", str(model), "--study", str(tiny_study)]) == 0
    said = capsys.readouterr().out
    assert "results equal" in said
    assert set(read_record(record)[HERE]["ratios"]) == {"training", "sampling", "start"}


def test_a_side_that_dies_is_said_with_its_last_words(tmp_path: Path):
    asked = tmp_path / "ask.json"
    asked.write_text("{}", "utf-8")
    with pytest.raises(SystemExit, match=r"the side other failed:[\s\S]*KeyError: 'other'"):
        smoke.Child("other", asked, tmp_path)
