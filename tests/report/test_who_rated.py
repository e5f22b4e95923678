"""Ratings as people's: agreement by category and group, severity, effects with and without it."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from report_builder import report

from mores import store
from mores.rate.ratings import GROUPS, keep_collected
from mores.records import Completion, Rating
from mores.report import raters
from mores.report.figures import figures
from mores.report.page import render
from mores.report.ratings import rating_summary
from mores.study import folders, load_study

ARMS = ("values_targeted", "control")


def completion(arm: str, prompt: int, draw: int = 0, category: str = "care") -> Completion:
    return Completion(
        id=f"m.{arm}.p{prompt}.d{draw}", prompt_id=f"p{prompt}", category=category, model="m",
        arm=arm, seed=1, draw=draw, text=f"{arm} {prompt} {draw}", finish_reason="stop",
        prompt_tokens=1, tokens=2,
    )  # fmt: skip


def rating(of: Completion, rater: str, value: int) -> Rating:
    return Rating(completion_id=of.id, rater=rater, value=value)


def simulated(prompts=30, draws=2, harsh=1.5, effect=1.0, seed=3):
    """Three raters, each rates everything; rater "c" is harsher, on the logit scale."""
    rng = np.random.default_rng(seed)
    rows = [completion(a, p, d) for p in range(prompts) for a in ARMS for d in range(draws)]
    mood = rng.normal(0, 1, prompts)
    given = []
    for c in rows:
        for who, severity in (("a", 0.0), ("b", 0.0), ("c", harsh)):
            latent = mood[int(c.prompt_id[1:])] + effect * (c.arm == ARMS[0]) - severity
            value = 1 + int(np.searchsorted((-1.5, -0.5, 0.5, 1.5), latent + rng.logistic()))
            given.append(rating(c, who, value))
    return rows, given


def test_agreement_by_category_is_that_of_its_ratings_alone() -> None:
    care = [completion("control", n, category="care") for n in range(3)]
    work = [completion("control", n, category="work") for n in range(3, 6)]
    # Two raters agree wholly on "care", and on "work" as by opposite scales.
    given = [rating(c, who, v) for c, v in zip(care, (1, 3, 5), strict=True) for who in "ab"]
    given += [rating(c, "a", v) for c, v in zip(work, (1, 3, 5), strict=True)]
    given += [rating(c, "b", v) for c, v in zip(work, (5, 3, 1), strict=True)]
    none = [completion("control", 9, category="play")]
    found = raters.agreement_by_category([*care, *work, *none], given)
    assert [(e.category, e.n) for e in found] == [("care", 3), ("work", 3)]
    assert found[0].value == 1.0
    # Each of 1, 3 and 5 was given twice. Ordinal distances: half the ends plus all between.
    d13, d15 = (1 + 1) ** 2, (1 + 2 + 1) ** 2
    observed = (2 * 2 * d15) / 6
    expected = (2 * (2 * 2 * d13 + 2 * 2 * d13 + 2 * 2 * d15)) / (6 * 5)
    assert found[1].value == pytest.approx(1 - observed / expected)


def test_a_category_that_nobody_can_disagree_on_says_why() -> None:
    rows = [completion("control", n) for n in range(3)]
    (found,) = raters.agreement_by_category(rows, [rating(c, r, 4) for c in rows for r in "ab"])
    assert found.value is None
    assert found.verdict == "not computable"
    assert "equal" in found.reason


def test_severity_is_found_where_it_was_planted() -> None:
    rows, given = simulated()
    fit = raters.rater_model("m", rows, given)
    assert fit is not None
    assert fit.contrast == "values_targeted - control"
    assert fit.factors == ("prompt", "prompt × arm", "completion", "rater")
    found = {s.rater: s.severity.value for s in fit.severities}
    assert set(found) == {"rater 1", "rater 2", "rater 3"}
    # c is 1.5 logits harsher than a and b: about 1.0 above the mean of the three.
    assert found["rater 3"] - (found["rater 1"] + found["rater 2"]) / 2 == pytest.approx(
        1.5, abs=0.5
    )
    with_raters, without = fit.effects
    assert with_raters.low < 1.0 < with_raters.high
    assert (with_raters.category, without.category) == ("with raters' severity", "without")
    assert all(raters.APPROXIMATE in e.reason for e in fit.effects)
    assert not any(name in str(fit) for name in ("'a'", "'b'", "'c'"))  # ids may be names


def test_severity_matters_where_the_harsh_rater_saw_one_arm_more_often() -> None:
    rows, given = simulated(harsh=2.5, seed=5)
    # c's ratings of the values arm, the others' of the control arm; of the rest a fifth.
    rng = np.random.default_rng(1)
    arm = {c.id: c.arm for c in rows}
    kept = [
        r for r in given
        if (r.rater == "c") == (arm[r.completion_id] == ARMS[0]) or rng.random() < 0.2
    ]  # fmt: skip
    fit = raters.rater_model("m", rows, kept)
    assert fit is not None
    with_raters, without = (e.value for e in fit.effects)
    assert without < 0.0 < with_raters  # the harsh rater alone would have turned the sign


def test_a_single_rater_has_no_severity_but_an_effect() -> None:
    rows, given = simulated()
    fit = raters.rater_model("m", rows, [r for r in given if r.rater == "a"])
    assert fit is not None
    assert fit.severities == ()
    assert fit.effects[0].value is None
    assert "one rater" in fit.effects[0].reason
    assert fit.effects[1].value is not None
    assert fit.spread.verdict == "not computable"


def test_one_arm_has_no_model_and_equal_ratings_say_so() -> None:
    rows, given = simulated()
    control = {c.id for c in rows if c.arm == "control"}
    assert raters.rater_model("m", rows, [r for r in given if r.completion_id in control]) is None
    assert raters.rater_model("m", rows, []) is None
    same = raters.rater_model("m", rows, [replace(r, value=3) for r in given])
    assert same is not None
    assert [e.verdict for e in same.effects] == ["not computable"] * 2
    assert all("all ratings are equal" in e.reason for e in same.effects)


def test_groupings_that_say_the_same_are_used_once() -> None:
    rows, given = simulated(draws=1)  # a completion is a prompt in an arm
    fit = raters.rater_model("m", rows, given)
    assert fit is not None
    assert fit.factors == ("prompt", "prompt × arm", "rater")


def test_small_groups_are_left_out_and_others_described() -> None:
    rows = [completion(a, p) for p in range(8) for a in ARMS]
    names = [f"r{n}" for n in range(9)]
    given = [
        rating(c, who, 4 if c.arm == ARMS[0] else 3 - (int(c.prompt_id[1:]) % 2))
        for c in rows for who in names
    ]  # fmt: skip
    declared = {"Age?": {"18 to 34": names[:5], "35 or older": names[5:]}}
    (group,) = raters.groups([("m", rows)], given, declared, 7)
    assert (group.answer, group.raters, group.ratings) == ("18 to 34", 5, 80)
    (effect,) = group.effects
    assert effect.value == pytest.approx(1.5)  # 1 on four prompts, 2 on four
    assert effect.p is None
    assert effect.verdict == "descriptive"  # groups are described, not tested
    # Members without ratings do not count.
    fewer = [r for r in given if r.rater != "r0"]
    assert raters.groups([("m", rows)], fewer, declared, 7) == ()


def test_the_page_shows_all_of_it(tmp_path) -> None:
    (tmp_path / "study.toml").write_text(
        'name = "t"\npreset = "quick"\n\n[[models]]\nname = "m"\nformat = "chat"\n', "utf-8"
    )
    study = load_study(tmp_path)
    rows, given = simulated(prompts=12)
    more = [
        Rating(completion_id=r.completion_id, rater=f"x{r.rater}", value=r.value) for r in given
    ]
    store.write_jsonl(folders.model_folder(study, "m") / "sample" / "completions.jsonl", rows)
    keep_collected(study, [*given, *more], [], {c.id: store.digest(c.text) for c in rows})
    members = sorted({r.rater for r in (*given, *more)})
    store.write_json(folders.ratings_folder(study) / GROUPS, {"Age?": {"<b>old</b>": members}})
    summary = rating_summary(study, [("m", rows)], [*given, *more])
    whole = replace(report(), ratings=summary)
    text = " ".join(render(whole, figures(whole)).split())
    assert "log-odds of a higher rating" in text
    assert "rater 6" in text
    assert "Age? &lt;b&gt;old&lt;/b&gt; (6 raters" in text
    assert "<b>old" not in text
    assert "not tested" in text
