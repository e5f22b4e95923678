"""A consultation on the desk: consent, votes, proposals, taking all back, answers as files."""

from __future__ import annotations

import pytest
from visitors import Desk

from mores.consult import read_answers

CONSULT = """
title = "How should it answer?"
intro = "We ask before we decide."
consent = "Answers are kept for a year."
retention = "Deleted on 1 January 2028."

[[questions]]
id = "who"
text = "Who are you?"
options = ["a clinician", "somebody else"]

[[statements]]
id = "s-care"
text = "It should always name a help line."
about = "care"

[[statements]]
id = "s-truth"
text = "It may say that it does not know."
about = "truth"
"""


@pytest.fixture
def asking(desk: Desk) -> Desk:
    (desk.folder / "consult.toml").write_text(CONSULT, "utf-8")
    return desk


def take_part(desk: Desk, **declared: str):
    me = desk.come("participant", "guest")
    sent = me.fill("/begin", "/begin", decision="agree", **declared)
    assert sent.headers["location"] == "/vote"
    return me


def answer(me, statement: str, choice: str, **more: str):
    return me.fill(
        f"/vote?statement={statement}", "/vote", statement=statement, choice=choice, **more
    )


def test_consent_votes_and_files(asking: Desk) -> None:
    me, olga = take_part(asking, q_who="a clinician"), asking.come("owner", "Olga")
    assert answer(me, "s-care", "agree", why="It saved me.", quote="yes").status_code == 303
    assert answer(me, "s-truth", "pass", why="Not for me to say.").status_code == 303
    assert me.get("/vote").headers["location"] == "/answers"
    assert answer(me, "s-truth", "disagree").status_code == 303  # changed: the later one counts
    done = olga.submit("/consult/write")
    assert done.headers["location"] == "/consult?written=1"
    told = read_answers(asking.site.shelf.content().study)
    assert [p.declared for p in told.participants] == [{"who": "a clinician"}]
    votes = {v.statement: (v.choice, v.why, v.quote) for v in told.votes}
    assert votes == {"s-care": ("agree", "It saved me.", True), "s-truth": ("disagree", "", False)}
    assert "How should it answer" not in olga.get("/desk").text
    assert olga.get("/consult").status_code == 200


def test_nothing_is_asked_before_consent(asking: Desk) -> None:
    me = asking.come("participant")
    assert me.get("/vote").status_code == 403
    refused = me.submit("/vote", choice="agree", statement="s-care", key="x", wording="y")
    assert refused.status_code == 403
    gone = me.fill("/begin", "/begin", decision="no")
    assert "Nothing of you is kept" in gone.text
    assert me.get("/begin").status_code == 401


@pytest.mark.parametrize("change", ["withdrawn", "reworded"])
def test_a_statement_that_changed_while_it_was_read(asking: Desk, change: str) -> None:
    me = take_part(asking)
    page = "/vote?statement=s-care"
    hidden = me.form(page, "/vote")
    old = 'text = "It should always name a help line."'
    new = old + '\nwithdrawn = "It was unclear."' if change == "withdrawn" else old[:-2] + ' now."'
    (asking.folder / "consult.toml").write_text(CONSULT.replace(old, new), "utf-8")
    sent = me.submit("/vote", {**hidden, "choice": "agree", "why": "A long thought."})
    assert sent.status_code == 409
    assert "This statement has changed" in sent.text
    assert "A long thought." in sent.text  # to be copied
    with asking.site.database.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM entry").scalar() == 0


def test_a_proposal_is_moderated_then_asked(asking: Desk) -> None:
    me, you, olga = take_part(asking), take_part(asking), asking.come("owner", "Olga")
    me.fill("/propose", "/propose", text="It should ask back.", about="care")
    assert "It should ask back." not in you.get("/answers").text
    waiting = olga.form("/consult", "/consult/moderate")
    silent = olga.submit("/consult/moderate", {**waiting, "state": "rejected", "text": ""})
    assert silent.status_code == 400  # a rejection needs a reason
    waiting = olga.form("/consult", "/consult/moderate")
    olga.submit("/consult/moderate", {**waiting, "state": "accepted", "about": "truth"})
    name = f"p-{waiting['proposal']}"
    assert answer(you, name, "agree").status_code == 303
    olga.submit("/consult/write")
    told = read_answers(asking.site.shelf.content().study)
    assert [(p.text, p.about, p.state, p.moderator) for p in told.proposals] == [
        ("It should ask back.", "truth", "accepted", "Olga")
    ]


def test_who_leaves_leaves_nothing(asking: Desk) -> None:
    me, olga = take_part(asking, q_who="somebody else"), asking.come("owner", "Olga")
    answer(me, "s-care", "agree", why="My words.", quote="yes")
    assert me.fill("/leave", "/leave").status_code == 200
    assert me.get("/vote").status_code == 401
    olga.submit("/consult/write")
    told = read_answers(asking.site.shelf.content().study)
    assert told.votes == ()
    assert [(p.withdrawn, p.declared) for p in told.participants] == [(True, {})]
    with asking.site.database.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM words").scalar() == 0
        assert tx.exec_driver_sql("SELECT count(*) FROM declared").scalar() == 0


def test_a_link_for_many_has_as_many_places(asking: Desk) -> None:
    link = asking.link("participant", "poster", places=2)
    first, second = (asking.come("participant", link=link) for _ in range(2))
    assert first.id != second.id
    full = asking.visitor().submit(f"/l/{link}")
    assert full.status_code == 403
    assert "All places are taken" in full.text


def test_an_option_that_was_not_offered(asking: Desk) -> None:
    me = asking.come("participant")
    assert me.fill("/begin", "/begin", decision="agree", q_who="a king").status_code == 400
    assert me.get("/vote").status_code == 403
