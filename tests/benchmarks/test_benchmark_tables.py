"""The arithmetic and the tables of the speed benchmark, on numbers derived by hand."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from against_trl import BEGIN, END, fill, parse
from batch_width import changed
from speed_tables import (
    ALL,
    LOAD,
    aims,
    estimate_seconds,
    flop_per_weight,
    losses_agree,
    markdown,
    memory_gb,
    quick_samples,
    share_of_rate,
    spread,
    summarise,
    unrest,
)
from workload import Measurement, Workload, evenly


def measured(
    stage: str, seconds: float, tokens: int, wall: float, peak: float = 1.0
) -> Measurement:
    return Measurement(
        stage=stage,
        stage_seconds=seconds,
        tokens=tokens,
        rows=1,
        dropped=0,
        truncated=0,
        other_labels=0,
        peak_gb=peak,
        gpu_peak_gb=None,
        parameters=1_000_000,
        wall_seconds=wall,
    )


def one_side(train: float, sample: float, *, load: float, peak: float):
    """1,000 tokens in every stage; each process takes ``load`` seconds besides its stage."""
    return {
        "train values_targeted": measured("train", train, 1000, train + load, peak),
        "train control": measured("train", train, 1000, train + load, peak),
        "sample": measured("sample", sample, 1000, sample + load, 1.0),
    }


@pytest.fixture
def rows():
    # mores: trains in 5 s, samples in 4 s, loads in 1 s. TRL: 10 s, 6 s, 2 s; then 20 s, 6 s, 2 s.
    ours = one_side(5.0, 4.0, load=1.0, peak=2.0)
    repeats = [
        {"mores": ours, "trl": one_side(10.0, 6.0, load=2.0, peak=5.0)},
        {"mores": ours, "trl": one_side(20.0, 6.0, load=2.0, peak=6.0)},
    ]
    return summarise(repeats, method="lora", gflops=2.0)


def test_spread_is_median_and_range():
    found = spread([3.0, 1.0, 10.0, 4.0])
    assert (found.median, found.low, found.high) == (3.5, 1.0, 10.0)


def test_flop_per_weight():
    assert [flop_per_weight("train control", m) for m in ("lora", "full")] == [4, 6]
    assert flop_per_weight("sample", "full") == 2


def test_share_of_rate_of_the_measured_machine():
    # tuning.md E: 165 GFLOP/s over 4 x 135e6 is 305.6 tokens a second, the limit of LoRA training.
    assert share_of_rate(305.5556, 135_000_000, 4, 165.0) == pytest.approx(1.0, abs=1e-6)
    # 57 tokens a second of full training: 57 x 6 x 135e6 / 165e9 = 0.2798.
    assert share_of_rate(57.0, 135_000_000, 6, 165.0) == pytest.approx(0.2798, abs=1e-4)


def test_summarise_by_hand(rows):
    load, values, control, sampling, whole = rows
    assert (load.stage, whole.stage) == (LOAD, ALL)
    assert (load.mores.seconds.median, load.trl.seconds.median) == (3.0, 6.0)
    assert load.times_faster.median == 2.0
    # 1000 / 5 = 200 tokens a second; 200 x 1e6 x 4 / 2e9 = 0.4 of the rate.
    assert values.mores.tokens_per_second.median == 200.0
    assert values.mores.share == pytest.approx(0.4)
    # TRL: 100 and 50 tokens a second, median 75: a share of 0.15. Ratios: 2 and 4.
    assert values.trl.tokens_per_second.median == 75.0
    assert values.trl.share == pytest.approx(0.15)
    assert (values.times_faster.low, values.times_faster.median, values.times_faster.high) == (
        2.0,
        3.0,
        4.0,
    )
    assert control.trl.peak_gb == 6.0
    # Sampling counts 2 operations: 250 x 1e6 x 2 / 2e9 = 0.25.
    assert sampling.mores.share == pytest.approx(0.25)
    # All: mores 6 + 6 + 5 = 17; TRL 12 + 12 + 8 = 32, then 22 + 22 + 8 = 52.
    assert whole.mores.seconds.median == 17.0
    assert (whole.trl.seconds.low, whole.trl.seconds.high) == (32.0, 52.0)
    assert whole.times_faster.median == pytest.approx((32 / 17 + 52 / 17) / 2)


def test_markdown(rows):
    lines = markdown(rows).splitlines()
    assert lines[0] == (
        "| stage | mores s | TRL s | mores tok/s | TRL tok/s | times faster | mores share "
        "| TRL share | mores GB | TRL GB |"
    )
    assert lines[1].count("---") == 10
    assert lines[2] == "| start and load (3 processes) | 3.0 | 6.0 |  |  | 2.00 |  |  |  |  |"
    assert lines[3] == (
        "| train values_targeted | 5.0 | 15.0 (10.0-20.0) | 200 | 75 (50-100) "
        "| 3.00 (2.00-4.00) | 40% | 15% | 2.0 | 6.0 |"
    )
    assert len({line.count("|") for line in lines}) == 1


def test_aims(rows):
    found = aims(rows)
    assert found[0] == "- MISSED: training at 40% of the matrix rate (aim: 55%)"
    assert found[1] == "- MISSED: sampling at 25% of the matrix rate (aim: 40%)"
    assert found[2] == "- MISSED: 2.47 times faster in all (aim: 3)"
    assert aims(rows, "AMD EPYC")[2] == "- met: 2.47 times faster in all (aim: 2)"
    assert found[3].startswith("- met: slowest stage against TRL: sample")
    assert found[4] == "- met: 33% of TRL's peak memory (aim: at most 40%)"


def test_a_stage_slower_than_the_peer_is_an_aim_missed(rows):
    slow = msgspec.structs.replace(rows[3], times_faster=spread([0.9]))
    assert aims([*rows[:3], slow, rows[4]])[3].startswith("- MISSED: slowest stage")


def test_equal_losses_agree():
    agree, sentence = losses_agree([3.001, 2.9], [3.0, 2.904], 0.01)
    assert agree
    assert "0.0040: equal within 0.01" in sentence


def test_different_losses_are_said_loudly():
    # Medians are equal; only the comparison seed by seed sees the difference.
    agree, sentence = losses_agree([3.0, 3.1], [3.1, 3.0], 0.01)
    assert not agree
    assert "SPEED DOES NOT COUNT" in sentence
    assert "0.1000" in sentence


def test_a_busy_machine_is_said_loudly(rows):
    assert unrest(rows, [100.0, 110.0, 119.0]) is None
    assert "44 to 98 GFLOP/s" in (unrest(rows, [98.0, 44.0]) or "")
    # A share above one means that the rate was measured while something else was running.
    above = msgspec.structs.replace(rows[1].mores, share=2.34)
    busy = [msgspec.structs.replace(rows[1], mores=above)]
    assert "highest share is 234%" in (unrest(busy, [45.0, 45.0]) or "")


def test_quick_takes_the_most_samples_that_fit():
    assert quick_samples(lambda n: 40.0 * n, limit=500.0) == 12
    assert quick_samples(lambda n: 1.0 * n, limit=500.0) == 24
    assert quick_samples(lambda n: 1000.0 * n, limit=500.0) == 4


def test_estimate_by_hand():
    # No prompts, no held-out samples: only training and loading. 10 samples x 100 tokens x 2 arms
    # = 2,000 tokens x 4 x 1e6 = 8e9 operations = 1 s at 8 GFLOP/s; shares .55 and .28, loading
    # 3 x (10 + 8) s, and 8 s for the process that judges.
    work = Workload(model_folder="", samples=10, prompts=0, held_out=0)
    found = estimate_seconds(work, repeats=2, parameters=1_000_000, gflops=8.0, tokens_a_sample=100)
    assert found == pytest.approx(2 * (1 / 0.55 + 1 / 0.28 + 54 + 8))


def test_evenly_by_hand():
    assert evenly("abcdefgh", 3) == ["a", "c", "f"]
    assert evenly([1, 2], 5) == [1, 2]


@given(st.integers(1, 60), st.integers(1, 60))
def test_evenly_keeps_order_and_repeats_nothing(size: int, count: int):
    found = evenly(range(size), count)
    assert len(found) == min(size, count)
    assert found == sorted(set(found))


def test_fill_replaces_only_what_stands_between_the_marks():
    assert fill(f"a\n{BEGIN}old{END}\nb", "new") == f"a\n{BEGIN}\n\nnew\n\n{END}\nb"
    with pytest.raises(ValueError, match="needs a line"):
        fill("no marks", "new")


def test_changed_counts_texts_that_differ():
    assert changed({"a": "x", "b": "y", "c": "z"}, {"a": "x", "b": "Y", "c": ""}) == 2
    with pytest.raises(ValueError, match="different prompts"):
        changed({"a": "x"}, {"b": "x"})


def test_command_line_defaults():
    assert parse([]).repeats == 5
    assert parse(["--quick"]).repeats == 2
    assert parse(["--quick", "--repeats", "3"]).repeats == 3


def test_memory_is_the_gpus_where_there_is_one():
    found = measured("sample", 1.0, 1, 1.0, peak=3.0)
    assert memory_gb(found) == 3.0
    assert memory_gb(msgspec.structs.replace(found, gpu_peak_gb=20.0)) == 20.0
