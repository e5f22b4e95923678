"""Votes, proposals, moderation, withdrawal: on records, and as files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from msgspec.structs import replace
from people import answers, consultation

from mores import load_study
from mores.consult import (
    Answers,
    Participant,
    Proposal,
    Statement,
    Vote,
    asked,
    moderated,
    open_now,
    proposed,
    read_answers,
    statements_of,
    voted,
    withdrawn,
    wording_of,
    write_answers,
)
from mores.consult.count import count_answers
from mores.errors import DataError

ASKED = consultation(2)
ANN = Answers(participants=(Participant(id="ann", joined="2026-01-01"),))


def vote(statement="s0", choice="agree", **given) -> Vote:
    return Vote(participant="ann", statement=statement, wording="", choice=choice, **given)


def proposal(name="x1", text="Ask the people themselves.", who="ann") -> Proposal:
    return Proposal(id=name, participant=who, text=text, about="care", time="2026-01-02")


def test_a_later_vote_replaces_an_earlier_one():
    found = voted(ANN, ASKED, vote(choice="agree", why="because"))
    found = voted(found, ASKED, vote("s1", "pass"))
    found = voted(found, ASKED, vote(choice="disagree"))
    assert [(v.statement, v.choice, v.why) for v in found.votes] == [
        ("s0", "disagree", ""),
        ("s1", "pass", ""),
    ]
    assert found.votes[0].wording == wording_of(ASKED.statements[0], ASKED.statements)


def test_a_vote_on_what_is_not_asked_any_more_is_refused_and_nothing_is_lost():
    gone = replace(
        ASKED, statements=(replace(ASKED.statements[0], withdrawn="unclear"), ASKED.statements[1])
    )
    with pytest.raises(DataError, match="withdrawn since it was shown: unclear"):
        voted(ANN, gone, vote())
    with pytest.raises(DataError, match="did you mean 's0'"):
        voted(ANN, ASKED, vote("s00"))
    shown = wording_of(ASKED.statements[0], ASKED.statements)
    other = replace(ASKED, statements=(replace(ASKED.statements[0], text="Otherwise."),))
    assert len(voted(ANN, ASKED, vote(), shown=shown).votes) == 1
    with pytest.raises(DataError, match="reworded since it was shown"):
        voted(ANN, other, vote(), shown=shown)


def test_who_is_not_there_or_has_withdrawn_cannot_vote():
    with pytest.raises(DataError, match="no such participant"):
        voted(Answers(), ASKED, vote())
    with pytest.raises(DataError, match="has withdrawn"):
        voted(withdrawn(ANN, "ann"), ASKED, vote())
    with pytest.raises(DataError, match="no such participant"):
        withdrawn(ANN, "bea")


def test_a_proposal_waits_is_accepted_and_then_asked():
    found = proposed(ANN, ASKED, replace(proposal(), state="accepted", moderator="herself"))
    assert (found.proposals[0].state, found.proposals[0].moderator) == ("pending", "")
    assert [s.id for s in statements_of(ASKED, found.proposals)] == ["s0", "s1"]
    with pytest.raises(DataError, match="not asked"):
        voted(found, ASKED, vote("x1"))
    found = moderated(found, "x1", "accepted", moderator="mo", decided="2026-01-03", about="")
    last = statements_of(ASKED, found.proposals)[-1]
    assert (last.id, last.kind, last.about) == ("x1", "proposal", "")
    assert voted(found, ASKED, vote("x1")).votes[0].choice == "agree"
    with pytest.raises(DataError, match="needs a reason"):
        moderated(found, "x1", "rejected", moderator="mo", decided="2026-01-04")
    found = moderated(found, "x1", "rejected", moderator="mo", decided="2026-01-04", reason="name")
    assert [s.id for s in statements_of(ASKED, found.proposals)] == ["s0", "s1"]
    with pytest.raises(DataError, match="'x2': no such proposal"):
        moderated(found, "x2", "accepted", moderator="mo", decided="2026-01-04")


def test_the_same_words_are_not_proposed_twice():
    with pytest.raises(DataError, match=r"'s1'.*asked already"):
        proposed(ANN, ASKED, proposal(text="STATEMENT  number 1."))
    with pytest.raises(DataError, match="id is taken"):
        proposed(ANN, ASKED, proposal(name="s0"))


def test_withdrawal_leaves_one_line():
    found = voted(ANN, ASKED, vote(why="my own words", quote=True))
    found = proposed(found, ASKED, proposal())
    found = replace(
        found, participants=(replace(found.participants[0], declared={"role": "nurse"}),)
    )
    assert withdrawn(found, "ann") == Answers(
        participants=(Participant(id="ann", joined="2026-01-01", withdrawn=True),)
    )


def test_rivals_are_asked_as_one_question_only():
    one = Statement(id="a", text="Help people.", about="care", kind="wording", against="b")
    other = Statement(id="b", text="Assist persons.", about="care", kind="wording")
    found = statements_of(consultation(rows=(one, other)), ())
    assert [s.id for s in found] == ["a"]
    assert asked([replace(one, withdrawn="no"), other]) == [other]


def test_files_hold_the_latest_votes_and_stay_out_of_a_repository(tiny_study):
    study = load_study(tiny_study)
    assert read_answers(study) == Answers()
    table = np.array([[1.0, -1.0], [0.0, np.nan]])
    made = answers(ASKED, table)
    again = replace(made.votes[0], choice="pass")
    folder = write_answers(study, replace(made, votes=(*made.votes, again)))
    assert read_answers(study) == replace(made, votes=(again, *made.votes[1:]))
    assert folder == tiny_study / "consult"
    assert (folder / ".gitignore").read_text().splitlines()[-1] == "*"
    assert json.loads((folder / "participants.jsonl").read_text().splitlines()[0])["id"] == "p0"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("votes.jsonl", '{"participant": "a"}\n', "votes.jsonl:1.*missing field"),
        ("participants.jsonl", '{"id":"a","joined":""}\n' * 2, "participants.jsonl:2.*line 1"),
        ("proposals.jsonl", "{", "proposals.jsonl:1.*not valid JSON"),
    ],
)
def test_a_damaged_file_is_named(tiny_study, name, text, said):
    (tiny_study / "consult").mkdir()
    (tiny_study / "consult" / name).write_text(text)
    with pytest.raises(DataError, match=f"(?s){said}"):
        read_answers(load_study(tiny_study))


def test_the_targets_are_written_down_once(tiny_study):
    study = load_study(tiny_study)
    first = open_now(study, replace(ASKED, invited=12), time="2026-01-01T08:00:00Z")
    later = open_now(study, replace(ASKED, invited=99), time="2026-02-01T08:00:00Z")
    assert later == first
    assert first.invited == 12


def test_what_does_not_count_is_set_apart_by_reason():
    made = answers(ASKED, np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, np.nan]]))
    stranger = replace(made.votes[0], participant="nobody")
    unknown = replace(made.votes[0], statement="s9")
    waiting = replace(made.votes[0], statement="x1")
    made = replace(
        withdrawn(made, "p2"),
        votes=(*made.votes, stranger, unknown, waiting),  # p2's, too: a backup played in later
        proposals=(proposal(who="p0"),),
    )
    now = replace(
        ASKED,
        statements=(
            replace(ASKED.statements[0], text="Reworded."),
            ASKED.statements[1],
        ),
    )
    found = count_answers(now, made)
    assert [(a.statement, a.why, a.votes) for a in found.apart] == [
        ("s0", "of no participant in participants.jsonl", 1),
        ("s0", "reworded since", 2),
        ("s9", "no such statement any more", 1),
        ("x1", "a proposal that is pending", 1),
    ]
    assert found.withdrew == 1
    assert found.silent == 0
    np.testing.assert_array_equal(found.table, [[np.nan, 1], [np.nan, -1]])


def test_votes_on_a_withdrawn_statement_are_named_with_its_reason():
    made = answers(ASKED, np.array([[1.0, 1.0]]))
    now = replace(
        ASKED, statements=(replace(ASKED.statements[0], withdrawn="unclear"), ASKED.statements[1])
    )
    found = count_answers(now, made)
    assert [(a.statement, a.why, a.votes) for a in found.apart] == [("s0", "withdrawn: unclear", 1)]
    assert [s.id for s in found.statements] == ["s1"]


@pytest.mark.parametrize(
    ("why", "said"), [("x" * 1_000_000, "length <= 4000"), ("\ud800", "half a character")]
)
def test_what_could_not_be_read_again_is_refused(why, said):
    with pytest.raises(DataError, match=said):
        voted(ANN, ASKED, vote(why=why))
    with pytest.raises(DataError, match=said):
        proposed(ANN, ASKED, proposal(text=why))
