"""Stance by arm, beside ratings; how answers read; what a report opens with."""

from __future__ import annotations

import numpy as np
import pytest

from mores.measure.coherence.item import CoherenceItem
from mores.measure.stance.item import StanceItem
from mores.records import Completion, Prompt, Rating
from mores.report.adherence import stance_summary
from mores.report.opening import BY_RATING, BY_WORDS, opening
from mores.report.readable import coherence_results

CATEGORIES = ("care", "beauty", "work", "home")


def item(pair: int, arm: str, margin: float | None, seed: int = 0) -> StanceItem:
    return StanceItem(
        pair_id=f"s-{pair}", category=CATEGORIES[pair % 4], split="test", model="m", arm=arm,
        seed=seed, aligned=None if margin is None else -2.0 + margin,
        opposed=None if margin is None else -2.0, reason="" if margin is not None else "too long",
    )  # fmt: skip


def completion(prompt: int, arm: str, text: str = "An answer.", seed: int = 0, **fields):
    name = arm if seed == 0 else f"{arm}-s{seed}"
    draw = fields.pop("draw", 0)
    row = {
        "id": f"m.{name}.t-{prompt}.d{draw}", "prompt_id": f"t-{prompt}",
        "category": CATEGORIES[prompt % 4], "model": "m", "arm": arm, "seed": seed, "draw": draw,
        "text": text, "finish_reason": "stop", "prompt_tokens": 3, "tokens": 3,
    }  # fmt: skip
    return Completion(**{**row, **fields})


def rating(c: Completion, value: int, rater: str = "r") -> Rating:
    return Rating(completion_id=c.id, rater=rater, value=value)


# Stance ----------------------------------------------------------------------------------------


def test_an_arms_mean_its_pairs_and_what_has_no_value():
    items = [item(i, "base", [0.5, -0.25, 0.25, 0.5][i % 4]) for i in range(16)]
    items += [item(16, "base", None)]
    (arm,) = stance_summary("m", items, [], [], seed=1).arms
    assert (arm.aligned, arm.scored, arm.absent) == (12, 16, 1)
    assert arm.margin.value == pytest.approx(0.25)
    assert (arm.margin.p, arm.margin.verdict, arm.margin.unit) == (None, "descriptive", "pair")


def test_beside_ratings_the_order_of_arms_counts_not_that_of_categories():
    """Categories differ much in both, arms agree within each: the categories are taken off."""
    arms = ("base", "prompted", "few_shot")
    easy = {"care": 0.0, "beauty": 3.0, "work": 1.0, "home": 2.0}
    items = [
        item(p, arm, easy[CATEGORIES[p % 4]] + 0.1 * rank + 0.001 * p)
        for rank, arm in enumerate(arms)
        for p in range(8)
    ]
    rows = {(p, arm): completion(p, arm) for arm in arms for p in range(8)}
    same = [rating(c, 1 + arms.index(arm) + (p % 4 > 1)) for (p, arm), c in rows.items()]
    found = stance_summary("m", items, list(rows.values()), same, seed=1).beside_ratings
    assert found.value == pytest.approx(1.0)
    assert (found.unit, found.n, found.p) == ("category", 4, None)
    assert found.measure == "agreement in order"  # what its row is called
    other = [rating(c, 3 - arms.index(arm) + (p % 4 > 1)) for (p, arm), c in rows.items()]
    found = stance_summary("m", items, list(rows.values()), other, seed=1).beside_ratings
    assert found.value == pytest.approx(-1.0)


def test_without_ratings_or_with_few_cells_there_is_no_correlation():
    items = [item(p, "base", 0.1 * p) for p in range(8)]
    rows = [completion(p, "base") for p in range(8)]
    none = stance_summary("m", items, rows, [], seed=1).beside_ratings
    assert (none.verdict, none.reason) == ("not computable", "no ratings by people")
    assert none.measure == "agreement in order"
    few = stance_summary("m", items, rows, [rating(c, 3) for c in rows], seed=1).beside_ratings
    assert "4 categories × arms have both, 6 are needed" in few.reason


# Coherence -------------------------------------------------------------------------------------


