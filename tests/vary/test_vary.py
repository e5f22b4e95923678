"""Sweeps and doses on the tiny study: validation alone, resumable, nested, and honest in words."""

from __future__ import annotations

import json

import pytest

from mores.cli import mores
from mores.errors import StudyError
from mores.study import load_study
from mores.tune import here as tuning
from mores.vary import point as points
from mores.vary.dose import dose, nested
from mores.vary.point import in_words
from mores.vary.sweep import sweep

SMALL = ('capability.tasks=[{task="minimal_pairs",items=6}]', "recipe.epochs=1")


@pytest.fixture
def study(tiny_study):
    return load_study(tiny_study, overrides=SMALL)


def test_a_sweep_scores_validation_pairs_and_goes_on_where_it_was(study, spoken, monkeypatch):
    asked = ("learning_rate=1e-3", "learning_rate=5e-3 epochs=3")
    tuned = []
    original = tuning.train
    monkeypatch.setattr(tuning, "train", lambda job: tuned.append(job.key.name) or original(job))
    found = sweep(study, points=asked[:1], progress=spoken)
    assert tuned == ["values_targeted-s1", "control-s1"]
    both = sweep(study, points=asked, progress=spoken)
    assert tuned == ["values_targeted-s1", "control-s1"] * 2  # the first point was kept
    assert [p.name for p in both.points] == list(asked)
    assert both.points[0] == found.points[0]
    e = both.points[1].estimate("stance", "values_targeted - control")
    assert (e.n, e.unit) == (2, "prompt")  # the two validation pairs, none of the six test pairs
    folder = study.run_folder / "vary"
    assert (folder / "sweep.json").exists()
    assert (study.folder / both.figure).read_bytes().startswith(b"\x89PNG")
    assert "stance values - control" in in_words(both.points[0])
    assert not (study.run_folder / study.config.models[0].name / "tune").exists()


@pytest.mark.long
def test_base_is_measured_once(study, monkeypatch):
    scored = []
    original = points._score
    monkeypatch.setattr(
        points, "_score", lambda s, m, r, keys, *a: scored.append([k.name for k in keys])
        or original(s, m, r, keys, *a)
    )  # fmt: skip
    sweep(study, points=("learning_rate=1e-3", "learning_rate=2e-3"))
    tuned = ["values_targeted-s1", "control-s1"]
    assert scored == [["base"], tuned, tuned]


@pytest.mark.long
def test_a_study_with_a_preference_arm_can_be_swept(tiny_study):
    arms = 'arms=["base", "values_targeted", "control", "preference"]'
    study = load_study(tiny_study, overrides=(*SMALL, arms))
    (point,) = sweep(study, points=("learning_rate=1e-3",)).points
    assert set(point.last_loss) == {"values_targeted-s1", "control-s1"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("learning_rat=1e-3",), "no setting 'learning_rat', did you mean 'learning_rate'"),
        (("learning_rate=7",), "learning_rate"),
        (("epochs=1", "epochs=1 prompt_weight=0.1"), "the same recipe as another"),
        (("fast",), "expected KEY=VALUE"),
    ],
)
def test_points_that_make_no_sense(study, asked, words):
    with pytest.raises(StudyError) as error:
        sweep(study, points=asked)
    assert words in str(error.value).replace("; did", ", did").replace(" (did", ", did")


def test_without_validation_pairs_there_is_no_sweep(tiny_study):
    rows = [json.loads(x) for x in (tiny_study / "stance.jsonl").read_text().splitlines()]
    text = "".join(json.dumps({**r, "split": "test"}) + "\n" for r in rows)
    (tiny_study / "stance.jsonl").write_text(text)
    with pytest.raises(StudyError, match="on validation pairs, and there are none"):
        sweep(load_study(tiny_study, overrides=SMALL))


def test_subsets_are_nested_and_balanced(study):
    order = nested(study.values, study.charter.categories, 7)
    assert sorted(order) == sorted(e.id for e in study.values.examples)
    category = {e.id: e.category for e in study.values.examples}
    for n in (2, 4, 6, 8):
        assert [category[i] for i in order[:n]].count("care") == n // 2
    assert order != nested(study.values, study.charter.categories, 8)
    assert order == nested(study.values, study.charter.categories, 7)


def test_a_dose_has_a_curve_and_every_category_left_out(study, spoken):
    found = dose(study, sizes=(2, 4, 100), split="test", progress=spoken)
    assert [p.name for p in found.points] == ["2 samples", "4 samples", "8 samples"]
    assert [(o.category, o.without is not None) for o in found.left_out] == [
        ("care", True),
        ("beauty", True),
    ]
    whole = found.points[-1]
    assert found.left_out[0].whole == next(
        e for e in whole.estimates
        if (e.measure, e.contrast, e.category) == ("stance", "values_targeted - control", "care")
    )  # fmt: skip
    assert whole.estimate("stance", "values_targeted - control").n == 6
    # Random weights, eight samples of words: nothing is shown, so nothing is said of a share.
    assert len(found.says) == 1
    assert (study.folder / found.figure).exists()
    variants = [p for p in (study.run_folder / "vary").iterdir() if p.is_dir()]
    sizes = sorted(
        len((p / study.config.models[0].name / "tune" / "control-s1" / "log.jsonl")
            .read_text().splitlines())
        for p in variants if p.name != study.config.models[0].name
    )  # fmt: skip
    assert sizes == [1, 2, 2, 2, 3]  # steps of three samples: 2, 4, 4, 4 and 8 samples


def test_commands(tiny_study, capsys):
    settings = [x for s in SMALL for x in ("--set", s)]
    args = ["tune", str(tiny_study), "--point", "learning_rate=1e-3", *settings, "--quiet"]
    mores(args, standalone_mode=False)
    out = capsys.readouterr().out
    assert "learning_rate=1e-3:" in out
    assert "sweep.png" in out
    mores(["dose", str(tiny_study), *settings, "--no-leave-out", "--sizes", "4", "--quiet"],
          standalone_mode=False)  # fmt: skip
    out = capsys.readouterr().out
    assert "4 samples:" in out
    assert "described, not tested" in out
