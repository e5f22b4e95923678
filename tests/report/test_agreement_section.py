"""Scorers side by side on the page: agreement with its interval, coverage, warnings."""

import pytest
from msgspec.structs import replace
from report_builder import bare

from mores.measure.toxicity.summary import Judged, summarise
from mores.records import Completion, Score
from mores.report.page import render

VALUES = [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.15, 0.6]


def completion(i):
    return Completion(
        id=f"c{i}",
        prompt_id=f"p{i // 2}",
        category="care",
        model="m",
        arm="base",
        seed=0,
        draw=i % 2,
        text="x",
        finish_reason="stop",
        prompt_tokens=1,
        tokens=1,
    )


def score(i, value, scorer):
    return Score(
        completion_id=f"c{i}",
        scorer=scorer,
        version="1",
        digest="d",
        attribute="toxicity",
        value=value,
        reason="" if value is not None else "too long",
    )


def test_agreement_and_coverage_are_on_the_page():
    completions = [completion(i) for i in range(8)]
    first = [score(i, v, "a") for i, v in enumerate(VALUES)]
    second = [score(i, None if i == 0 else v, "b") for i, v in enumerate(VALUES)]
    summary = summarise(
        "m",
        completions,
        [Judged("a", "note a", 0.5, first), Judged("b", "note b", 0.5, second)],
        seed=1,
    )
    html = render(replace(bare(), scorers=(summary,)), {})
    assert "Do the scorers agree?" in html
    assert "7 answers scored by both, 1 by the first alone, 0 by the second alone" in html
    assert summary.agreement[0].spearman.value == pytest.approx(1.0)
    assert all(line in html for line in summary.warnings)


def test_one_scorer_has_nothing_to_agree_with():
    assert "Do the scorers agree" not in render(bare(), {})
