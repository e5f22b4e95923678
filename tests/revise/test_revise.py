"""`mores revise` end to end on the two-layer model: validation prompts only."""

from mores import store
from mores.records import Completion
from mores.revise import revise
from mores.sample.run import VALIDATION
from mores.study import folders, load_study
from mores.tune import tune


def test_revise_reads_validation_prompts_and_no_test_prompt(tiny_study):
    study = load_study(tiny_study, overrides=("recipe.epochs=1",))
    tune(study)
    result = revise(study)
    model = study.config.models[0].name
    path = folders.model_folder(study, model) / VALIDATION / "completions.jsonl"
    rows = store.read_jsonl(path, Completion)
    assert {r.prompt_id for r in rows} == {"t-6", "t-7"}
    assert {r.arm for r in rows} == {"base", "values_targeted", "control"}
    assert not (folders.model_folder(study, model) / "sample").exists()
    named = {name for gaps in result.models.values() for gap in gaps for name in gap.failing}
    assert named <= {"t-6", "t-7"}
    page = (study.run_folder / "revise" / "gaps.md").read_text()
    assert "Nobody has rated validation answers" in page
    first = (study.run_folder / "revise" / "gaps.json").read_bytes()
    revise(study)
    assert (study.run_folder / "revise" / "gaps.json").read_bytes() == first
