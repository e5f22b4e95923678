"""`mores revise` end to end on the two-layer model: validation prompts only."""

from msgspec.structs import replace

from mores import store
from mores.cli.revise import revise as show
from mores.records import Completion
from mores.revise import revise
from mores.revise.gaps import Gap
from mores.revise.run import RevisionResult, as_markdown
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
    assert (result.scope, result.groups) == (
        "in this run",
        len({p.category for p in study.prompts}),
    )
    assert result.caution in page
    assert f"Nothing is adjusted for looking at {result.groups} group" in page
    first = (study.run_folder / "revise" / "gaps.json").read_bytes()
    revise(study)
    assert (study.run_folder / "revise" / "gaps.json").read_bytes() == first


def test_a_finding_says_of_which_runs_it_speaks(tiny_study, capsys):
    """Values equal to base made some finding in 7 of 40 studies: no word of chance stood there."""
    study = load_study(tiny_study)
    gap = Gap(
        category="care", kind="neutral", prompts=6, severity=0.5, finding=True,
        evidence=(), failing=(), nearest=(), proposal="Write more.",
    )  # fmt: skip
    hint = replace(gap, finding=False, kind="leading")
    result = RevisionResult(
        study="t", values="", prompts=12, rated=0, scorer="lexical",
        models={"m": (gap, hint)}, scope="in these runs", groups=16,
    )  # fmt: skip
    page = as_markdown(result, study)
    assert "### care, neutral questions (finding in these runs)" in page
    assert "Nothing is adjusted for looking at 16 groups of prompts" in page
    show(result, {})
    printed = capsys.readouterr().out
    assert "finding in these runs: care, neutral (6 prompts)" in printed
    assert "hint     care, leading (6 prompts)" in printed
    assert result.caution in printed
