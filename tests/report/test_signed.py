"""What the report says of signatures and of who answers for a position."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import report_builder
from msgspec.structs import replace

from mores.records import Accountable
from mores.report.page import render
from mores.report.signed import Signed, signed
from mores.study import load_study
from mores.study.signoff import sign

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def section(report) -> str:
    page = render(report, {})
    text = page[page.index('<section id="charter"') : page.index('<section id="stance"')]
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_counts_objections_and_faults(tiny_study):
    study = load_study(tiny_study)
    common = {"role": "lawyer", "checked": "all", "now": NOW}
    sign(study, ["positions"], by="Ada", **common)
    sign(study, ["v-00"], by="Ben", decision="object", reason="<b>no</b>", **common)
    path = tiny_study / "signatures.jsonl"
    path.write_text(path.read_text("utf-8").replace('"Ada"', '"Eve"', 1), encoding="utf-8")
    found = signed(study)
    assert [c.line for c in found.counts[:2]] == [
        "1 of 2 positions signed by 1 person (1 lawyer)",
        "0 of 8 samples signed, 1 objected to",
    ]
    assert found.objections == ("values:v-00: Ben (lawyer) objects: <b>no</b>",)
    assert found.faults == 1
    text = section(replace(report_builder.report(), signoff=found))
    assert "1 of 2 positions signed by 1 person (1 lawyer) 0 of 8 samples signed" in text
    assert "Objections that stand: values:v-00: Ben (lawyer) objects: &lt;b&gt;no&lt;/b&gt;" in text
    assert "1 line of signatures.jsonl count for nothing" in text


def test_where_nobody_has_signed_it_says_so(tiny_study):
    report = replace(report_builder.report(), signoff=signed(load_study(tiny_study)))
    assert "Nobody has signed any part of this study" in section(report)
    earlier = section(replace(report, signoff=Signed()))  # a report of before there were signatures
    assert "signed" not in earlier


def test_who_answers_for_each_position():
    report = report_builder.report()
    first, second, *rest = report.charter.positions
    positions = (
        replace(first, accountable=Accountable(who="The lead", contact="lead@example.org")),
        replace(second, accountable=Accountable(nobody="an example")),
        *rest,
    )
    text = section(replace(report, charter=replace(report.charter, positions=positions)))
    assert "Who answers for it: The lead, lead@example.org." in text
    assert "Who answers for it: nobody (an example)." in text
    assert text.count("Who answers for it: not said.") == len(rest)
