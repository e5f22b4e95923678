"""The page on the sealed plan and the rounds: a seal, its deviations, and looks at test prompts."""

from msgspec.structs import replace
from report_builder import bare

from mores.plan.seal import SealStatus
from mores.report.model import Answer, Question
from mores.report.page import render
from mores.report.run import report
from mores.study.rounds import Round, history


def section(report):
    html = render(report, {})
    return html.split('id="plan"')[1].split('id="missing"')[0]


def sealed(*deviations):
    return SealStatus(
        sealed="2026-11-22T12:00:00Z",
        digest="sha256:" + "a" * 64,
        primary="values_targeted - control",
        intact=True,
        deviations=deviations,
    )


def round_(number, values):
    return Round(
        number=number,
        preset="quick",
        values="sha256:" + values * 64,
        control="sha256:c",
        prompts="sha256:p",
        samples=80,
        verdicts={"rating": "not shown"},
    )


def test_without_a_seal_the_page_says_what_that_means():
    text = section(bare())
    assert "No plan was sealed" in text
    assert "have been put to these test prompts" not in text


def test_a_seal_without_deviation():
    text = section(replace(bare(), sealed=sealed()))
    assert "sealed on 2026-11-22T12:00:00Z" in text
    assert "does not deviate" in text


def test_every_deviation_is_listed_and_escaped():
    text = section(replace(bare(), sealed=sealed("setting x: sealed 1, now <b>2</b>")))
    assert "deviates from its sealed plan in 1 point" in text
    assert "now &lt;b&gt;2&lt;/b&gt;" in text


def test_a_second_look_is_warned_of():
    text = section(replace(bare(), rounds=(round_(1, "a"), round_(2, "b")), looks=2))
    assert "2 versions of the samples have been put to these test prompts" in text
    assert "aaaaaaaaaaaa" in text
    assert "rating: not shown" in text


def test_writing_a_report_is_a_round(monkeypatch, tiny_study):
    from mores.study import load_study

    study = load_study(tiny_study)
    monkeypatch.setattr("mores.report.run.build_report", lambda _: bare())
    assert report(study).report.rounds == ()  # nothing was answered: nobody has looked
    answer = Answer(
        id="a", model="m", arm="base", draw=0, text="Yes.", finish_reason="stop", flags=(),
        scores={}, ratings=(),
    )  # fmt: skip
    asked = Question(id="q", category="care", kind="neutral", text="Why?", answers=(answer,))
    answered = replace(bare(), questions=(asked,))
    monkeypatch.setattr("mores.report.run.build_report", lambda _: answered)
    written = report(study).report
    assert [r.number for r in written.rounds] == [1]
    assert written.looks == 1
    assert history(study) == list(written.rounds)
