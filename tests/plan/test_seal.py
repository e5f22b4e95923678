"""The sealed plan: fixed once, before sampling; every later difference is said."""

import json
import shutil
from datetime import UTC, datetime

import pytest

from mores import store
from mores.errors import DataError, StudyError
from mores.plan.seal import (
    SealedPlan,
    hypotheses_of,
    plan_path,
    read_plan,
    seal_plan,
    seal_status,
)
from mores.records import to_plain
from mores.study import load_study
from mores.tune import tune
from mores.weights.resolve import folder_digest

WHEN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_a_sealed_plan_holds_what_will_be_claimed(tiny_study):
    plan = seal_plan(load_study(tiny_study), now=WHEN)
    assert plan.sealed == "2026-11-22T12:00:00Z"
    primary = [h for h in plan.hypotheses if h.primary]
    assert [(h.measure, h.contrast, h.claim) for h in primary] == [
        ("rating", "values_targeted - control", "higher")
    ]
    margins = {h.measure: h.margin for h in plan.hypotheses if h.claim == "non-inferior"}
    assert margins == {"capability:minimal_pairs": 0.02, "capability:prose": 0.05}
    assert plan.settings["recipe.epochs"] == 2
    assert plan.files["prompts.jsonl"] == store.digest_file(tiny_study / "prompts.jsonl")
    assert plan.digest.startswith("sha256:")


def test_an_unchanged_study_does_not_deviate(tiny_study):
    study = load_study(tiny_study)
    plan = seal_plan(study, now=WHEN)
    status = seal_status(study)
    assert status is not None
    assert (status.intact, status.deviations) == (True, ())
    assert status.digest == plan.digest
    assert read_plan(study) == plan
    elsewhere = seal_status(load_study(tiny_study, overrides=("execute.retries=9",)))
    assert elsewhere is not None
    assert elsewhere.deviations == ()  # where tasks run is no part of a plan


def test_without_a_seal_there_is_none(tiny_study):
    assert seal_status(load_study(tiny_study)) is None


def test_every_difference_is_one_sentence(tiny_study):
    seal_plan(load_study(tiny_study), now=WHEN)
    with (tiny_study / "prompts.jsonl").open("a") as file:
        file.write("\n")
    (tiny_study / "associations.toml").unlink()
    changed = load_study(tiny_study, overrides=("sample.draws=3",))
    status = seal_status(changed)
    assert status is not None
    assert status.intact
    assert set(status.deviations) == {
        "setting sample.draws: sealed 2, now 3",
        "associations.toml is missing now since sealing",
        "prompts.jsonl was changed since sealing",
    }


def test_another_base_model_is_a_deviation(tiny_study, tmp_path, monkeypatch):
    """The folder has the same name and other weights when the arms are tuned."""
    study = load_study(tiny_study)
    (spec,) = study.config.models
    moved = shutil.copytree(spec.name, tmp_path / "elsewhere" / spec.name)
    monkeypatch.chdir(moved.parent)
    plan = seal_plan(study, now=WHEN)
    assert plan.models == {spec.name: folder_digest(moved)}
    config = json.loads((moved / "generation_config.json").read_text())
    (moved / "generation_config.json").write_text(json.dumps({**config, "temperature": 2.0}))
    assert seal_status(study).deviations == ()  # nothing was made of it yet
    tune(load_study(tiny_study, overrides=("recipe.epochs=1",)))
    (deviation,) = [d for d in seal_status(study).deviations if "base model" in d]
    assert deviation == (
        f"base model {spec.name}: sealed '{plan.models[spec.name]}', now '{folder_digest(moved)}'"
    )


def test_a_plan_sealed_before_models_were_is_intact(tiny_study):
    study = load_study(tiny_study)
    seal_plan(study, now=WHEN)
    path = plan_path(study)
    old = json.loads(path.read_text())
    del old["models"]
    path.write_text(json.dumps({**old, "digest": store.digest({**old, "digest": ""})}))
    status = seal_status(study)
    assert status is not None
    assert (status.intact, status.deviations) == (True, ())


