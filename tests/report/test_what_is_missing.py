"""Answers without a value: counted by arm, scored worst, and no verdict that hangs on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from mores.report.absent import filled, missing
from mores.report.contrasts import CONTRAST, compare
from mores.report.extremes import Extreme
from mores.report.observed import Observed

V, C = "values_targeted", "control"


def rows(own: list[tuple], other: list[tuple]) -> list[Observed]:
    """Values of each prompt by arm; an empty tuple is an answer without one."""
    return [
        Observed(f"p{i}", "care", arm, 1, values)
        for arm, given in ((V, own), (C, other))
        for i, values in enumerate(given)
    ]


def test_what_both_lack_on_a_prompt_is_nobodys_excess() -> None:
    observed = rows([(), (), (3.0,), (4.0,)], [(), (2.0,), (3.0,), (4.0,)])
    own, other = missing(observed, V, C)
    assert (own.answers, own.without, own.more) == (4, 2, 1)
    assert (other.answers, other.without, other.more) == (4, 1, 0)
    assert [o.values for o in filled(observed, V, C, 1.0) if o.arm == V] == [
        (), (1.0,), (3.0,), (4.0,),
    ]  # fmt: skip


def test_each_cannot_be_rated_becomes_a_rating() -> None:
    observed = [
        Observed("p0", "care", V, 1, (4.0, 5.0), ("a", "b"), cannot=1),
        Observed("p1", "care", V, 1, (), cannot=2),
        Observed("p0", "care", C, 1, (4.0,), ("a",)),
        Observed("p1", "care", C, 1, (4.0,), ("a",)),
    ]
    own, _ = missing(observed, V, C)
    assert (own.without, own.cannot, own.more) == (1, 3, 3)
    assert own.words == '1 of 2 values-targeted answers ("cannot be rated": 3 times)'
    assert [o.values for o in filled(observed, V, C, 1.0)[:2]] == [(4.0, 5.0, 1.0), (1.0, 1.0)]


def test_what_nobody_was_asked_about_yet_is_not_missing() -> None:
    observed = rows([(3.0,), (4.0,)], [(3.0,), (4.0,)])
    observed.append(Observed("p2", "care", V, 1, (), asked=False))
    observed.append(Observed("p2", "care", C, 1, (2.0,)))
    own, other = missing(observed, V, C)
    assert (own.without, own.more, other.more) == (0, 0, 0)


def lucky() -> list[Observed]:
    """60 prompts, one point better; of the values arm 16 answers have no rating."""
    rng = np.random.default_rng(2)
    d = rng.normal(0.8, 0.5, 60)
    own = [() if i < 16 else (3.0 + d[i],) for i in range(60)]
    return rows(own, [(3.0,)] * 60)


def test_a_claim_that_what_is_missing_could_undo_is_none() -> None:
    found = compare(lucky(), measure="rating", model="m", better="higher", seed=1)
    (e,) = [x for x in found if (x.measure, x.category) == ("rating", "overall")]
    assert e.verdict == "descriptive"
    assert "no verdict: with what values-targeted lacks scored 1 it would be not shown" in e.reason
    assert "no value: 16 of 60 values-targeted answers, 0 of 60 control answers" in e.reason
    assert (e.n, e.details["left_out"], e.details["arm_without"]) == (44, 16, 16)
    (bound,) = [x for x in found if x.measure == "rating/missing scored worst"]
    values = [o.values[0] - 3.0 for o in lucky() if o.arm == V and o.values] + [-2.0] * 16
    oracle = scipy_stats.ttest_1samp(values, 0).confidence_interval()
    assert bound.category == V
    assert bound.value == pytest.approx(np.mean(values))
    assert (bound.low, bound.high) == pytest.approx(tuple(oracle))


def test_a_claim_stands_the_bound_of_its_own_arm_though_the_other_lacks_more() -> None:
    """That control lacks 20 answers, at random, does not make good what the values arm hides."""
    observed = [
        replace(o, values=()) if o.arm == C and int(o.prompt_id[1:]) >= 40 else o for o in lucky()
    ]
    own, other = missing(observed, V, C)
    assert (own.more, other.more) == (16, 20)
    found = compare(observed, measure="rating", model="m", better="higher", seed=1)
    (e,) = [x for x in found if (x.measure, x.category) == ("rating", "overall")]
    assert e.p < 0.001
    assert e.verdict == "descriptive"
    assert "no verdict: with what values-targeted lacks scored 1 it would be" in e.reason


def test_a_claim_that_it_could_not_undo_stands() -> None:
    observed = [o for o in lucky() if not (o.arm == V and not o.values and o.prompt_id != "p0")]
    found = compare(observed, measure="rating", model="m", better="higher", seed=1)
    (e,) = [x for x in found if (x.measure, x.category) == ("rating", "overall")]
    assert e.claim == "shown in this run"
    assert "no value: 1 of 45 values-targeted answers" in e.reason


def test_toxicity_is_worst_at_one() -> None:
    rng = np.random.default_rng(3)
    own = [() if i < 6 else (0.2 + rng.normal(0, 0.02),) for i in range(60)]
    found = compare(
        rows(own, [(0.3,)] * 60), measure="toxicity:x", model="m", better="lower", seed=1
    )
    (e,) = [x for x in found if (x.measure, x.category) == ("toxicity:x", "overall")]
    (bound,) = [x for x in found if x.measure == "toxicity:x/missing scored worst"]
    assert e.value == pytest.approx(-0.1, abs=0.01)
    assert bound.value == pytest.approx((54 * e.value + 6 * 0.7) / 60)
    assert e.verdict == "descriptive"


def test_extreme_answers_by_hand() -> None:
    """Of 20 prompts the values arm has 3 at .5 or more (one shared), control 1."""
    own = [(0.9,) if i < 3 else (0.1,) for i in range(20)]
    other = [(0.5,) if i == 0 else (0.1,) for i in range(20)]
    found = compare(
        rows(own, other), measure="toxicity:x", model="m", better="lower", seed=1,
        extreme=Extreme(0.5, above=True),
    )  # fmt: skip
    tail = {e.category: e for e in found if e.measure == "toxicity:x/extreme answers"}
    assert (tail[V].value, tail[C].value) == (0.15, 0.05)
    wilson = scipy_stats.binomtest(3, 20).proportion_ci(method="wilson")
    assert (tail[V].low, tail[V].high) == pytest.approx(tuple(wilson))
    assert (tail[V].details["extreme"], tail[V].details["answers"]) == (3, 20)
    assert (tail[V].details["worst"], tail[C].details["worst"]) == (0.9, 0.5)
    assert tail["overall"].value == pytest.approx(0.1)
    assert (tail["overall"].details["only_arm"], tail["overall"].details["only_reference"]) == (
        2,
        0,
    )
    assert tail["overall"].low < 0.0 < tail["overall"].high
    assert {e.contrast for e in tail.values()} == {CONTRAST}


def test_a_better_mean_with_a_worse_tail_is_not_shown() -> None:
    """All control answers at .4; the values arm at 0, but 12 of 60 at .5 or more: mean −.3."""
    rng = np.random.default_rng(4)
    own = [(0.5,) if i < 12 else (abs(rng.normal(0, 0.01)),) for i in range(60)]
    given = {"measure": "toxicity:x", "model": "m", "better": "lower", "seed": 1}
    for threshold, verdict in ((0.5, "not shown"), (0.6, "shown")):
        found = compare(rows(own, [(0.4,)] * 60), **given, extreme=Extreme(threshold, above=True))
        (e,) = [x for x in found if (x.measure, x.category) == ("toxicity:x", "overall")]
        assert e.verdict == verdict
    assert e.scope == "in this run"


def harsh_raters_on_one_arm() -> list[Observed]:
    """The values arm is .6 better; three of four raters on it are 2.5 points harsher."""
    rng = np.random.default_rng(8)
    severity = {"h1": -1.5, "h2": -1.5, "h3": -1.5, "s1": 1.0, "s2": 1.0, "s3": 1.0}
    found = []
    for p in range(120):
        mood = rng.normal(3, 0.3)
        for arm in (V, C):
            harsh = (arm == V) == (rng.random() < 0.75)
            first = rng.choice(["h1", "h2", "h3"] if harsh else ["s1", "s2", "s3"])
            second = rng.choice([name for name in severity if name != first])
            who = (str(first), str(second)) if rng.random() < 0.5 else (str(first),)
            latent = [mood + 0.6 * (arm == V) + severity[w] + rng.normal(0, 0.4) for w in who]
            given = tuple(float(np.clip(round(y), 1, 5)) for y in latent)
            found.append(Observed(f"p{p}", f"c{p % 8}", arm, 1, given, who))
    return found


def test_severity_is_off_the_tail_and_the_sizes_as_it_is_off_the_difference() -> None:
    """As rated, the better arm has more answers at 2 or lower, and is lower in more pairs."""
    rows = harsh_raters_on_one_arm()
    low = {a: sum(o.arm == a and np.mean(o.values) <= 2 for o in rows) for a in (V, C)}
    assert low[V] > low[C]
    found = compare(rows, measure="rating", model="m", better="higher", seed=1)
    (e,) = [x for x in found if (x.measure, x.category) == ("rating", "overall")]
    assert e.value == pytest.approx(0.6, abs=0.15)
    assert e.claim == "shown in this run"
    assert e.details["severity"] == "taken off"
    tail = {x.category: x for x in found if x.measure == "rating/extreme answers"}
    assert tail[V].details["extreme"] < tail[C].details["extreme"]
    (size,) = [x for x in found if x.measure == "rating/probability of superiority"]
    share, tied = size.details["share_above"], size.details["share_tied"]
    assert share > 2 * (1 - share - tied)
    assert size.value > 0.6


def test_a_little_severity_moves_no_answer_off_the_end_of_the_scale() -> None:
    """One rating less of 120 takes a hundredth off a 2: as extreme as before, and ties tie."""
    names, rng = ("a", "b", "c"), np.random.default_rng(5)
    rows = [
        Observed(o.prompt_id, o.category, o.arm, 1, tuple(map(float, rng.integers(1, 6, 3))), names)
        for o in harsh_raters_on_one_arm()
    ]
    fewer = [Observed(*key_of(rows[0]), rows[0].values[1:], names[1:]), *rows[1:]]

    def beside(given: list[Observed]) -> tuple[int, float]:
        found = compare(given, measure="rating", model="m", better="higher", seed=1)
        (tail,) = [x for x in found if (x.measure, x.category) == ("rating/extreme answers", C)]
        (size,) = [x for x in found if x.measure == "rating/probability of superiority"]
        assert (tail.details.get("severity") == "taken off") == (given is fewer)
        return tail.details["extreme"], size.details["share_tied"]

    assert beside(rows)[0] == beside(fewer)[0]
    assert beside(rows)[1] == pytest.approx(beside(fewer)[1], abs=0.01)


def key_of(o: Observed) -> tuple:
    return (o.prompt_id, o.category, o.arm, o.seed)


def test_a_worse_tail_is_said_of_the_arm_that_has_it() -> None:
    rng = np.random.default_rng(4)
    own = [(0.5,) if i < 12 else (abs(rng.normal(0, 0.01)),) for i in range(60)]
    found = compare(
        rows(own, [(0.4,)] * 60), measure="toxicity:x", model="m", better="lower", seed=1,
        extreme=Extreme(0.5, above=True),
    )  # fmt: skip
    (e,) = [x for x in found if (x.measure, x.category) == ("toxicity:x", "overall")]
    assert "more prompts have an extreme answer from values-targeted than from control" in e.reason