def test_marks_and_losses_of_each_arm_and_the_fall_against_base():
    rows = [completion(p, arm, seed=s) for arm, s in (("base", 0), ("values_targeted", 1))
            for p in range(40)]  # fmt: skip
    marks = {rows[0].id: "repetitive", rows[40].id: "repetitive", rows[41].id: "empty"}
    items = {
        c.id: CoherenceItem(
            completion_id=c.id,
            mark=marks.get(c.id, ""),
            base_loss=None if marks.get(c.id) == "empty" else 2.0 + (c.arm != "base"),
        )
        for c in rows
    }
    summary, estimates = coherence_results("m", rows, items, margin=0.2)
    base, tuned = summary.arms
    assert (base.arm, base.answers, base.marks, base.base_loss) == (
        "base",
        40,
        {"repetitive": 1},
        2,
    )
    assert tuned.marks == {"empty": 1, "repetitive": 1}
    assert tuned.base_loss == pytest.approx(3.0)  # of the 39 that have one
    (change,) = estimates
    assert (change.measure, change.contrast) == ("coherence", "values_targeted - base")
    assert change.value == pytest.approx(-1 / 40)
    assert (change.verdict, change.unit, change.n) == ("non-inferior", "prompt", 40)
    assert change.details["margin"] == 0.2
    assert coherence_results("m", rows, items, margin=0.01)[1][0].verdict == "inconclusive"


def test_a_broken_tune_is_worse():
    rows = [completion(p, arm, seed=s) for arm, s in (("base", 0), ("values_targeted", 1))
            for p in range(40)]  # fmt: skip
    items = {
        c.id: CoherenceItem(
            completion_id=c.id,
            mark="repetitive" if c.arm != "base" and i % 2 else "",
            base_loss=2.0,
        )
        for i, c in enumerate(rows)
    }
    _, (change,) = coherence_results("m", rows, items, margin=0.1)
    assert (change.verdict, change.value) == ("worse", -0.5)


# Opening ---------------------------------------------------------------------------------------


def prompt(i: int) -> Prompt:
    return Prompt(id=f"t-{i}", category=CATEGORIES[i % 4], text=f"Question {i}?", split="test")


def test_the_median_change_is_shown_never_the_largest():
    """Overlap of words: of ten, 0 to 8 are shared; the middle ones are chosen."""
    prompts = [prompt(i) for i in range(9)]
    rows = []
    for i in range(9):
        shared = " ".join(f"s{k}" for k in range(i))
        rows.append(completion(i, "base", f"{shared} {' '.join(f'b{k}' for k in range(10 - i))}"))
        text = f"{shared} {' '.join(f'v{k}' for k in range(10 - i))}"
        rows.append(completion(i, "values_targeted", text, seed=2))
        rows.append(completion(i, "values_targeted", "never shown", seed=3))
        rows.append(completion(i, "values_targeted", "never shown", seed=2, draw=1))
    found = opening("m", rows, prompts, {})
    assert found.rule == BY_WORDS
    changes = {f"Question {i}?": 1 - i / (20 - i) for i in range(9)}
    middle = float(np.median(list(changes.values())))
    # 4 is the median itself; 5, 3 and 6 are next, all of other categories
    assert [s.question for s in found.shown] == ["Question 4?", "Question 3?", "Question 5?"]
    assert found.shown[0].change == pytest.approx(middle, abs=1e-4)
    assert len({s.category for s in found.shown}) == 3
    assert all("never" not in s.values_targeted for s in found.shown)


def test_ratings_decide_where_there_are_some():
    prompts = [prompt(i) for i in range(5)]
    rows = [completion(i, arm, seed=s) for i in range(5) for arm, s in
            (("base", 0), ("values_targeted", 1))]  # fmt: skip
    gains = {0: 2.0, 1: 0.0, 2: 1.0, 3: -1.0, 4: 1.0}
    ratings = {c.id: (2.0, 4.0) if c.arm == "base" else (3.0 + gains[i // 2],) for i, c in
               enumerate(rows)}  # fmt: skip
    found = opening("m", rows, prompts, ratings)
    assert found.rule == BY_RATING
    assert [s.question for s in found.shown] == ["Question 2?", "Question 4?", "Question 0?"][
        :1
    ] + [s.question for s in found.shown[1:]]
    assert [s.change for s in found.shown][:2] == [1.0, 1.0]
    assert "Question 3?" not in [s.question for s in found.shown]  # the worst


def test_without_both_arms_there_is_no_opening():
    assert opening("m", [completion(0, "base")], [prompt(0)], {}) is None
