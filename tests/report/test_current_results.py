"""A report shows what is of the weights, answers and settings of now, and says what is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mores import step as steps
from mores import store
from mores.errors import ModelError
from mores.measure.capability import capability
from mores.measure.coherence import coherence
from mores.measure.cooccurrence import cooccurrence
from mores.measure.stance import stance
from mores.measure.toxicity import toxicity
from mores.progress import Progress
from mores.rate.ratings import add_ratings
from mores.report.build import build_report
from mores.report.page import render
from mores.report.run import report, report_step
from mores.sample import read_completions, sample, sample_stems, sample_validation
from mores.sample.decoder import Decoder
from mores.study import folders, load_study
from mores.study.files import file_digests, study_files
from mores.study.rounds import history
from mores.tune import tune, tune_arm
from mores.tune.run import tuned_keys
from mores.weights.resolve import resolve


@pytest.fixture
def folder(tiny_study: Path, once: Callable[..., None]) -> Path:
    """The tiny study with every step done."""

    def finished() -> None:
        study = load_study(tiny_study)
        tune(study)
        stance(study)
        sample(study)
        sample_stems(study)
        coherence(study)
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
    assert (content.stance, content.coherence, content.opening) == ((), (), None)
    assert missing(content) == {
        f"Answers of {name}": f"`mores sample` {changed}",
        "Stance": f"`mores measure stance` {changed}",
        "Coherence": f"`mores measure coherence` rests on `sample`, which {changed}",
        "Toxicity by lexical": f"`mores measure toxicity` rests on `sample`, which {changed}",
        "Words that go with groups": (
            f"`mores measure cooccurrence` rests on `stems`, which {changed}"
        ),
        "Capability": f"`mores measure capability` {changed}",
    }
    page = render(content, {})
    assert "rests on `sample`, which is not current" in page
    # Sampled and measured again, everything is there.
    stance(study)
    sample(study)
    sample_stems(study)
    coherence(study)
    toxicity(study)
    cooccurrence(study)
    capability(study)
    again = report(study).report
    assert missing(again) == {}
    assert len(again.questions[0].answers) == 10
    assert len(again.stance) == len(again.coherence) == 1
    assert again.opening is not None


def test_a_measure_of_answers_that_are_not_of_now_says_so(folder, spoken):
    study = load_study(folder, overrides=("recipe.epochs=1",))
    tune(study)
    coherence(study, progress=spoken)
    toxicity(study, progress=spoken)
    cooccurrence(study, progress=spoken)
    changed = "is not current (values_targeted-s1 changed): run it again"
    assert f"coherence: `sample` {changed}" in spoken.lines
    assert f"toxicity lexical: `sample` {changed}" in spoken.lines
    assert f"cooccurrence: `stems` {changed}" in spoken.lines


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("seed=8", "Capability"),
        ('arms=["base", "values_targeted", "control"]', "Stance"),
        ("sample.decoding.temperature=0.5", "Answers of"),
        ("sample.decoding.temperature=0.5", "Coherence"),
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
        "stance.jsonl", "associations.toml", "rating.toml",
    }  # fmt: skip
    named = {
        "safe.jsonl", "task.yaml", "base.yaml", "utils.py", "data.jsonl", "form.toml",
        "raw/answers.jsonl",
    }  # fmt: skip
    assert set(study_files(study)) == own | named
    for typed in (folder.resolve(), Path(os.path.relpath(folder)), folder / ".." / folder.name):
        again = load_study(typed).with_config(study.config)
        assert file_digests(again) == file_digests(study)
    inputs = build_report(study).inputs
    assert inputs["rating.toml"] == store.digest_file(folder / "rating.toml")
    assert inputs["safe.jsonl"] == store.digest_file(folder / "safe.jsonl")
    name = study.config.models[0].name
    assert inputs[f"{name}: base"].startswith("sha256:")
    assert f"{name}: toxicity/lexical: scorer" not in inputs  # not asked for any more
    assert not any(str(tmp_path) in key for key in inputs)


def test_a_file_of_the_folder_where_mores_is_started_is_none_of_the_studys(tiny_study):
    Path("rating.toml").write_text("# of somebody else\n", "utf-8")
    study = load_study(tiny_study)
    assert not (study.folder / "rating.toml").exists()
    assert "rating.toml" not in study_files(study)
    Path("rating.toml").unlink()


def test_files_elsewhere_of_one_name_are_two(tiny_study, tmp_path):
    for part in ("a", "b"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "p.jsonl").write_text(part)
    gates = f'gates.safe_prompts="{tmp_path}/a/p.jsonl"', f'gates.choices="{tmp_path}/b/p.jsonl"'
    digests = file_digests(load_study(tiny_study, overrides=gates))
    assert digests["p.jsonl"] == store.digest_bytes(b"a")
    assert digests["p.jsonl (2)"] == store.digest_bytes(b"b")


def test_an_include_of_itself_ends(tiny_study):
    (tiny_study / "task.yaml").write_text("task: x\ninclude: task.yaml\n")
    study = load_study(tiny_study, overrides=('capability.tasks=[{task="harness:task.yaml"}]',))
    assert "task.yaml" in study_files(study)


def test_a_task_file_and_stored_answers_that_changed_make_results_stale(folder):
    rows = [f'{{"id": "{i}", "text": "birds sing in the morning {i}"}}' for i in range(4)]
    (folder / "mine.jsonl").write_text("\n".join(rows) + "\n")
    study = load_study(folder, overrides=('capability.tasks=[{task="mine.jsonl"}]',))
    capability(study)
    assert "Capability" not in missing(build_report(study))
    (folder / "mine.jsonl").write_text(rows[0] + "\n")
    why = missing(build_report(study))["Capability"]
    assert why == "`mores measure capability` is not current (files of mine changed): run it again"


def test_ratings_of_answers_that_are_not_current_are_not_called_none(folder):
    study = load_study(folder)
    rows = [r for r in read_completions(study, study.config.models[0].name) if r.draw == 0]
    lines = [f"{row.id},anna,4" for row in rows]
    (folder / "r.csv").write_text("completion_id,rater,value\n" + "\n".join(lines) + "\n")
    add_ratings(study, folder / "r.csv")
    assert build_report(study).ratings.ratings == 30
    content = build_report(load_study(folder, overrides=("sample.draws=1",)))
    why = {m.what: m.why for m in content.missing}["Human ratings"]
    assert why == content.ratings.reason == "30 ratings are of answers that are not current"


def test_what_is_looked_at_beside_the_report_leaves_it_current(folder):
    """`mores revise` samples validation prompts; another scorer is tried on the answers."""
    study = load_study(folder)
    report(study)
    sample_validation(study)
    toxicity(study, scorers=("lexical",))
    assert report_step(study).stale() is None
    assert missing(build_report(study)) == {}


def test_a_report_without_answers_is_no_look_and_leaves_no_old_figure(folder):
    report(load_study(folder))
    figures = folder / "runs/quick/report/figures"
    assert (figures / "toxicity_lexical.png").exists()
    before = history(load_study(folder))
    report(load_study(folder, overrides=("sample.draws=1",)))
    assert history(load_study(folder)) == before
    assert not (figures / "toxicity_lexical.png").exists()


def test_arms_that_were_tuned_in_different_ways_are_not_sampled(folder):
    """A second tuning was stopped between the arms."""
    study = load_study(folder, overrides=("recipe.epochs=1",))
    spec = study.config.models[0]
    tune_arm(study, spec, resolve(spec.name), tuned_keys(study)[0], progress=Progress(quiet=True))
    with pytest.raises(ModelError, match="values_targeted-s1 and control-s1 were tuned in diff"):
        sample(study)


@pytest.mark.parametrize("name", ["stance", "sample", "capability", "coherence"])
def test_a_kill_before_the_manifest_loses_nothing_that_was_done(folder, monkeypatch, name):
    pairs = folder / "stance.jsonl"  # nothing of stance is drawn: other pairs, not another seed
    pairs.write_text(pairs.read_text().replace("thing", "matter"))
    study = load_study(folder, overrides=("seed=8",))
    measures = {m.__name__: m for m in (stance, sample, capability, coherence)}
    measure = measures[name]
    if name == "coherence":
        sample(study)

    def die(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(steps, "write_manifest", die)
        with pytest.raises(KeyboardInterrupt):
            measure(study)
    monkeypatch.setattr(Decoder, "draw", die)
    monkeypatch.setattr("mores.measure.capability.score.score_items", die)
    monkeypatch.setattr("mores.weights.likelihood.likelihoods", die)
    monkeypatch.setattr("mores.measure.stance.score.likelihoods", die)
    assert len(measure(study)) > 0
    assert not (folders.model_folder(study, study.config.models[0].name) / name / "parts").exists()
