"""From answers to the result: by hand, by position, kept until something changes."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from people import answers, consultation

from mores import load_study
from mores.consult import Question, Statement, consulted, open_now, withdrawn, write_answers
from mores.consult.analyse import analyse_answers
from mores.consult.in_words import set_apart, who_took_part
from mores.consult.run import RESULT
from mores.consult.start import start

ROLE = Question(id="role", text="What is your part?", options=("nurse", "lawyer"))
NAN = np.nan


def votes(nurses, lawyers):
    """One statement: (agree, disagree, pass) of nurses, then of lawyers."""
    rows = [v for group in (nurses, lawyers) for v in np.repeat([1.0, -1.0, 0.0], group)]
    declared = {i: {"role": "nurse" if i < sum(nurses) else "lawyer"} for i in range(len(rows))}
    return np.array(rows)[:, None], declared


def test_agreement_by_group_consensus_and_division_by_hand():
    table, declared = votes((19, 1, 0), (3, 14, 3))
    asked = consultation(1, questions=(ROLE,))
    result = analyse_answers(asked, answers(asked, table, declared), seed=1)
    row = result.statements[0]
    assert (row.total.n, row.total.agree, row.total.disagree, row.total.passed) == (40, 22, 15, 3)
    nurse, lawyer, silent = row.groups["role"]
    assert (nurse.n, nurse.support.value) == (20, 0.95)
    assert (lawyer.n, lawyer.support.value) == (20, 0.15)
    assert (silent.group, silent.n) == ("(not said)", 0)
    assert result.consensus[0].polis == pytest.approx(20 / 22 * 4 / 22)
    assert result.consensus[0].shown is False
    assert [(d.first, d.second, d.divides) for d in result.differences] == [
        ("nurse", "lawyer", True)
    ]
    assert result.differences[0].estimate.value == pytest.approx(0.8)
    assert result.groups.verdict == "too few"


def test_four_people_are_not_shown_in_any_place():
    asked = consultation(1, questions=(ROLE,))
    table, declared = votes((4, 0, 0), (0, 0, 0))
    made = answers(asked, table, declared, whys={(0, 0): ("because", True)})
    result = analyse_answers(asked, made, seed=1)
    assert result.participants == 4
    row = result.statements[0]
    assert row.total.n is None
    assert all(t.agree is None for t in row.groups["role"])
    assert row.objection.words == ""
    assert result.consensus == ()
    assert result.differences == ()


def test_who_withdraws_is_in_no_figure():
    asked = consultation(1, questions=(ROLE,))
    table, declared = votes((6, 1, 0), (0, 0, 0))
    made = answers(asked, table, declared, whys={(6, 0): ("my own words", True)})
    before = analyse_answers(asked, made, seed=1)
    after = analyse_answers(asked, withdrawn(made, "p6"), seed=1)
    assert (before.statements[0].total.disagree, before.statements[0].objection.words) == (
        1,
        "my own words",
    )
    assert (after.statements[0].total.disagree, after.statements[0].objection.words) == (0, "")
    assert (after.participants, after.withdrew) == (6, 1)
    assert "1 withdrew; nothing of them is in any figure" in who_took_part(after)


def test_positions_say_whether_they_were_asked_and_reworded(tiny_study):
    study = load_study(tiny_study)
    care = study.charter.position("care").statement
    rows = (
        Statement(id="a", text=care, about="care"),
        Statement(id="b", text="Beauty lies in one thing.", about="beauty"),
    )
    asked = consultation(rows=rows)
    table = np.array([[1.0, NAN]] * 5)
    result = analyse_answers(asked, answers(asked, table), charter=study.charter, seed=1)
    assert [(p.category, p.asked, p.reworded) for p in result.positions] == [
        ("care", True, False),
        ("beauty", False, False),
    ]
    table[:, 1] = 1
    result = analyse_answers(asked, answers(asked, table), charter=study.charter, seed=1)
    assert [p.reworded for p in result.positions] == [False, True]
    clause = replace(rows[0], text="do not blame them for what was done", kind="clause", clause=2)
    asked = consultation(rows=(clause,))
    result = analyse_answers(asked, answers(asked, table[:, :1]), charter=study.charter, seed=1)
    assert result.positions[0].reworded is False


@pytest.mark.parametrize(
    ("by", "open_link", "said"),
    [
        ("open link", True, ["Anybody with the link"]),
        ("invitation", False, ["People were invited"]),
        ("invitation", True, ["Anybody with the link", "People were invited"]),
        ("import", False, ["Votes were collected elsewhere"]),
    ],
)
def test_what_the_figures_do_not_say(by, open_link, said):
    asked = consultation(1, open_link=open_link)
    made = answers(asked, np.ones((5, 1)))
    made = replace(made, participants=tuple(replace(p, by=by) for p in made.participants))
    cautions = analyse_answers(asked, made, seed=1).cautions
    assert [c[: len(s)] for c, s in zip(cautions, said, strict=True)] == said
    assert all("public" in c for c in cautions)


def test_words_on_who_took_part():
    asked = consultation(2, invited=12)
    table = np.array([[1, 1], [1, NAN], [1, 1], [1, 1], [NAN, NAN], [1, 1.0]])
    made = answers(asked, table)
    result = analyse_answers(asked, made, seed=1)
    assert who_took_part(result) == (
        "5 people gave 9 votes (5 by invitation). 12 were invited: 42 % of them answered. "
        "1 agreed to take part and have no vote that counts."
    )
    gone = replace(asked, statements=asked.statements[:1])
    result = analyse_answers(gone, made, seed=1)
    assert list(set_apart(result)) == ["4 votes set apart (no such statement any more): on s1."]
    assert who_took_part(analyse_answers(asked, answers(asked, []), seed=1)) == (
        "Nobody has answered yet."
    )


def test_the_analysis_is_kept_until_an_answer_changes(tiny_study):
    study = load_study(tiny_study)
    assert consulted(study) is None
    start(study)
    from mores.consult import read_consultation

    asked = read_consultation(study)
    open_now(study, asked, time="2026-01-01T00:00:00Z")
    made = answers(asked, np.array([[1.0, -1.0]] * 6))
    write_answers(study, made)
    first = consulted(study)
    assert first.votes == 12
    path = study.run_folder / "consult" / RESULT
    written = path.stat().st_mtime_ns
    assert consulted(study) == first
    assert path.stat().st_mtime_ns == written
    write_answers(study, withdrawn(made, "p0"))
    assert consulted(study).votes == 10
