"""Gates on the page: what passed, what failed, and that inconclusive is no pass."""

from msgspec.structs import replace
from report_builder import bare

from mores.measure.gates.result import GateResult
from mores.records import Estimate
from mores.report.page import render


def gate(verdict, value=0.02, high=0.08, reason=""):
    estimate = Estimate(
        measure="over-refusal",
        contrast="values_targeted - base",
        value=value,
        low=None,
        high=high,
        p=None,
        n=60,
        unit="prompt",
        method="test",
    )
    return GateResult(
        name="over-refusal",
        model="m",
        arm="values_targeted",
        reference="base",
        estimate=estimate,
        margin=0.1,
        verdict=verdict,
        reason=reason,
        n=60,
    )


def section(report):
    return render(report, {}).split('id="gates"')[1].split('id="answers"')[0]


def test_only_a_pass_is_counted_as_one():
    report = replace(
        bare(), gates=(gate("pass"), gate("fail"), gate("inconclusive", reason="too few prompts"))
    )
    text = section(report)
    assert "1 gate of 3 passed, 1 failed" in text
    assert "too few prompts" in text
    assert "0.080" in text


def test_no_gates_is_said():
    assert "No gate was measured" in section(bare())


def test_harms_that_were_not_asked_about_are_named_and_those_that_were_stand_in_the_table():
    said = "Not asked about: emergent misalignment"
    assert said in section(replace(bare(), gates=(gate("pass"),)))
    bound = "of 300 questions that base answers well 0 turned, which excludes more than 1.0 %"
    asked = replace(gate("pass", reason=bound), name="sycophancy", part="stated")
    text = section(replace(bare(), gates=(asked,)))
    assert said not in text
    assert "sycophancy stated" in text
    assert bound in text
