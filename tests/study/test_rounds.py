"""Rounds: one for each version of the samples that was put to the test prompts."""

from mores.study import load_study
from mores.study.rounds import add_round, history, looks, rounds_path


def test_the_same_samples_are_one_round_however_often_reported(tiny_study):
    study = load_study(tiny_study)
    add_round(study, {"rating": "not shown"})
    before = rounds_path(study).read_bytes()
    rounds = add_round(study, {"rating": "not shown"})
    assert rounds_path(study).read_bytes() == before
    assert [r.number for r in rounds] == [1]
    assert looks(rounds, study) == 1


def test_a_changed_sample_is_a_new_look_at_the_test_prompts(tiny_study):
    add_round(load_study(tiny_study), {})
    path = tiny_study / "values.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[1:]) + "\n")
    changed = load_study(tiny_study)
    rounds = add_round(changed, {"rating": "shown"})
    assert [(r.number, r.samples) for r in rounds] == [(1, 8), (2, 7)]
    assert looks(rounds, changed) == 2
    assert history(changed) == rounds


def test_new_verdicts_of_the_same_round_replace_the_old(tiny_study):
    study = load_study(tiny_study)
    add_round(study, {})
    (only,) = add_round(study, {"rating": "worse"})
    assert only.verdicts == {"rating": "worse"}


def test_prompts_that_overlap_with_an_earlier_set_were_looked_at(tiny_study):
    study = load_study(tiny_study)
    add_round(study, {})
    path = tiny_study / "values.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[1:]) + "\n")
    prompts = tiny_study / "prompts.jsonl"
    prompts.write_text(prompts.read_text().replace("?", " ?", 1))  # the same id, reworded
    changed = load_study(tiny_study)
    rounds = add_round(changed, {})
    assert rounds[0].prompts != rounds[1].prompts
    assert looks(rounds, changed) == 2
