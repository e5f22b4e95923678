"""A look at the traffic of an arm: what is out of range, how often it errs, what is kept."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from scipy.stats import binomtest

from mores.errors import DataError, ServiceError, StudyError
from mores.release.watch.compare import compare, spends
from mores.release.watch.run import watch
from mores.release.watch.scores import Scores
from mores.release.watch.traffic import Answer
from mores.sample.run import read_completions
from mores.study import ScorerOptions, load_study
from watch_rates import KINDS, made_up, watches

SECRET = "Ignatius of Quahog told me his number"


def by_name(look):
    return {one.measure: one for one in look.measures}


# The test ------------------------------------------------------------------------------------


def test_all_looks_together_spend_alpha():
    # 1/2 + 1/6 + 1/12 + ... = 1 - 1/(n + 1)
    assert sum(spends(0.05, k) for k in range(1, 1000)) == pytest.approx(0.05 * (1 - 1 / 1000))
    assert spends(0.06, 2) == pytest.approx(0.01)


def test_shares_numbers_and_holm_by_hand():
    kinds = {"a": "share", "b": "number", "c": "share"}
    study = {"a": [0.0] * 8, "b": [1, 2, 3, 4, 5], "c": [1.0, 0.0] * 4}
    traffic = {"a": [1.0] * 8, "b": [6, 7, 8, 9, 10], "c": [0.0, 1.0] * 4}
    a, b, c = compare(kinds, study, traffic, spends=0.025, paired=False)
    assert a.p == pytest.approx(2 / math.comb(16, 8))  # Fisher: this table and its mirror
    assert b.p == pytest.approx(2 / math.comb(10, 5))  # rank sum: the highest five, or the lowest
    assert c.p == 1.0
    assert a.p_adjusted == pytest.approx(3 * 2 / math.comb(16, 8))
    assert b.p_adjusted == pytest.approx(2 * 2 / math.comb(10, 5))
    assert (a.above, b.above, c.above) == (1.0, 1.0, 0.0)
    assert (a.out, b.out, c.out) == (True, True, False)
    assert (b.study.mean, b.study.low, b.study.high) == (3.0, 2.0, 4.0)
    # A look that may spend less says less.
    assert [m.out for m in compare(kinds, study, traffic, spends=0.01, paired=False)] == [
        True, False, False,
    ]  # fmt: skip


def test_pairs_are_compared_as_pairs_and_absent_ones_left_out():
    kinds = {"a": "share", "b": "number"}
    study = {"a": [0.0] * 7 + [None], "b": [5.0] * 8}
    traffic = {"a": [1.0] * 6 + [None, 1.0], "b": [6.0, 7.0, 8.0, 4.0, 5.0, None, 9.0, 9.0]}
    a, b = compare(kinds, study, traffic, spends=0.05, paired=True)
    assert a.p == pytest.approx(2 / 2**6)
    assert (a.study.answers, a.study.absent, a.traffic.absent) == (7, 1, 1)
    assert b.p == pytest.approx(binomtest(5, 6).pvalue)


def test_what_has_no_value_is_not_compared_and_no_zero():
    none = [None] * 20
    (one,) = compare({"a": "share"}, {"a": none}, {"a": [1.0] * 20}, spends=0.05, paired=False)
    assert (one.p, one.out, one.study.mean, one.study.absent) == (None, False, None, 20)
    assert one.reason == "fewer than 5 answers with a value"
    few, many = [1.0] * 4, [0.0] * 100
    (one,) = compare({"a": "share"}, {"a": few}, {"a": many}, spends=0.05, paired=False)
    assert one.p is None


@pytest.mark.long
def test_whole_watches_without_a_change_seldom_alarm_and_with_one_they_do():
    same = watches(KINDS, made_up(), made_up(), prompts=40, answers=60, count=80, looks=4)
    assert same.ever <= 0.125  # 10 of 80: at .05, seen in 1 of 1,700 such simulations
    changed = watches(
        KINDS, made_up(), made_up(refusals=0.8), prompts=40, answers=60, count=20, looks=1
    )
    assert changed.first == 1.0
    assert binomtest(10, 80, 0.05, alternative="greater").pvalue < 0.01


# A study -------------------------------------------------------------------------------------


def own_answers(folder: Path, arm: str = "values_targeted") -> list[tuple[str, str]]:
    study = load_study(folder)
    asked = {p.id: p.text for p in study.prompts}
    rows = read_completions(study, "tiny-model")
    return [(asked[r.prompt_id], r.text) for r in rows if r.arm == arm and r.draw == 0]


def log_of(path: Path, rows) -> Path:
    lines = (json.dumps({"question": q, "answer": a, "user": SECRET}) for q, a in rows)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def other(count: int = 60):
    refusal = "I'm sorry, but I can't help with that. " * 3
    return [(f"{SECRET} {i}", f"{refusal}{SECRET}") for i in range(count)]


def test_the_study_s_own_answers_are_in_range(sampled_study, tmp_path):
    rows = own_answers(sampled_study)
    found = watch(load_study(sampled_study), log_of(tmp_path / "l.jsonl", rows))
    look = found.look
    assert (look.number, look.rows, look.compared, look.known) == (1, 6, 6, 6)
    assert not look.out
    for one in look.measures:
        assert one.study == one.traffic
        assert one.p in (None, 1.0)
    length = by_name(look)["length"]
    assert length.study.mean == np.mean([len(a) for _, a in rows])
    assert "6 of 6 are" in found.limits[0]


def test_other_answers_are_out_and_no_word_of_them_is_kept(sampled_study, tmp_path):
    study = load_study(sampled_study)
    found = watch(study, log_of(tmp_path / "l.jsonl", other()))
    assert found.look.out
    assert found.alarms == (1,)
    length = by_name(found.look)["length"]
    assert length.out
    assert length.above == 1.0
    assert by_name(found.look)["refusal"].traffic.mean == 1.0
    kept = [p for p in (sampled_study / "runs").rglob("*") if p.is_file()]
    assert any(p.parent.name == "watch" and p.suffix == ".jsonl" for p in kept)
    for path in kept:
        assert b"Ignatius" not in path.read_bytes()
        assert b"sorry" not in path.read_bytes()


def test_looks_are_numbered_spend_less_and_are_not_told_twice(sampled_study, tmp_path):
    study = load_study(sampled_study)
    one, two = log_of(tmp_path / "1", other(50)), log_of(tmp_path / "2", other(51))
    first, second = watch(study, one), watch(study, two)
    assert (first.look.spends, second.look.spends) == (0.025, pytest.approx(0.05 / 6))
    assert second.alarms == (1, 2)
    again = watch(study, one)
    assert again.repeated
    assert again.look == first.look
    assert (
        len(
            (study.run_folder / "watch" / "tiny-model.values_targeted-s1.jsonl")
            .read_text()
            .splitlines()
        )
        == 2
    )
    control = watch(study, one, arm="control")
    assert control.look.number == 1  # a watch of its own
    anew = watch(study, two, restart=True)
    assert (anew.look.number, anew.alarms) == (1, (1,))
    assert (study.run_folder / "watch" / "tiny-model.values_targeted-s1.before-1.jsonl").exists()


def test_a_watch_keeps_its_promise(sampled_study, tmp_path):
    study = load_study(sampled_study)
    watch(study, log_of(tmp_path / "1", other(50)))
    with pytest.raises(DataError, match=r"alpha was 0.05, not 0.2 at look 1"):
        watch(study, log_of(tmp_path / "2", other(51)), alpha=0.2)
    path = study.run_folder / "tiny-model" / "sample" / "completions.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row in rows:
        row["text"] += " more"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(DataError, match="answers or scorers were others"):
        watch(study, log_of(tmp_path / "2", other(51)))
    found = watch(study, log_of(tmp_path / "2", other(51)), restart=True)
    assert "not current" in found.limits[0]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({}, DataError, "found neither"),
        ({"log": Path("l"), "endpoint": "http://localhost:1/v1"}, DataError, "found both"),
        ({"log": Path("l"), "alpha": 0.0}, DataError, "above 0, at most .5"),
        ({"log": Path("l"), "answers": 0}, DataError, "expected 1 to 10000"),
        ({"log": Path("l"), "map_": ("reply=x",)}, DataError, "has answer, question and group"),
        ({"log": Path("l"), "arm": "preference"}, StudyError, "no arm preference"),
        ({"log": Path("l"), "model": "x"}, StudyError, "no model 'x'"),
        ({"log": Path("l")}, DataError, "no such file"),
    ],
)
def test_bad_input_is_named_and_no_look_is_spent(sampled_study, given, error, said):
    study = load_study(sampled_study)
    with pytest.raises(error, match=said):
        watch(study, **given)
    assert not list((study.run_folder / "watch").glob("*.jsonl"))


def test_nothing_sampled_nothing_to_compare_with(tiny_study, tmp_path):
    with pytest.raises(DataError, match="nothing has been sampled"):
        watch(load_study(tiny_study), log_of(tmp_path / "l", other(5)))


def test_scorers_that_ask_others_are_left_out(sampled_study):
    study = load_study(sampled_study)
    options = ScorerOptions(scorer="moderation:https://x.example/v1/moderations", key_env="K")
    config = replace(
        study.config.toxicity, scorers=("lexical", options.scorer, "replay:x"), options=(options,)
    )
    study = study.with_config(replace(study.config, toxicity=config))
    scores = Scores(study, services=False, say=print)
    assert list(scores.scorers) == ["lexical"]
    assert scores.left_out == {
        "toxicity moderation:https://x.example/v1/moderations": "it would send the traffic to a "
        "service; --services allows that",
        "toxicity replay:x": "it knows the study's stored texts only",
    }


def test_single_answers(sampled_study):
    scores = Scores(load_study(sampled_study), services=False, say=print)
    answers = [
        Answer("I'm sorry, but I can't help with that.", "Who?"),
        Answer("Das ist eine ziemlich dumme Idee, und ich möchte darüber nicht sprechen."),
        Answer("Bread needs flour, water, salt and some time to rest before it is baked."),
        Answer("It is not their fault. " * 20),
        Answer("  "),
    ]
    found = scores.of(answers)
    assert list(found) == list(scores.kinds)
    assert found["refusal"] == [1.0, None, 0.0, found["refusal"][3], None]
    assert found["English"] == [1.0, 0.0, 1.0, 1.0, None]
    assert found["flagged"] == [0.0, 0.0, 0.0, 1.0, 1.0]
    assert found["length"] == [38.0, 72.0, 72.0, 460.0, 2.0]
    assert [v is None for v in found["toxicity lexical"]] == [False, True, False, False, True]


# An endpoint ---------------------------------------------------------------------------------


def said(text: str, model: str = "mine"):
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": f"x{hash(text)}", "model": model, "choices": [choice]}


def test_an_endpoint_gets_the_study_s_prompts_and_is_compared_in_pairs(
    sampled_study, service, answer
):
    study = load_study(sampled_study)
    own = dict(own_answers(sampled_study))
    service.answer = lambda asked: answer(said(own[asked["messages"][-1]["content"]]))
    found = watch(study, endpoint=service.url, served="mine")
    assert {r["messages"][-1]["content"] for r in service.requests} == set(own)
    assert {(r["model"], r["temperature"], r["max_tokens"]) for r in service.requests} == {
        ("mine", 1.0, 12)
    }
    look = found.look
    assert (look.source, look.rows, look.compared, look.known, look.log) == (
        "endpoint",
        6,
        6,
        6,
        "",
    )
    assert not look.out
    assert by_name(look)["length"].method.endswith("sign test, exact, two-sided")
    seeds = {r["seed"] for r in service.requests}
    service.requests.clear()
    again = watch(study, endpoint=service.url, served="mine")
    assert again.look.number == 2
    assert not seeds & {r["seed"] for r in service.requests}
    for path in (study.run_folder / "watch").rglob("*"):
        assert path.is_dir() or not any(
            text.encode() in path.read_bytes() for text in own.values() if text
        )


def test_an_endpoint_that_refuses_spends_no_look(sampled_study, service, answer):
    study = load_study(sampled_study)
    service.answer = lambda asked: answer({"error": {"message": "no such model"}}, status=404)
    with pytest.raises(ServiceError):
        watch(study, endpoint=service.url)
    assert not list((study.run_folder / "watch").glob("*.jsonl"))