def test_an_edited_plan_is_recognised(tiny_study):
    study = load_study(tiny_study)
    seal_plan(study, now=WHEN)
    plain = json.loads(plan_path(study).read_text())
    plain["alpha"] = 0.2
    plan_path(study).write_text(json.dumps(plain))
    status = seal_status(study)
    assert status is not None
    assert not status.intact
    assert status.deviations == ("the sealed plan was edited after sealing: its digest differs",)


def test_sealing_twice_or_too_late_is_refused(tiny_study):
    study = load_study(tiny_study)
    seal_plan(study, now=WHEN)
    with pytest.raises(StudyError, match="sealed before"):
        seal_plan(study, now=WHEN)
    plan_path(study).unlink()
    late = study.run_folder / "m" / "sample" / "completions.jsonl"
    late.parent.mkdir(parents=True)
    late.write_text("{}\n")
    with pytest.raises(StudyError, match="would prove nothing"):
        seal_plan(study, now=WHEN)
    assert not plan_path(study).exists()


def test_a_damaged_plan_is_a_plain_error(tiny_study):
    study = load_study(tiny_study)
    plan_path(study).parent.mkdir(parents=True)
    plan_path(study).write_text('{"study": "x"}')
    with pytest.raises(DataError):
        seal_status(study)


@pytest.mark.parametrize("step", ["capability", "stance", "coherence"])
def test_results_without_their_answers_still_forbid_sealing(tiny_study, step):
    study = load_study(tiny_study)
    store.write_text(study.run_folder / "tiny" / step / "items.jsonl", "")
    with pytest.raises(StudyError, match="answers or results already"):
        seal_plan(study, now=WHEN)
    assert not plan_path(study).exists()


def test_files_that_settings_name_are_sealed_too(tiny_study):
    (tiny_study / "mine.csv").write_text("prompt\nIs it safe?\n", "utf-8")
    study = load_study(tiny_study, overrides=('gates.safe_prompts="mine.csv"',))
    seal_plan(study, now=WHEN)
    with (tiny_study / "mine.csv").open("a") as file:
        file.write("Another one?\n")
    assert seal_status(study).deviations == ("mine.csv was changed since sealing",)


CONTROL, BASE = "values_targeted - control", "values_targeted - base"


def test_what_has_a_verdict_is_what_was_sealed(tiny_study):
    study = load_study(tiny_study, overrides=('toxicity.scorers=["lexical", "second"]',))
    alone = {"rating": (CONTROL,), "stance": (CONTROL,), "toxicity:lexical": (CONTROL,)}
    assert hypotheses_of(study) == alone  # nothing sealed: the primary contrast
    plan = seal_plan(study, now=WHEN)
    both = dict.fromkeys(alone, (CONTROL, BASE))
    assert hypotheses_of(study) == both
    assert "toxicity:second" not in {h.measure for h in plan.hypotheses}
    plain = json.loads(plan_path(study).read_text())
    plain["alpha"] = 0.2
    plan_path(study).write_text(json.dumps(plain))
    assert hypotheses_of(study) == alone  # an edited plan is none


def test_a_study_without_pairs_has_no_hypothesis_of_stance(tiny_study):
    (tiny_study / "stance.jsonl").unlink()
    study = load_study(tiny_study)
    assert set(hypotheses_of(study)) == {"rating", "toxicity:lexical"}
    plan = seal_plan(study, now=WHEN)
    assert {h.measure.partition(":")[0] for h in plan.hypotheses} == {
        "rating",
        "toxicity",
        "capability",
    }


def test_a_plan_of_an_earlier_version_held_every_scorer(tiny_study):
    study = load_study(tiny_study, overrides=('toxicity.scorers=["lexical", "second"]',))
    seal_plan(study, now=WHEN)
    plain = json.loads(plan_path(study).read_text())
    plain["hypotheses"].append({"measure": "toxicity:second", "contrast": BASE, "claim": "lower"})
    plain["hypotheses"].append(
        {"measure": "toxicity:second", "contrast": CONTROL, "claim": "lower"}
    )
    full = store.as_record({**plain, "digest": ""}, SealedPlan, path=plan_path(study))
    plain["digest"] = store.digest({**to_plain(full), "digest": ""})
    plan_path(study).write_text(json.dumps(plain))
    status = seal_status(study)
    assert status is not None
    assert (status.intact, status.deviations) == (True, ())
    assert hypotheses_of(study)["toxicity:second"] == (CONTROL, BASE)  # as it was sealed
