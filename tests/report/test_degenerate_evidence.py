"""Studies that cannot show anything: a reason each time, never NaN, never an empty p."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from mores import store
from mores.records import Completion, Estimate, Rating
from mores.report.build import build_report
from mores.report.figures import figures
from mores.report.model import Report
from mores.report.page import render
from mores.sample.grid import COMPLETIONS
from mores.sample.run import sample_step
from mores.step import Made
from mores.study import folders, load_study

EXAMPLE = Path(__file__).parents[2] / "examples" / "wellbeing"
ALL = ("base", "values_targeted", "control")
PRIMARY = "values_targeted - control"
Rate = Callable[[Completion, str], int | None]


def completions(arms=ALL, prompts=8, draws=lambda arm: 1) -> list[Completion]:
    return [
        Completion(
            id=f"{arm}.p{p}.d{d}", prompt_id=f"p{p}", category="health", model="m", arm=arm,
            seed=0 if arm == "base" else 1, draw=d, text=f"{arm} {p} {d}", finish_reason="stop",
            prompt_tokens=1, tokens=2,
        )
        for arm in arms for p in range(prompts) for d in range(draws(arm))
    ]  # fmt: skip


@pytest.fixture
def report_of(tmp_path: Path):
    """Put completions and ratings into the example study and build its report."""

    def build(rows: list[Completion], rate: Rate, raters: str = "abc") -> Report:
        shutil.copytree(EXAMPLE, tmp_path / "s", ignore=shutil.ignore_patterns("runs"))
        study = load_study(tmp_path / "s", preset="quick")
        name = study.config.models[0].name
        rows = [replace(row, model=name) for row in rows]
        step = sample_step(study, study.config.models[0])
        store.write_jsonl(step.folder / COMPLETIONS, rows)
        step.complete(Made([COMPLETIONS]))
        given = [(row, who, rate(row, who)) for row in rows for who in raters]
        ratings = [
            Rating(completion_id=row.id, rater=who, value=v)
            for row, who, v in given if v is not None
        ]  # fmt: skip
        folder = folders.ratings_folder(study)
        store.write_jsonl(folder / "ratings.jsonl", ratings)
        store.write_json(folder / "texts.json", {r.id: store.digest(r.text) for r in rows})
        return build_report(study)

    return build


def everything(report: Report) -> list[Estimate]:
    ratings = report.ratings
    return [
        *report.estimates,
        *([ratings.agreement] if ratings.agreement else []),
        *ratings.agreement_by,
        *(e for fit in ratings.mixed for e in (*fit.effects, fit.spread)),
    ]


def sound(report: Report) -> None:
    """What holds for every report, whatever went in."""
    for e in everything(report):
        assert e.p is None or e.p > 0.0
        assert (e.low is None) == (e.high is None)
        if e.low is not None and e.value is not None:
            assert e.low <= e.value <= e.high
        if e.value is None or e.verdict == "not computable":
            assert e.reason
            assert e.p is None
            assert e.low is None
        if e.verdict in ("shown", "worse"):
            assert e.p is not None
            assert e.low is not None
    assert not re.search(r"\b(nan|inf)\b", render(report, figures(report)).lower())


def primary(report: Report, measure: str = "rating") -> Estimate:
    (found,) = [
        e for e in report.estimates
        if (e.measure, e.contrast, e.category) == (measure, PRIMARY, "overall")
    ]  # fmt: skip
    return found


def headline(report: Report) -> tuple[str, str]:
    (found,) = [h for h in report.headlines if h.measure == "rating"]
    return found.verdict, found.sentence


def noise(seed: int = 0) -> Rate:
    rng = np.random.default_rng(seed)
    return lambda row, who: int(rng.integers(1, 6))


def test_an_arm_that_is_missing_is_said_first_of_all(report_of) -> None:
    report = report_of(completions(("base", "values_targeted")), noise())
    sound(report)
    assert primary(report).reason == "no values of control"
    verdict, sentence = headline(report)
    assert verdict == "not computable"
    assert "no values of control" in sentence


def test_unequal_draws_weigh_a_prompt_once(report_of) -> None:
    rows = completions(draws=lambda arm: 1 if arm == "control" else 3)
    # Draws of the values arm: 5, 2, 2 (mean 3) on even prompts, 4, 4, 4 on odd; control always 3.
    values = {0: (5, 2, 2), 1: (4, 4, 4)}
    report = report_of(
        rows,
        lambda row, who: (
            values[int(row.prompt_id[1:]) % 2][row.draw] if row.arm == "values_targeted" else 3
        ),
    )
    sound(report)
    assert primary(report).value == pytest.approx(0.5)  # 0 and 1 by turns, each prompt once


def test_all_ratings_equal(report_of) -> None:
    report = report_of(completions(), lambda row, who: 3)
    sound(report)
    tail = [e for e in report.estimates if e.measure == "rating/extreme answers"]
    assert {e.verdict for e in everything(report) if e not in tail} == {"not computable"}
    assert {e.value for e in tail} == {0.0}  # nobody rated 2 or lower: a share all the same
    assert headline(report)[0] == "not computable"
    assert report.ratings.agreement.reason == "all ratings are equal"


def test_ties_throughout(report_of) -> None:
    report = report_of(completions(), lambda row, who: 1 + int(row.prompt_id[1:]) % 5)
    sound(report)
    assert primary(report).verdict == "not computable"
    assert "all differences are zero" in primary(report).reason
    assert primary(report).p is None  # not 1
    tied = primary(report, "rating/probability of superiority")
    assert (tied.verdict, tied.low) == ("not computable", None)


def test_the_same_difference_everywhere_has_no_interval_and_is_not_shown(report_of) -> None:
    report = report_of(completions(), lambda row, who: 4 if row.arm == "values_targeted" else 3)
    sound(report)
    assert primary(report).verdict == "descriptive"
    assert "no interval" in headline(report)[1]


def test_one_rater(report_of) -> None:
    report = report_of(completions(), noise(1), raters="a")
    sound(report)
    assert report.ratings.agreement.value is None
    assert "two raters" in report.ratings.agreement.reason
    (fit,) = report.ratings.mixed
    assert "one rater" in fit.effects[0].reason
    assert fit.severities == ()


def test_one_prompt(report_of) -> None:
    report = report_of(completions(prompts=1), noise(2))
    sound(report)
    assert primary(report).verdict == "not computable"
    assert "one difference" in primary(report).reason
    assert primary(report).p is None


def test_arms_that_were_rated_on_different_prompts(report_of) -> None:
    report = report_of(
        completions(),
        lambda row, who: 3 if (int(row.prompt_id[1:]) < 4) == (row.arm == "control") else None,
    )
    sound(report)
    assert primary(report).reason.startswith("no prompt has values in both arms")


def test_one_value_of_all_that_were_planned(report_of) -> None:
    report = report_of(
        completions(), lambda row, who: 5 if row.id == "base.p0.d0" and who == "a" else None
    )
    sound(report)
    assert report.ratings.rated == 1
    assert "no values of" in primary(report).reason


def test_arms_that_different_people_rated_have_no_verdict(report_of) -> None:
    """A mild rater of one arm looks like an effect, however many prompts there are."""
    rng = np.random.default_rng(4)

    def rate(row: Completion, who: str) -> int | None:
        if (who == "c") != (row.arm == "values_targeted"):
            return None
        return int(rng.integers(4, 6)) if who == "c" else int(rng.integers(1, 3))

    report = report_of(completions(prompts=20), rate)
    sound(report)
    found = primary(report)
    assert (found.verdict, found.p) == ("descriptive", None)
    assert "no rater rated both arms" in headline(report)[1]


def test_few_raters_of_both_arms_are_a_caveat(report_of) -> None:
    rng = np.random.default_rng(5)

    def rate(row: Completion, who: str) -> int | None:
        if who != "a" and (who in "bc") != (row.arm == "values_targeted"):
            return None
        return int(rng.integers(3, 6)) if row.arm == "values_targeted" else int(rng.integers(1, 4))

    report = report_of(completions(prompts=20), rate, raters="abcde")
    assert "only 1 of 5 raters rated both arms" in primary(report).reason


def test_a_p_of_one_that_could_never_have_been_small_is_left_out(report_of) -> None:
    # Two prompts differ by +1, two by -1, the rest not at all: p could only be .125 or more.
    signs = (1, -1, 1, -1, 0, 0, 0, 0)
    report = report_of(
        completions(),
        lambda row, who: 3 + signs[int(row.prompt_id[1:])] * (row.arm == "values_targeted"),
    )
    (category,) = [
        e
        for e in report.estimates
        if (e.measure, e.contrast, e.category) == ("rating", PRIMARY, "health")
    ]
    assert (category.p, category.p_adjusted, category.verdict) == (None, None, "descriptive")
    assert "cannot fall below" in category.reason
