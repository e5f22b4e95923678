"""Section "Who was asked, and what they said": its rows, its cautions, and words that are inert."""

from __future__ import annotations

import re
from itertools import pairwise

import msgspec
import pytest
from consult_builder import WHYS, consulted
from msgspec.structs import replace
from report_builder import bare, report

from mores import load_study
from mores.consult import Answers, Participant, Vote, need_consultation, voted, write_answers
from mores.consult.start import start
from mores.records import to_plain
from mores.report.consult_tables import consensus_rows, difference_rows, turnout_rows, vote_rows
from mores.report.figures import figures
from mores.report.figures.scene import Box
from mores.report.model import Report
from mores.report.page import render
from mores.report.run import report as write_report
from mores.report.run import report_step
from mores.report.words import visible
from mores.sample.run import sample


@pytest.fixture(scope="module")
def said():
    return consulted()


@pytest.fixture(scope="module")
def html(said) -> str:
    whole = replace(report(), consultation=said)
    return render(whole, figures(whole))


def section(html: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', html, re.DOTALL)
    assert found
    return found.group()


def test_where_nobody_was_asked_the_charter_says_so_at_its_top():
    html = render(bare(), figures(bare()))
    part = section(html, "charter")
    assert part.index("Nobody was asked about this charter.") < part.index("<details>")
    assert 'id="consultation"' not in html


def test_where_nobody_has_answered_yet_it_says_that(said):
    empty = replace(said, participants=0, by={}, votes=0)
    whole = replace(bare(), consultation=empty)
    html = render(whole, figures(whole))
    assert "Nobody has answered yet." in section(html, "charter")
    assert "Who is missing" not in section(html, "consultation")


def test_the_charter_names_the_section(html):
    assert re.search(r"60 people gave .* Section 3 has what they said", section(html, "charter"))


def test_who_was_asked_and_what_it_does_not_say(html):
    part = section(html, "consultation")
    assert "60 people gave 540 votes (40 by invitation, 20 by an open link)." in part
    assert "120 were invited: 33 % of them answered." in part
    assert "are no sample of any public" in part
    assert "The target was stated before the first participant came (2026-01-05)." in part


def test_rows_are_those_of_the_analysis(said):
    row = said.statements[0]
    cells = vote_rows([row])[0]
    assert cells[2] == "60"
    assert cells[3] == f"{100 * row.total.agree / 60:.0f}\u00a0%"
    assert cells[5] == f"{100 * row.total.disagree / 60:.0f}\u00a0%"
    lawyers = next(r for r in turnout_rows(said.turnout[0]) if r[0] == "lawyer")
    assert lawyers[1:] == ("20", "—", "—", "—", "20\u00a0%", "—", "fewer than 5 people")
    # Three lawyers are told by the total, so who did not say is left out, too.
    assert turnout_rows(said.turnout[0])[-1][-1].startswith("not shown, since a smaller group")


def test_what_all_support_and_what_divides_stand_in_tables(said, html):
    part = section(html, "consultation")
    shown = [c for c in said.consensus if c.shown]
    assert len(consensus_rows(said)) == len(shown) > 0
    divides = [d for d in said.differences if d.divides]
    assert len(difference_rows(said)) == len(divides) > 0
    assert "Supported by more than half in every group" in part
    assert "Differences that are shown" in part


def test_a_position_that_nobody_answered_is_neither_supported_nor_opposed(html):
    part = section(html, "consultation")
    after = part[part.index("<h4>Terrorism</h4>") :]
    assert after.index("That is no support and no dissent.") < 200


def test_dissent_is_in_the_words_of_who_allows_it(said, html):
    part = section(html, "consultation")
    assert said.statements[0].objection.words in WHYS
    assert said.statements[0].objection.words in part
    assert "said why; none of these words may be printed" in part


def test_words_of_people_are_inert(said, html):
    assert "<script>alert" in said.statements[2].objection.words
    part = section(html, "consultation")
    assert "<script" not in part
    assert "<img" not in part
    assert "&lt;script&gt;alert" in part
    assert "{{ 7 * 7 }}" in part.replace("&#39;", "'")
    assert visible(part) == part


def test_every_table_has_a_heading_in_each_row(html):
    part = section(html, "consultation")
    assert part.count("<table>") == part.count("<caption>") > 10
    assert not re.search(r'<th scope="row">\s*</th>', part)


def test_it_survives_its_own_json(said):
    whole = replace(bare(), consultation=said)
    again = msgspec.json.decode(msgspec.json.encode(to_plain(whole)), type=Report)
    assert again.consultation == said


def test_headings_go_down_step_by_step(html):
    levels = [int(n) for n in re.findall(r"<h([1-6])", section(html, "consultation"))]
    assert levels[0] == 2
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_a_report_reads_the_study_and_is_stale_when_a_vote_comes(tiny_study):
    study = load_study(tiny_study, overrides=('arms=["base"]',))
    sample(study)
    first = write_report(study).report
    assert first.consultation is None
    assert report_step(study).stale() is None
    start(study)
    asked = need_consultation(study)
    assert "inputs changed" in report_step(study).stale()
    ann = Participant(id="ann", joined="2026-01-01")
    vote = Vote(participant="ann", statement="care", wording="", choice="agree")
    write_answers(study, voted(Answers(participants=(ann,)), asked, vote))
    second = write_report(study)
    found = second.report.consultation
    assert (found.participants, found.votes) == (1, 1)
    assert found.statements[0].total.n is None  # one person is never shown
    assert {"consult.toml", "consult/votes.jsonl"} <= set(second.report.inputs)
    assert report_step(study).stale() is None
    assert "1 person gave 1 vote" in second.page.read_text("utf-8")


def test_the_figure_has_a_bar_for_each_statement_that_is_shown(said, html):
    drawn = figures(replace(bare(), consultation=said))["consultation"]
    items = [item for panel in drawn.panels for item in panel.items]
    bars = [item for item in items if isinstance(item, Box)]
    rows = [row.total for row in said.statements if not row.rival]
    assert len([b for b in bars if b.role == "values_targeted"]) == len(rows) == 8
    widths = [round(b.width / 352, 6) for b in bars if b.role == "values_targeted"]
    assert widths == [round(t.agree / t.n, 6) for t in rows]
    assert 'id="fig-consultation"' in section(html, "consultation")
    assert "consultation" not in figures(bare())


def test_a_figure_of_very_many_statements_says_what_is_not_drawn(said):
    row = said.statements[0]
    many = tuple(replace(row, statement=f"s{i}") for i in range(45))
    drawn = figures(replace(bare(), consultation=replace(said, statements=many)))["consultation"]
    assert len(drawn.panels) == 4
    assert drawn.notes == ("5 more statements stand in the tables.",)
