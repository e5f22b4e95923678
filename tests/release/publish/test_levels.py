"""Figures of one arm by itself, from a report with ratings, runs and models of several kinds."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[2] / "report"))

from report_builder import report as rich_report

from mores.records import Estimate
from mores.release.publish.level import levels_of
from mores.release.publish.printed import differences, levels, not_measured, places_of
from mores.release.publish.subject import Subject
from mores.study import load_study


@pytest.fixture
def what(tiny_study) -> Subject:
    made = datetime(2026, 1, 2, tzinfo=UTC)
    return Subject(load_study(tiny_study), rich_report(), "sha256:0", made)


def test_ratings_are_found_by_the_arms_label(what):
    report, (model,) = what.report, what.report.models
    arm = model.arms[1]
    rated = replace(
        report.ratings,
        ratings=9,
        means={"values_targeted-s1": 3.5, "base": None},
        answers={"values_targeted-s1": (4, 6), "base": (0, 6)},
    )
    one = Subject(what.study, replace(report, ratings=rated), "", what.made)
    (found,) = (x for x in levels_of(one, model, arm) if x.measure == "rating")
    assert (found.value, found.n, found.least, found.most) == (3.5, 4, 1.0, 5.0)
    assert not any(x.measure == "rating" for x in levels_of(one, model, model.arms[0]))
    several = replace(
        report,
        models=(model, replace(model, name="other")),
        ratings=replace(
            rated,
            means={"other values_targeted-s1": 2.0},
            answers={"other values_targeted-s1": (1, 6)},
        ),
    )
    two = Subject(what.study, several, "", what.made)
    assert [x.value for x in levels_of(two, several.models[1], arm) if x.measure == "rating"] == [2]
    assert not any(x.measure == "rating" for x in levels_of(two, model, arm))


def test_tables_of_an_arm_hold_it_and_base_only(what):
    report, (model,) = what.report, what.report.models
    sections = levels(report, model, model.arms[1])
    assert [heading for heading, _, _ in sections][:1] == ["Stance"]
    for _, head, rows in sections:
        place = list(head).index("Arm")
        assert {row[place] for row in rows} <= {"base", "values-targeted"}
        assert all(len(row) == len(head) for row in rows)


def test_what_cannot_be_computed_stands_there_with_its_reason(what):
    sections = differences(what.report, "smollm2-135m", "values_targeted")
    rows = [row for _, _, rows in sections for row in rows if row[7] == "not computable"]
    assert rows
    assert all((row[2], row[8]) == ("—", "all differences are zero") for row in rows)


def test_decimals_are_those_of_the_pages_tables(what):
    """One table: capability, whatever the task; a check or size by measure; else by contrast."""

    def wide(measure, contrast, half):
        return Estimate(
            measure=measure, contrast=contrast, category="overall", value=0.0, low=-half, high=half,
            n=9, unit="prompt", method="m",
        )  # fmt: skip

    a, b = "values_targeted - control", "values_targeted - base"
    own = (
        wide("capability:x", b, 0.05), wide("capability:y", b, 5e-4), wide("capability:z", b, 5e-4),
        wide("stance", a, 0.5), wide("stance", b, 0.005),
        wide("stance/Cohen's d", a, 0.5), wide("stance/Cohen's d", b, 0.5),
    )  # fmt: skip
    report = replace(what.report, estimates=own)
    places = places_of(report)
    # Two digits of the typical half width: .0005 → 5, .5 → 2, .005 → 4.
    assert [places[id(e)] for e in own] == [5, 5, 5, 2, 4, 2, 2]


def test_a_measure_without_results_is_listed_with_the_reports_reason(what):
    report, (model,) = what.report, what.report.models
    empty = replace(report, estimates=(), gates=(), cooccurrence=())
    said = not_measured(empty, model, model.arms[1])
    assert [line.partition(":")[0] for line in said] == [
        "Human ratings", "Stance", "Toxicity", "Coherence", "Capability",
        "Words that go with groups", "Do-no-harm gates",
    ]  # fmt: skip
    reasons = {m.what: m.why for m in report.missing}
    assert any(why in line for why in reasons.values() for line in said)
