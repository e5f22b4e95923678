"""A report shows what is of the weights, answers and settings of now, and says what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mores import store
from mores.measure.capability import capability
from mores.measure.cooccurrence import cooccurrence
from mores.measure.toxicity import toxicity
from mores.report.build import build_report
from mores.report.page import render
from mores.report.run import report, report_step
from mores.sample import sample, sample_stems
from mores.study import load_study
from mores.study.files import study_files
from mores.tune import tune


@pytest.fixture
def folder(tiny_study: Path, once: Callable[..., None]) -> Path:
    """The tiny study with every step done."""

    def finished() -> None:
        study = load_study(tiny_study)
        tune(study)
        sample(study)
        sample_stems(study)
        toxicity(study)
        cooccurrence(study)
        capability(study)

    once(tiny_study, finished)
    return tiny_study


def missing(content) -> dict[str, str]:
    return {m.what: m.why for m in content.missing if m.what != "Human ratings"}


def test_what_is_current_is_shown(folder):
    content = build_report(load_study(folder))
    assert missing(content) == {}
    assert sum(len(q.answers) for q in content.questions) == 60


def test_after_another_tune_no_old_answer_stands_beside_the_new_weights(folder):
    """New recipe, `mores tune`, `mores report`."""
    name = load_study(folder).config.models[0].name
    before = build_report(load_study(folder))
    study = load_study(folder, overrides=("recipe.epochs=1",))
    tune(study)
    content = report(study).report
    assert content.models[0].arms[1].digest != before.models[0].arms[1].digest
    assert [a for q in content.questions for a in q.answers] == []
    assert (content.estimates, content.toxicity, content.capability) == ((), (), ())
    assert content.cooccurrence == ()
    changed = "is not current (values_targeted-s1 changed): run it again"
    assert missing(content) == {
        f"Answers of {name}": f"`mores sample` {changed}",
        "Toxicity by lexical": f"`mores measure toxicity` rests on `sample`, which {changed}",
        "Words that go with groups": (
            f"`mores measure cooccurrence` rests on `stems`, which {changed}"
        ),
        "Capability": f"`mores measure capability` {changed}",
    }
    page = render(content, {})
    assert "rests on `sample`, which is not current" in page
    # Sampled and measured again, everything is there.
    sample(study)
    sample_stems(study)
    toxicity(study)
    cooccurrence(study)
    capability(study)
    again = report(study).report
    assert missing(again) == {}
    assert len(again.questions[0].answers) == 10


def test_a_measure_of_answers_that_are_not_of_now_says_so(folder, spoken):
    study = load_study(folder, overrides=("recipe.epochs=1",))
    tune(study)
    toxicity(study, progress=spoken)
    cooccurrence(study, progress=spoken)
    changed = "is not current (values_targeted-s1 changed): run it again"
    assert f"toxicity lexical: `sample` {changed}" in spoken.lines
    assert f"cooccurrence: `stems` {changed}" in spoken.lines


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("sample.decoding.temperature=0.5", "Answers of"),
        ("cooccurrence.min_count=3", "Words that go with groups"),
        ('toxicity.options=[{scorer="lexical", threshold=0.9}]', "Toxicity by lexical"),
        ('capability.tasks=[{task="prose", items=1}]', "Capability"),
    ],
)
def test_results_of_other_settings_are_named_and_not_shown(folder, setting, what):
    content = build_report(load_study(folder, overrides=(setting,)))
    (why,) = [why for name, why in missing(content).items() if name.startswith(what)]
    assert "is not current" in why
    assert why.endswith("run it again")


def test_samples_and_recipe_that_changed_since_are_said_beside_the_figures(folder):
    content = build_report(load_study(folder, overrides=("recipe.epochs=3",)))
    name = load_study(folder).config.models[0].name
    why = missing(content)["The samples and the recipe as they are now"]
    assert why == (
        f"{name} values_targeted-s1 (configuration changed: recipe), "
        f"{name} control-s1 (configuration changed: recipe) since it was tuned; "
        "figures are of the weights as they were tuned"
    )
    assert sum(len(q.answers) for q in content.questions) == 60


def test_the_share_of_toxic_answers_is_that_of_the_scorers_own_threshold(folder):
    """At a threshold of 0 every prompt has such a draw; at the study's own of 1 none has."""
    own = 'toxicity.options=[{scorer="lexical", threshold=0.0}]'
    study = load_study(folder, overrides=("toxicity.threshold=1.0", own))
    toxicity(study)
    (scorer,) = build_report(study).toxicity
    assert scorer.threshold == 0.0
    assert {arm.probability for arm in scorer.arms} - {None} == {1.0}
    of_all = load_study(folder, overrides=("toxicity.threshold=1.0",))
    toxicity(of_all)
    (scorer,) = build_report(of_all).toxicity
    assert scorer.threshold == 1.0
    assert {arm.probability for arm in scorer.arms} - {None} == {0.0}


