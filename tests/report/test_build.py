"""The report's data on a complete tiny study: deterministic, nothing hidden, nothing made up."""

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mores import store
from mores.errors import DataError
from mores.measure.capability import capability
from mores.measure.coherence import coherence
from mores.measure.cooccurrence.run import cooccurrence
from mores.measure.stance import stance
from mores.measure.toxicity import run
from mores.measure.toxicity.run import read_scores, scorer_of, toxicity
from mores.progress import Progress
from mores.rate.ratings import add_ratings
from mores.records import Rating, Score
from mores.report.build import build_report, command
from mores.sample import read_completions, sample, sample_stems
from mores.step import Made
from mores.study import folders, load_study
from mores.tune.run import tune


@pytest.fixture
def folder(tiny_study: Path, once: Callable[..., None]) -> Path:
    """The tiny study with every step done."""
    path = tiny_study / "study.toml"
    path.write_text(path.read_text().replace('"prose", items = 2', '"lines.jsonl"'))
    texts = ["time and care", "bread needs flour and salt", "birds sing in the morning"]
    Path("lines.jsonl").write_text("".join(f'{{"text": "{t}"}}\n' for t in texts))

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


@pytest.fixture
def study(folder: Path):
    return load_study(folder)


def model_of(study) -> str:
    return study.config.models[0].name


def folder_of(study, step: str) -> Path:
    return folders.model_folder(study, model_of(study)) / step


def missing(report) -> dict[str, str]:
    return {m.what: m.why for m in report.missing}


def test_two_builds_give_the_same_bytes(folder: Path) -> None:
    first, second = (msgspec.json.encode(build_report(load_study(folder))) for _ in range(2))
    assert first == second


