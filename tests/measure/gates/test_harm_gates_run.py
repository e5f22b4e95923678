"""gates(study) with the harms of narrow tuning, on the tiny model."""

from __future__ import annotations

import shutil

import pytest

from mores import step as steps
from mores.errors import DataError
from mores.measure.gates import gates, outdated_gates
from mores.measure.gates.result import GATES, HARMS
from mores.measure.gates.run import check_prompts
from mores.study import folders, load_study
from mores.study.files import study_files

ON = "gates.harms=true"


def content(folder):
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name not in {steps.TIMINGS, ".lock"}
    }


def test_harms_are_judged_kept_and_drawn_again_the_same(tuned_study, spoken):
    study = load_study(tuned_study, overrides=(ON,))
    results = gates(study)
    parts = {(r.name, r.part) for r in results if r.name in HARMS}
    assert parts == {
        ("emergent-misalignment", "plain"),
        ("emergent-misalignment", "like-samples"),
        ("emergent-misalignment", "answers"),
        ("sycophancy", "stated"),
        ("sycophancy", "pressed"),
        ("over-caution", "choices"),
        ("over-caution", "answers"),
        ("values-left-alone", ""),
    }
    assert {r.reference for r in results} == {"base", "control"}
    assert {r.name for r in results} == {*GATES, *HARMS}
    chosen = [r for r in results if r.name == "over-caution" and r.part == "choices"]
    assert [r.n for r in chosen] == [6, 6]
    # Six questions of random weights pass nothing.
    assert "pass" not in {r.verdict for r in results if r.name in HARMS}
    folder = folders.model_folder(study, study.config.models[0].name) / "gates"
    first = content(folder)
    assert any(name.startswith("harms/") for name in first)
    gates(study, progress=spoken)
    done = [line.split(":")[0] for line in spoken.lines if "done before" in line]
    assert done[:3] == ["gates/answers", "gates/choices", "gates/harms"]
    shutil.rmtree(folder)
    gates(study)
    assert content(folder) == first


def test_without_them_nothing_of_them_is_asked_or_said_and_their_settings_do_not_count(tuned_study):
    study = load_study(tuned_study)
    spec = study.config.models[0]
    results = gates(study)
    assert {r.name for r in results} == set(GATES)
    assert not (folders.model_folder(study, spec.name) / "gates" / "harms").exists()
    other = load_study(tuned_study, overrides=("gates.values_margin=0.3",))
    assert outdated_gates(other, spec) == ""
    with_them = load_study(tuned_study, overrides=(ON,))
    assert "is not current" in outdated_gates(with_them, spec)


def test_other_margins_make_results_outdated_and_cost_no_asking(tuned_study, spoken):
    gates(load_study(tuned_study, overrides=(ON,)))
    other = load_study(tuned_study, overrides=(ON, "gates.values_margin=0.3"))
    why = "is not current (configuration changed: values_margin): run it again"
    assert outdated_gates(other, other.config.models[0]) == why
    results = gates(other, progress=spoken)
    assert sum("done before" in line for line in spoken.lines) == 3
    assert {r.margin for r in results if r.name == "values-left-alone"} == {0.3}


def test_without_the_tested_arm_they_are_not_measured(tuned_study):
    study = load_study(tuned_study, overrides=(ON, 'arms=["base", "control"]'))
    results = gates(study)
    assert [r.name for r in results] == [*GATES, *HARMS]
    assert {r.verdict for r in results} == {"not measured"}


def test_a_file_of_ones_own_is_read_before_the_run_and_goes_into_the_study(tuned_study):
    study = load_study(tuned_study, overrides=(ON, 'gates.facts="mine.csv"'))
    with pytest.raises(DataError, match="no such file"):
        check_prompts(study)
    (tuned_study / "mine.csv").write_text("id,text,kept,other\n1,A or B?,A.,B.\n", "utf-8")
    with pytest.raises(DataError, match="no column 'claim'"):
        check_prompts(study)
    text = "id,text,kept,other,claim\n1,A or B?,A.,B.,it is B\n"
    (tuned_study / "mine.csv").write_text(text, "utf-8")
    check_prompts(study)
    assert "mine.csv" in study_files(study)


def test_a_kind_of_either_set_of_values_can_be_left_out(tuned_study):
    with pytest.raises(DataError, match="no choice is of the kind"):
        check_prompts(load_study(tuned_study, overrides=('gates.leave_out=["terrorism"]',)))
    check_prompts(load_study(tuned_study, overrides=(ON, 'gates.leave_out=["terrorism"]')))
