"""Ratings by language models: apart from people's, tested before they may stand in for anybody."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from report_builder import report

from mores import store
from mores.errors import DataError
from mores.rate.ratings import (
    JUDGES,
    add_ratings,
    current_judgements,
    read_ratings,
)
from mores.records import Completion, Rating
from mores.report.figures import figures
from mores.report.judge_about import JudgesNow
from mores.report.judges import EPSILON, OPINION, judge_summaries
from mores.report.page import render
from mores.report.ratings import NONE, rating_summary
from mores.study import folders, load_study

ARMS = ("values_targeted", "control")
PROMPTS = range(20)


def completion(arm: str, prompt: int) -> Completion:
    return Completion(
        id=f"m.{arm}.p{prompt}", prompt_id=f"p{prompt}", category="care", model="m", arm=arm,
        seed=1, draw=0, text=f"{arm} {prompt}", finish_reason="stop", prompt_tokens=1, tokens=2,
    )  # fmt: skip


ROWS = [completion(a, p) for p in PROMPTS for a in ARMS]


def value(c: Completion, bonus: int = 0) -> int:
    return min(5, 2 + int(c.prompt_id[1:]) % 2 + (c.arm == ARMS[0]) + bonus)


def rated(who: str, rows=ROWS, bonus: int = 0, kind: str = "human") -> list[Rating]:
    return [
        Rating(completion_id=c.id, rater=who, value=value(c, bonus), kind=kind) for c in rows
    ]  # fmt: skip


@pytest.fixture
def study(tmp_path):
    (tmp_path / "study.toml").write_text(
        'name = "t"\npreset = "quick"\n\n[[models]]\nname = "org/Some-Model-135M"\n', "utf-8"
    )
    study = load_study(tmp_path)
    folder = folders.model_folder(study, "org/Some-Model-135M")
    store.write_jsonl(folder / "sample" / "completions.jsonl", ROWS)
    return study


def judge_file(tmp_path, lines=None, head="completion_id,value"):
    path = tmp_path / "judge.csv"
    rows = lines or [f"{c.id},{value(c)}" for c in ROWS]
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return path


def test_a_judges_ratings_are_kept_apart(study, tmp_path) -> None:
    kept = add_ratings(study, judge_file(tmp_path), "judge-7b")
    assert len(kept) == 40
    assert {(r.rater, r.kind) for r in kept} == {("judge-7b", "judge")}
    assert read_ratings(study) == []  # not among people's
    assert set(current_judgements(study)) == {"judge-7b"}
    assert len(store.read_jsonl(folders.ratings_folder(study) / JUDGES, Rating, unique=None)) == 40
    assert add_ratings(study, judge_file(tmp_path), "judge-7b") == kept  # again: the same


def test_judgements_of_a_text_that_was_drawn_anew_are_left_out(study, tmp_path) -> None:
    add_ratings(study, judge_file(tmp_path), "judge-7b")
    anew = [replace(c, text="other") if c.prompt_id == "p0" else c for c in ROWS]
    folder = folders.model_folder(study, "org/Some-Model-135M")
    store.write_jsonl(folder / "sample" / "completions.jsonl", anew)
    assert len(current_judgements(study)["judge-7b"]) == 38


@pytest.mark.parametrize(
    "name",
    [
        "org/Some-Model-135M",
        "some-model-135m",
        "Some_Model_135M-Instruct",
        "SOMEMODEL",
        "Instruct-135M-some-model",
    ],
)
def test_a_model_does_not_judge_itself(study, tmp_path, name) -> None:
    with pytest.raises(DataError, match="the name of the judged model"):
        add_ratings(study, judge_file(tmp_path), name)
    assert not folders.ratings_folder(study).exists()


def test_a_judge_is_no_person_and_the_other_way_round(study, tmp_path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("completion_id,rater,value\nm.control.p0,ada,3\n", "utf-8")
    add_ratings(study, people)
    with pytest.raises(DataError, match="a person's name"):
        add_ratings(study, judge_file(tmp_path), "ada")
    add_ratings(study, judge_file(tmp_path), "judge-7b")
    people.write_text("completion_id,rater,value\nm.control.p1,judge-7b,3\n", "utf-8")
    with pytest.raises(DataError, match="a language model's name") as caught:
        add_ratings(study, people)
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("lines", "head", "said"),
    [
        (["m.control.p0,7"], "completion_id,value", "whole number from 1 to 5"),
        (["m.control.pX,3"], "completion_id,value", "unknown completion"),
        (["m.control.p0,3", "m.control.p0,4"], "completion_id,value", "twice"),
        (["m.control.p0,ada,3"], "completion_id,rater,value", "the file says who rated"),
    ],
)
def test_bad_files_leave_nothing(study, tmp_path, lines, head, said) -> None:
    with pytest.raises(DataError, match=said):
        add_ratings(study, judge_file(tmp_path, lines, head), "judge-7b")
    assert not (folders.ratings_folder(study) / JUDGES).exists()


def test_no_name_no_import(study, tmp_path) -> None:
    with pytest.raises(DataError, match="no name"):
        add_ratings(study, judge_file(tmp_path), " ")


def test_what_a_judge_says_is_an_opinion_and_no_verdict() -> None:
    judgements = {"judge-7b": rated("judge-7b", kind="judge")}
    (found,) = judge_summaries([("m", ROWS)], [], JudgesNow(judgements), 7)
    assert (found.judge, found.model, found.ratings) == ("judge-7b", "m", 40)
    assert found.means == {"values_targeted-s1": 3.5, "control-s1": 2.5}
    (difference,) = found.differences
    assert difference.value == pytest.approx(1.0)
    assert difference.verdict == "descriptive"
    assert OPINION in difference.reason
    assert found.stand_in.verdict == "not computable"
    assert "no ratings by people" in found.stand_in.reason
    assert found.powered.value is None


def test_a_judge_that_says_what_raters_say_may_stand_in() -> None:
    people = [r for who in ("a", "b", "c") for r in rated(who)]
    judgements = {"same": rated("same", kind="judge"), "far": rated("far", bonus=2, kind="judge")}
    same, far = judge_summaries([("m", ROWS)], people, JudgesNow(judgements), 7)
    # It never fits worse than a rater: ω = 1. The other is always two points off: ω = 0.
    assert (same.stand_in.value, same.stand_in.verdict) == (1.0, "shown")
    assert (far.stand_in.value, far.stand_in.verdict) == (0.0, "not shown")
    assert same.stand_in.details["epsilon"] == EPSILON == 0.1
    assert "their own difference stands" in same.powered.reason  # people rated every prompt


def test_people_rated_a_part_and_the_judge_the_rest() -> None:
    part = [c for c in ROWS if int(c.prompt_id[1:]) < 12]
    mixed = [
        Rating(completion_id=c.id, rater="a", value=value(c, int(c.prompt_id[1:]) % 3 == 0))
        for c in part
    ]  # fmt: skip
    (found,) = judge_summaries([("m", ROWS)], mixed, JudgesNow({"j": rated("j", kind="judge")}), 7)
    # The judge says 1 everywhere, so it moves nothing: people's own mean, 1.
    assert found.powered.value == pytest.approx(1.0)
    assert found.powered.contrast == "values_targeted - control"


def test_the_page_keeps_judges_apart(study, tmp_path) -> None:
    add_ratings(study, judge_file(tmp_path), "<i>judge</i>")
    models = [("org/Some-Model-135M", ROWS)]
    summary = rating_summary(study, models, ())
    assert (summary.ratings, summary.reason) == (0, NONE)  # a judge is nobody
    whole = replace(report(), ratings=summary)
    text = " ".join(render(whole, figures(whole)).split())
    assert "No ratings by people." in text
    assert "A language model&#39;s ratings" in text or "A language model's ratings" in text
    assert "<i>judge" not in text
    assert "These are not ratings by people" in text


def test_the_sharpened_difference_knows_of_training_runs() -> None:
    """Three runs whose effects are 0, 1 and 2: one run says 0 or 2 for certain, three cannot."""

    def rows_of(run: int) -> list[Completion]:
        return [replace(c, id=f"{c.id}.s{run}", seed=run) for c in ROWS]

    def rate(who: str, rows, kind: str) -> list[Rating]:
        noise = 1 if kind == "judge" else 3
        return [
            Rating(completion_id=c.id, rater=who, kind=kind,
                   value=1 + (c.seed - 1) * (c.arm == ARMS[0])
                   + (int(c.prompt_id[1:]) * (7 if c.arm == ARMS[0] else 5) % 11) % noise)
            for c in rows
        ]  # fmt: skip

    found = {}
    for runs in ((3,), (1, 2, 3)):
        rows = [c for run in runs for c in rows_of(run)]
        part = [c for c in rows if int(c.prompt_id[1:]) < 12]
        judge = JudgesNow({"j": rate("j", rows, "judge")})
        (one,) = judge_summaries([("m", rows)], rate("a", part, "human"), judge, 7)
        found[len(runs)] = one.powered
    assert (found[1].scope, found[3].scope) == ("in this run", "")
    assert "in this run only" in found[1].reason
    assert found[1].p < 0.001
    assert found[3].low < 0 < found[3].value
    assert found[3].details["runs"] == 3
    assert {e.verdict for e in found.values()} == {"descriptive"}
