"""What a plan says that a study can show: from the study's design, and as it is printed."""

import pytest
from click.testing import CliRunner

from mores.cli.plan import plan as show
from mores.plan.power import LEAST_RATERS, what_it_shows
from mores.plan.work import plan
from mores.report import verdicts
from mores.stats import rating_spread, study_power, toxicity_spread
from mores.study import load_study


def design(study):
    counts: dict[str, int] = {}
    for prompt in study.chosen_prompts:
        counts[prompt.category] = counts.get(prompt.category, 0) + 1
    return list(counts.values())


def with_runs(folder, seeds):
    return load_study(folder, overrides=[f"train_seeds={seeds}"])


def test_it_is_the_design_of_the_study(tiny_study):
    study = load_study(tiny_study)
    rating, toxicity = what_it_shows(study)
    prompts = design(study)
    assert (rating.measure, toxicity.measure) == ("rating", "toxicity")
    same = study_power(prompts, 1, rating_spread(draws=2, raters=3, seats=6))
    assert rating.chances["0.5"] == same.power(0.5)
    assert rating.smallest == same.detectable()
    assert rating.by_luck == same.power(0.0)
    more = study_power(prompts, 1, rating_spread(draws=2, raters=4, seats=6))
    assert rating.one_more["rater an answer"] == more.detectable()
    drawn = study_power(prompts, 1, toxicity_spread(draws=3))
    assert toxicity.one_more["draw"] == drawn.detectable()
    longer = study_power([n + 1 for n in prompts], 1, toxicity_spread(draws=2))
    assert toxicity.one_more["prompt a category"] == longer.detectable()


@pytest.mark.parametrize(("seeds", "scope", "then"), [
    ("[1]", "in this run", "in these runs"),
    ("[1, 2]", "in these runs", ""),
    ("[1, 2, 3]", "", ""),
])  # fmt: skip
def test_it_says_what_a_verdict_would_speak_of(tiny_study, seeds, scope, then):
    rating, _ = what_it_shows(with_runs(tiny_study, seeds))
    assert (rating.scope, rating.run_scope) == (scope, then)


@pytest.mark.parametrize("seats", [1, 2])
def test_fewer_than_three_raters_show_nothing_and_it_is_said(tiny_study, seats):
    assert LEAST_RATERS == verdicts.LEAST_RATERS
    few = [f"rating.seats={seats}", f"rating.per_item={seats}"]
    study = load_study(tiny_study, overrides=few)
    rating, toxicity = what_it_shows(study)
    assert rating.no_verdict.startswith("no verdict: it needs 3 raters of both arms")
    assert set(rating.chances.values()) == {0.0}
    assert (rating.smallest, rating.by_luck) == (None, 0.0)
    assert rating.one_more["run"] is None
    assert (rating.one_more["rater an answer"] is None) == (seats < 2)
    assert toxicity.no_verdict == ""
    text = printed(study)
    assert f"rating        {rating.no_verdict}" in text
    assert "0.25 points" not in text


def test_without_the_arms_there_is_nothing_to_show(tiny_study):
    study = load_study(tiny_study, overrides=['arms=["base", "values_targeted"]'])
    assert what_it_shows(study) == ()


def printed(study):
    import click

    command = click.command()(lambda: show(plan(study, probe=False), {}))
    return CliRunner().invoke(command, []).output


def test_it_is_printed_in_three_lines_a_measure(tiny_study):
    rating, toxicity = what_it_shows(load_study(tiny_study))
    text = printed(load_study(tiny_study))
    assert 'chance that a true difference is shown "in this run": 0.25 points' in text
    assert f"where there is none {100 * rating.by_luck:.0f} %" in text
    smallest = f"smallest difference that is shown in 4 of 5 studies: {rating.smallest:.2g} points"
    assert smallest in text
    assert f"run {rating.one_more['run']:.2g} points (in these runs)" in text
    assert f"draw {toxicity.one_more['draw']:.2g}" in text
    three = printed(with_runs(tiny_study, "[1, 2, 3]"))
    assert "chance that a true difference is shown: 0.25 points" in three
    assert "where there is none" not in three
