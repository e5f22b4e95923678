"""Planted groups are recovered; where there are none, none are named."""

from __future__ import annotations

import numpy as np
import pytest
from people import answers, consultation, line, planted

from mores.consult import no_groups, stability
from mores.consult.analyse import analyse_answers
from mores.consult.groups import divide
from mores.consult.opinion import opinion_differences
from mores.consult.space import share_of_variance
from mores.consult.stability import Found, OpinionGroups, matched, opinion_groups
from mores.stats import adjusted_rand

MANY = range(10, 30)


def recovered(seed, groups):
    table, truth = planted(seed, groups=groups)
    found = opinion_groups(table, seed=seed, least=5)
    assert (found.groups.verdict, found.groups.k) == ("groups", groups)
    assert adjusted_rand(found.division.labels, truth[found.rows]) > 0.8
    assert found.groups.stability.participants > 0.9
    assert found.groups.gap_p <= 0.05
    assert min(found.groups.stability.membership) > 0.9


@pytest.mark.parametrize(("seed", "groups"), [(1, 2), (2, 3)])
def test_planted_groups_are_recovered(seed, groups):
    recovered(seed, groups)


@pytest.mark.parametrize("seed", [1, 2])
def test_votes_that_have_nothing_to_do_with_each_other_make_no_groups(seed):
    table, _ = planted(seed, groups=1, lean=0.3)
    assert opinion_groups(table, seed=seed, least=5).groups.verdict == "no stable groups"


def test_a_line_without_a_gap_is_called_that():
    found = opinion_groups(line(1, loading=0.9), seed=1, least=5)
    assert found.groups.verdict == "a division, no gap"
    assert "not as camps" in found.groups.reason
    assert found.shown


@pytest.mark.long
@pytest.mark.parametrize("groups", [2, 3])
def test_planted_groups_are_recovered_nearly_always(groups):
    found = []
    for seed in MANY:
        table, truth = planted(seed, groups=groups)
        one = opinion_groups(table, seed=seed, least=5)
        right = one.division is not None and one.groups.k == groups
        near = right and adjusted_rand(one.division.labels, truth[one.rows]) > 0.7
        found.append(near and one.groups.verdict == "groups")
    assert sum(found) >= 0.8 * len(found)


@pytest.mark.long
@pytest.mark.parametrize("loading", [0.0, 0.3, 0.6, 0.9])
def test_groups_are_hardly_ever_named_where_there_are_none(loading):
    verdicts = [
        opinion_groups(line(seed, loading=loading), seed=seed, least=5).groups.verdict
        for seed in MANY
    ]
    # At a rate of 5 %, more than 4 of 20 happen in 0.3 % of cases.
    assert verdicts.count("groups") <= 4


def test_too_few_people_are_not_grouped():
    table, _ = planted(1, people=99, missing=0.0)
    found = opinion_groups(table, seed=1, least=5)
    assert found.groups.verdict == "too few"
    assert found.groups.reason.startswith("99 people voted on 7 statements or more")
    assert not found.shown
    assert opinion_groups(np.ones((200, 6)), seed=1, least=5).groups.voters == 0


def test_who_voted_on_too_little_is_not_placed():
    table, _ = planted(1, people=120, missing=0.0)
    table[5:15, 6:] = np.nan
    found = opinion_groups(table, seed=1, least=5)
    assert found.rows.tolist() == [*range(5), *range(15, 120)]
    assert found.groups.voters == 110


def test_groups_keep_their_names_when_they_are_made_anew():
    before = np.array([0, 0, 0, 1, 1, 2])
    assert matched(before, np.array([2, 2, 0, 0, 0, 1])).tolist() == [0, 0, 1, 1, 1, 2]


def test_the_null_model_has_the_votes_and_the_spread_of_the_original():
    table = line(5, people=400)
    rng = np.random.default_rng(1)
    draw = no_groups.continuum(table, rng)
    drawn = [draw() for _ in range(10)]
    np.testing.assert_array_equal(np.isnan(drawn[0]), np.isnan(table))
    for value in (1.0, -1.0):
        share = np.mean([(d == value).sum() / (~np.isnan(d)).sum() for d in drawn])
        assert share == pytest.approx((table == value).sum() / (~np.isnan(table)).sum(), abs=0.02)
    first = np.mean([share_of_variance(d)[0] for d in drawn])
    assert first == pytest.approx(share_of_variance(table)[0], rel=0.1)


def test_a_statement_that_has_nothing_to_do_with_the_groups_is_not_said_to_divide():
    # Groups made with a statement's own votes would find it divided far more often.
    called = []
    for seed in range(4):
        table, _ = planted(seed, groups=2, statements=20)
        rng = np.random.default_rng(seed)
        noise = rng.choice([-1.0, 1.0], size=(len(table), 10))
        both = np.concatenate([table, noise], axis=1)
        division = divide(both, rng, k=2)
        placed = OpinionGroups(verdict="groups", reason="", voters=150, k=2)
        found = Found(placed, np.arange(150), division)
        names = [f"s{j}" for j in range(30)]
        tested = opinion_differences(both, names, found, seed=seed, least=5)
        assert len(tested) == 30
        called += [d.divides for d in tested if int(d.statement[1:]) >= 20]
        right = [d.divides for d in tested if int(d.statement[1:]) < 20]
        assert sum(right) >= 8  # half of the planted statements lean the same way in both groups
    assert sum(called) <= 3  # of 40


def test_wordings_against_each_other_are_no_part_of_the_groups(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "mores.consult.analyse.opinion_groups",
        lambda table, **given: seen.append(table.shape) or stability.opinion_groups(table, **given),
    )
    from msgspec.structs import replace

    asked = consultation(3)
    rows = (*asked.statements[:2], replace(asked.statements[2], kind="wording", against="s0"))
    asked = replace(asked, statements=rows)
    result = analyse_answers(asked, answers(asked, np.ones((6, 3))), seed=1)
    assert seen == [(6, 2)]
    assert result.statements[2].rival == "Statement number 0."
    assert result.statements[2].total.n == 6