def test_the_same_results_in_another_place_give_the_same_bytes(
    folder: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    first, second = (msgspec.json.encode(build_report(load_study(f))) for f in (folder, moved))
    assert first == second


def test_no_machine_path_in_it(study, tiny_folder: Path) -> None:
    text = msgspec.json.encode(build_report(study)).decode()
    for path in (study.folder, tiny_folder.parent, Path.home(), Path(__file__).parents[2]):
        assert str(path) not in text
    assert "/tmp" not in text


def test_every_step_is_in_it(study) -> None:
    report = build_report(study)
    assert (report.study, report.preset, report.seed) == ("tiny", "quick", 7)
    assert (report.prompts, report.draws) == (6, 2)
    (model,) = report.models
    names = ["base", "values_targeted-s1", "control-s1", "prompted", "few_shot"]
    assert [a.name for a in model.arms] == names
    assert {a.completions for a in model.arms} == {12}
    rows = read_completions(study, model_of(study))
    for arm in model.arms:
        own = [r for r in rows if (r.arm, r.seed) == (arm.arm, arm.seed)]
        assert arm.stopped == sum(r.finish_reason == "stop" for r in own)
        assert arm.mean_tokens == pytest.approx(np.mean([r.tokens for r in own]))
        assert sum(arm.flagged.values()) == sum(len(r.flags) for r in own)
    tuned = model.arms[1]
    assert len(tuned.training) == 6  # 8 samples in threes, two epochs
    assert tuned.digest.startswith("sha256:")
    assert model.arms[0].training == ()
    assert {t.task for t in report.capability} == {"minimal_pairs", "lines"}
    assert [t.margin for t in report.capability] == [0.02, 0.05]
    assert len(report.cooccurrence) == len(report.toxicity) == 1
    (leaning,), (readable,) = report.stance, report.coherence
    assert [a.arm for a in leaning.arms] == [a.arm for a in readable.arms] == names
    assert {a.scored + a.absent for a in leaning.arms} == {6}  # of 8 pairs two are for validation
    assert {a.answers for a in readable.arms} == {12}
    assert report.opening is not None
    assert len({s.question for s in report.opening.shown}) == 3
    assert missing(report) == {"Human ratings": report.ratings.reason}
    assert "mores rate import" in report.ratings.reason
    name = model_of(study)
    assert set(report.inputs) == {
        "study.toml",
        "charter.toml",
        "values.jsonl",
        "control.jsonl",
        "prompts.jsonl",
        "stance.jsonl",
        "associations.toml",
        "lines.jsonl",
        f"{name}: base",
        f"{name}: capability: task lines",
        f"{name}: capability: task minimal_pairs",
        f"{name}: sample: prompts",
        f"{name}: toxicity/lexical: scorer",
    }
    assert report.inputs["values.jsonl"] == store.digest_file(study.folder / "values.jsonl")
    measures = {e.measure.partition("/")[0] for e in report.estimates}
    assert measures == {
        "stance",
        "toxicity:lexical",
        "coherence",
        "capability:minimal_pairs",
        "capability:lines",
    }


def test_completions_of_all_arms_side_by_side(study) -> None:
    report = build_report(study)
    assert [q.id for q in report.questions] == [f"t-{i}" for i in range(6)]
    rows = {r.id: r for r in read_completions(study, model_of(study))}
    scores = {s.completion_id: s.value for s in read_scores(study, model_of(study), "lexical")}
    seen = []
    for question in report.questions:
        assert len(question.answers) == 10
        for answer in question.answers:
            assert rows[answer.id].prompt_id == question.id
            assert answer.text == rows[answer.id].text
            assert answer.scores == {"lexical": scores[answer.id]}
            seen.append(answer.id)
    assert sorted(seen) == sorted(rows)


def test_cost_by_hand(study) -> None:
    report = build_report(study)
    rows = read_completions(study, model_of(study))
    stems = read_completions(study, model_of(study), "stems")
    drawn = sum(r.tokens for r in [*rows, *stems])
    read = sum(r.prompt_tokens for r in [*rows, *stems])
    trained = sum(row["tokens"] for arm in report.models[0].arms for row in arm.training)
    parameters = report.models[0].parameters
    assert report.cost == {
        "trained_tokens": trained,
        "sampled_tokens": drawn,
        # LoRA: 4 operations a weight and trained token; 2 for each read or drawn.
        "floating_point_operations": parameters * (4 * trained + 2 * (drawn + read)),
    }


def put_scores(study, values: dict[str, float | None]) -> None:
    """Write scores by hand: completion id → value."""
    path = folder_of(study, "toxicity") / "lexical" / "scores.jsonl"
    old = store.read_jsonl(path, Score, unique="completion_id")
    new = [
        msgspec.structs.replace(
            s,
            value=values[s.completion_id],
            reason="" if values[s.completion_id] is not None else "no known word",
        )
        for s in old
    ]
    store.write_jsonl(path, new)
    spec, judge = study.config.models[0], scorer_of(study, "lexical")
    run.score_step(study, spec, "lexical", judge).complete(Made(["scores.jsonl"]))
    judged = run.Judged("lexical", judge.note, run.threshold_of(study, "lexical"), new)
    run._summarise(study, spec, [judged], Progress(quiet=True))


def test_absent_scores_are_never_zero(study) -> None:
    rows = read_completions(study, model_of(study))
    # Every first draw .4 (.6 for base); every second absent; t-5 absent in control altogether.
    values = {r.id: (0.6 if r.arm == "base" else 0.4) if r.draw == 0 else None for r in rows}
    for r in rows:
        if (r.arm, r.prompt_id) == ("control", "t-5"):
            values[r.id] = None
    put_scores(study, values)
    report = build_report(study)
    arms = {a.arm: a for a in report.toxicity[0].arms}
    assert (arms["base"].scored, arms["base"].unscorable) == (6, {"no known word": 6})
    assert arms["base"].mean == pytest.approx(0.6)
    # Two draws are planned, and no prompt has two scores: the highest of one would be too low.
    assert (arms["base"].expected_maximum, arms["base"].probability) == (None, None)
    assert arms["control-s1"].mean == pytest.approx(0.4)
    assert (arms["control-s1"].scored, arms["control-s1"].unscorable) == (5, {"no known word": 7})
    overall = {
        e.contrast: e
        for e in report.estimates
        if (e.measure, e.category) == ("toxicity:lexical", "overall")
    }
    assert overall["values_targeted - base"].value == pytest.approx(-0.2)
    assert overall["values_targeted - base"].details["left_out"] == 0
    assert overall["values_targeted - control"].value == pytest.approx(0.0)
    assert overall["values_targeted - control"].details["left_out"] == 1
    assert overall["values_targeted - control"].n == 5


def test_expected_maximum_and_probability_by_hand(study) -> None:
    rows = read_completions(study, model_of(study))
    # Draws of prompt i: .1·i and .1·(5 - i). Maxima .5 .4 .3 .3 .4 .5: mean .4; two reach .5.
    values = {}
    for r in rows:
        i = int(r.prompt_id[-1])
        values[r.id] = round(0.1 * (i if r.draw == 0 else 5 - i), 1)
    put_scores(study, values)
    for arm in build_report(study).toxicity[0].arms:
        assert arm.mean == pytest.approx(0.25)
        assert arm.expected_maximum == pytest.approx(0.4)
        assert arm.probability == pytest.approx(2 / 6)
        assert len(arm.values) == 12


def test_all_scores_absent(study) -> None:
    rows = read_completions(study, model_of(study))
    put_scores(study, dict.fromkeys((r.id for r in rows), None))
    report = build_report(study)
    for arm in report.toxicity[0].arms:
        assert (arm.scored, arm.mean, arm.expected_maximum, arm.probability) == (
            0,
            None,
            None,
            None,
        )
    found = [e for e in report.estimates if e.measure.startswith("toxicity")]
    assert all(e.verdict == "not computable" and e.reason for e in found)


def rate(study, values: dict[str, list[int]]) -> None:
    lines = ["completion_id,rater,value"]
    lines += [f"{name},rater{i},{v}" for name, vs in values.items() for i, v in enumerate(vs)]
    path = study.folder / "ratings.csv"
    path.write_text("\n".join(lines) + "\n")
    add_ratings(study, path)


def test_ratings_show_up(study) -> None:
    rows = read_completions(study, model_of(study))
    # Draw 0 only: values-targeted 5 and 4, control 2 and 3, base 3 and 3.
    points = {"values_targeted": [5, 4], "control": [2, 3], "base": [3, 3]}
    rate(study, {r.id: points[r.arm] for r in rows if r.arm in points and r.draw == 0})
    report = build_report(study)
    summary = report.ratings
    assert (summary.ratings, summary.raters, summary.rated, summary.completions) == (36, 2, 18, 60)
    assert summary.means == {
        "base": 3.0,
        "values_targeted-s1": 4.5,
        "control-s1": 2.5,
        "prompted": None,
        "few_shot": None,
    }
    assert summary.agreement is not None
    assert -1 <= summary.agreement.value <= 1
    assert "Human ratings" not in missing(report)
    overall = {
        e.contrast: e.value
        for e in report.estimates
        if (e.measure, e.category) == ("rating", "overall")
    }
    assert overall == pytest.approx(
        {"values_targeted - control": 2.0, "values_targeted - base": 1.5, "control - base": -0.5}
    )
    assert report.headlines[0].measure == "rating"
    answers = [a for q in report.questions for a in q.answers]
    assert {a.arm: a.ratings for a in answers if a.draw == 0} == {
        "base": (3, 3),
        "values_targeted-s1": (5, 4),
        "control-s1": (2, 3),
        "prompted": (),
        "few_shot": (),
    }
    assert {a.ratings for a in answers if a.draw == 1} == {()}


def test_a_prompt_that_was_rated_in_one_arm_only_is_left_out(study) -> None:
    rows = read_completions(study, model_of(study))
    rated = {
        r.id: [int(r.prompt_id[-1]) % 3 + 1 + (r.arm == "values_targeted")]
        for r in rows
        if r.arm in ("values_targeted", "control")
        and not (r.arm == "control" and r.prompt_id == "t-0")
    }
    rate(study, rated)
    (found,) = [
        e for e in build_report(study).estimates if (e.measure, e.category) == ("rating", "overall")
    ]
    assert found.value == pytest.approx(1.0)
    assert (found.n, found.details["left_out"]) == (5, 1)


def test_without_completions_there_is_no_report(tiny_study: Path) -> None:
    with pytest.raises(DataError, match=r"completions\.jsonl"):
        build_report(load_study(tiny_study))


@pytest.mark.parametrize(
    ("step", "what", "why"),
    [
        ("stance", "Stance", "mores measure stance"),
        ("coherence", "Coherence", "mores measure coherence"),
        ("toxicity", "Toxicity by lexical", "mores measure toxicity"),
        ("capability", "Capability", "mores measure capability"),
        ("cooccurrence", "Words that go with groups", "mores measure cooccurrence"),
    ],
)
def test_a_step_that_has_not_run_is_listed(study, step: str, what: str, why: str) -> None:
    shutil.rmtree(folder_of(study, step))
    found = missing(build_report(study))
    assert set(found) == {"Human ratings", what}
    assert why in found[what]


def test_what_the_study_does_not_ask_for_is_listed(folder: Path) -> None:
    (folder / "associations.toml").unlink()
    shutil.rmtree(folder_of(load_study(folder), "cooccurrence"))
    shutil.rmtree(folder_of(load_study(folder), "capability"))
    (folder / "stance.jsonl").unlink()
    found = missing(build_report(load_study(folder, overrides=("capability.tasks=[]",))))
    assert found["Words that go with groups"] == "no associations.toml"
    assert found["Capability"] == "no tasks configured"
    assert found["Stance"] == "no test pairs in stance.jsonl"


def test_scores_of_other_completions_are_not_shown(folder: Path, study) -> None:
    # Sampled again with more draws, not measured again.
    later = load_study(folder, overrides=("sample.draws=3",))
    sample(later)
    report = build_report(later)
    assert report.toxicity == ()
    assert not [e for e in report.estimates if e.measure.startswith("toxicity")]
    assert "mores measure toxicity" in missing(report)["Toxicity by lexical"]
    sample(load_study(folder, overrides=("seed=8",)))  # the same ids, other texts
    assert "Toxicity by lexical" in missing(build_report(study))


def test_marks_and_losses_of_other_completions_are_not_shown(folder: Path) -> None:
    later = load_study(folder, overrides=("sample.draws=3",))
    sample(later)
    report = build_report(later)
    assert report.coherence == ()
    assert not [e for e in report.estimates if e.measure == "coherence"]
    assert "mores measure coherence" in missing(report)["Coherence"]


def test_stance_of_other_pairs_is_not_shown(folder: Path) -> None:
    pairs = folder / "stance.jsonl"
    pairs.write_text(pairs.read_text().replace("thing", "matter"))
    report = build_report(load_study(folder))
    assert report.stance == ()
    assert not [e for e in report.estimates if e.measure == "stance"]
    assert "mores measure stance" in missing(report)["Stance"]


def test_words_of_other_stems_are_not_shown(folder: Path) -> None:
    later = load_study(folder, overrides=("cooccurrence.samples_per_stem=5",))
    sample_stems(later)
    report = build_report(later)
    assert report.cooccurrence == ()
    assert "mores measure cooccurrence" in missing(report)["Words that go with groups"]


def test_margins_go_by_name_not_by_place(folder: Path) -> None:
    # The same tasks in another order: nothing needs measuring, and each keeps its margin.
    tasks = '[{task="lines.jsonl",margin=0.05},{task="minimal_pairs",items=12,margin=0.02}]'
    later = load_study(folder, overrides=(f"capability.tasks={tasks}",))
    margins = {t.task: t.margin for t in build_report(later).capability}
    assert margins == {"minimal_pairs": 0.02, "lines": 0.05}


def test_other_tasks_than_were_measured_are_said_to_be_missing(folder: Path) -> None:
    tasks = '[{task="minimal_pairs",items=12},{task="prose"},{task="lines.jsonl"}]'
    later = load_study(folder, overrides=(f"capability.tasks={tasks}",))
    report = build_report(later)
    assert report.capability == ()
    assert "mores measure capability" in missing(report)["Capability"]


def test_a_damaged_file_is_an_error_not_a_number(study) -> None:
    path = folder_of(study, "sample") / "completions.jsonl"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DataError) as found:
        build_report(study)
    assert found.value.line == 60


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("recipe.epochs=2",),
        ("sample.decoding={temperature=0.5,top_p=0.9}", "seed=9"),
        ('description="it\'s a \\"test\\" $HOME"',),
        ('capability.tasks=[{task="prose",items=3}]', "arms=['base','control']"),
    ],
)
def test_the_command_gives_the_same_configuration(folder: Path, overrides: tuple[str, ...]) -> None:
    study = load_study(folder, overrides=overrides)
    words = shlex.split(command(study))
    assert words[:2] == ["mores", "run"]
    assert words[3:5] == ["--preset", "quick"]
    flags = words[5:]
    assert flags[::2] == ["--set"] * (len(flags) // 2)
    again = load_study(folder, preset=words[4], overrides=tuple(flags[1::2]))
    assert again.config == study.config


def test_judges_are_never_mixed_with_people(study) -> None:
    rows = [r for r in read_completions(study, model_of(study)) if r.draw == 0]
    rate(study, {r.id: [4] for r in rows if r.arm == "base"})
    before = build_report(study)
    path = folders.ratings_folder(study) / "ratings.jsonl"
    people = store.read_jsonl(path, Rating, unique=None)
    judged = [Rating(completion_id=r.id, rater="judge", value=1, kind="judge") for r in rows]
    store.write_jsonl(path, [*people, *judged])
    texts = {r.id: store.digest(r.text) for r in rows}
    store.write_json(folders.ratings_folder(study) / "texts.json", texts)
    after = build_report(study)
    assert after.inputs["ratings/ratings.jsonl"] != before.inputs["ratings/ratings.jsonl"]
    assert msgspec.structs.replace(after, inputs=before.inputs) == before


def test_a_question_near_a_training_sample_is_in_no_difference_but_its_own(folder: Path) -> None:
    path = folder / "prompts.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0]["near"] = "v-00"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    study = load_study(folder)
    sample(study)
    toxicity(study)
    of = {e.measure: e for e in build_report(study).estimates
          if e.contrast == "values_targeted - control" and e.category == "overall"}  # fmt: skip
    apart = of["toxicity:lexical/near-training questions"]
    assert apart.n + of["toxicity:lexical"].n == 6
    assert apart.n == 1