def test_a_report_is_current_until_something_that_it_rests_on_changes(folder):
    study = load_study(folder)
    assert report_step(study).stale() == "has not run"
    report(study)
    assert report_step(study).stale() is None
    sample_stems(load_study(folder, overrides=("cooccurrence.samples_per_stem=3",)))
    assert report_step(study).stale() == "is not current (results changed): run it again"


def test_everything_that_went_in_is_listed(folder, tmp_path):
    (folder / "rating.toml").write_text("# instructions\n", "utf-8")
    (folder / "safe.jsonl").write_text('{"id": "s", "text": "?", "kind": "k"}\n', "utf-8")
    (folder / "task.yaml").write_text(
        "task: local\ninclude: base.yaml\ndataset_path: json\n"
        f"dataset_kwargs: {{data_files: {{test: {tmp_path}/data.jsonl}}}}\n"
        "process_docs: !function utils.process\n",
        "utf-8",
    )
    (folder / "base.yaml").write_text("output_type: multiple_choice\n", "utf-8")
    (folder / "utils.py").write_text("def process(docs): return docs\n", "utf-8")
    (tmp_path / "data.jsonl").write_text('{"x": 1}\n', "utf-8")
    (folder / "form.toml").write_text("", "utf-8")
    (folder / "raw").mkdir()
    (folder / "raw" / "answers.jsonl").write_text("{}\n", "utf-8")
    study = load_study(
        folder,
        overrides=(
            'gates.safe_prompts="safe.jsonl"',
            'capability.tasks=[{task="harness:task.yaml"}]',
            'toxicity.scorers=["replay:raw"]',
            'toxicity.options=[{scorer="replay:raw", form="form.toml"}]',
        ),
    )
    own = {
        "study.toml", "charter.toml", "values.jsonl", "control.jsonl", "prompts.jsonl",
        "associations.toml", "rating.toml",
    }  # fmt: skip
    named = {
        "safe.jsonl", "task.yaml", "base.yaml", "utils.py", "data.jsonl", "form.toml",
        "raw/answers.jsonl",
    }  # fmt: skip
    assert {Path(name).name for name in study_files(study)} == {
        Path(name).name for name in own | named
    }
    inputs = build_report(study).inputs
    assert inputs["rating.toml"] == store.digest_file(folder / "rating.toml")
    assert inputs["safe.jsonl"] == store.digest_file(folder / "safe.jsonl")
    name = study.config.models[0].name
    assert inputs[f"{name}: base"].startswith("sha256:")
    assert f"{name}: toxicity/lexical: scorer" in inputs
    assert not any(str(tmp_path) in key for key in inputs)


def test_a_file_of_the_folder_where_mores_is_started_is_none_of_the_studys(tiny_study):
    Path("rating.toml").write_text("# of somebody else\n", "utf-8")
    study = load_study(tiny_study)
    assert not (study.folder / "rating.toml").exists()
    assert "rating.toml" not in study_files(study)
    Path("rating.toml").unlink()
