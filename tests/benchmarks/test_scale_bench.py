"""The studies of `make scale` go through every step as the code is today."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import scale
import scale_steps
import scale_study
from mores.measure.cooccurrence.run import read_cooccurrence


def test_a_small_study_takes_every_step_in_turn(tmp_path):
    study = scale_study.make(tmp_path / "s", 40)
    scale_study.ratings(study, study.folder / "ratings.csv")
    for name in scale.STEPS:
        if name != "rate_postgresql":
            scale_steps.STEPS[name](study)
    page = study.run_folder / "report" / "index.html"
    assert "s-000001" in page.read_text("utf-8")


def test_as_many_stems_as_asked(tmp_path):
    study = scale_study.make(tmp_path / "s", 20, stems=40)
    assert study.associations is not None
    assert [len(g.stems) for g in study.associations.topics[0].groups] == [20, 20]
    scale_steps.STEPS["stems"](study)
    found = read_cooccurrence(study, "smollm2-135m")
    assert found is not None


def test_as_many_pairs_as_asked(tmp_path):
    study = scale_study.make(tmp_path / "s", 20, pairs=150)
    assert len(study.pairs("test")) == 150
    assert len({pair.prompt for pair in study.pairs("test")}) == 150


def test_the_samples_are_checked(tmp_path):
    study = scale_study.samples(tmp_path / "s", 40)
    assert (len(study.values.examples), len(study.prompts)) == (20, 40)
    scale_steps.STEPS["check"](study)


def row(step, n, cpu, **more):
    return {"step": step, "n": n, "cpu": cpu, "peak_mb": 1000, **more}


def test_costs_are_set_against_the_smallest():
    text = scale.table([row("stems", 10_000, 5.0), row("stems", 1_000, 1.0)])
    assert text.splitlines()[2:] == [
        "| stems | as many stems × 8 texts × 5 arms | 1,000 | 1.0 | 1,000 | 1,000 |  | 1.00 |",
        "| stems | as many stems × 8 texts × 5 arms | 10,000 | 5.0 | 500 | 1,000 |  | 0.50 |",
    ]


@pytest.mark.parametrize("name", ["check", "stems", "pairs"])
def test_every_kind_has_a_step_and_words(name):
    assert name in scale_steps.STEPS
    assert scale.WHAT[name]
