"""Two versions of a dataset by id; effects beside each other, never subtracted."""

import json
import shutil

from mores import step as steps
from mores import store
from mores.records import Estimate, Example
from mores.report.run import report_step
from mores.revise.compare import diff, diff_examples
from mores.step import Made, Manifest
from mores.study import folders, load_study
from mores.study.arms import arm_keys


def example(name, answer="one two three", category="care"):
    return Example(id=name, category=category, prompt="why?", completion=answer)


def test_samples_are_compared_by_id():
    old = [example("a"), example("b"), example("c")]
    new = [example("a"), example("b", "one two"), example("d", category="beauty")]
    diff = diff_examples("values", old, new)
    assert (diff.added, diff.removed, diff.changed, diff.kept) == (("d",), ("c",), ("b",), 1)
    assert diff.categories == {"beauty": (0, 1), "care": (3, 2)}
    assert diff.words == (9, 8)


def report(study, value):
    estimate = Estimate(
        measure="rating",
        contrast="values_targeted - control",
        category="overall",
        value=value,
        low=value - 1,
        high=value + 1,
        p=0.2,
        n=6,
        unit="prompt",
        method="test",
        verdict="not shown",
        details={"model": "m"},
    )
    step = report_step(study)
    store.write_json(step.folder / "report.json", {"estimates": [estimate]})
    step.complete(Made(["report.json"]))


def test_effects_stand_side_by_side_with_what_makes_them_hard_to_compare(tiny_study, tmp_path):
    other = tmp_path / "second"
    shutil.copytree(tiny_study, other)
    rows = (other / "values.jsonl").read_text().splitlines()
    (other / "values.jsonl").write_text("\n".join(rows[1:]) + "\n")
    old, new = load_study(tiny_study), load_study(other, overrides=("recipe.epochs=3",))
    report(old, 0.1)
    report(new, 0.4)
    both = diff(old, new)
    assert both.datasets[0].removed == (json.loads(rows[0])["id"],)
    (pair,) = both.effects
    assert pair.old is not None
    assert pair.new is not None
    assert (pair.measure, pair.old.value, pair.new.value) == ("rating", 0.1, 0.4)
    assert "the recipe differs too" in both.notes
    assert any("not tested" in note for note in both.notes)


def test_a_study_without_a_report_has_no_effects(tiny_study):
    study = load_study(tiny_study)
    both = diff(study, study)
    assert both.effects == ()
    assert sum("no report" in note for note in both.notes) == 2


def test_a_report_of_other_samples_has_no_effects(tiny_study):
    study = load_study(tiny_study)
    report(study, 0.1)
    (spec,) = study.config.models
    key = next(
        k for k in arm_keys(study.config.arms, study.config.train_seeds) if k.arm == "control"
    )
    manifest = Manifest(
        step="tune", inputs={"dataset": "sha256:0"}, outputs={}, config={}, seed=1, versions={}
    )
    store.write_json(folders.tune_folder(study, spec.name, key) / "manifest.json", manifest)
    both = diff(study, study)
    assert both.effects == ()
    why = f"its arms are not of what it holds now: {spec.name} {key.name} (dataset changed)"
    assert sum(why in note for note in both.notes) == 2


def test_a_report_of_other_results_has_no_effects(tiny_study):
    """Measured again, and the page not written again: its numbers are not those of now."""
    study = load_study(tiny_study)
    report(study, 0.1)
    assert len(diff(study, study).effects) == 1
    scored = folders.model_folder(study, study.config.models[0].name) / "toxicity" / "lexical"
    steps.write_manifest(
        scored,
        Manifest(step="toxicity", inputs={}, outputs={"x": "y"}, config={}, seed=1, versions={}),
    )
    both = diff(study, study)
    assert both.effects == ()
    why = "its report is not current (results changed): run it again"
    assert sum(why in note for note in both.notes) == 2


def test_a_scorer_with_a_slash_in_its_name_is_an_effect(tiny_study):
    study = load_study(tiny_study)
    report(study, 0.1)
    path = folders.report_folder(study) / "report.json"
    name = "toxicity:hf:unitary/toxic-bert"
    store.write_text(path, path.read_text().replace('"rating"', f'"{name}"'))
    report_step(study).complete(Made(["report.json"]))
    (pair,) = diff(study, study).effects
    assert pair.measure == name
