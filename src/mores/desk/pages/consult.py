"""Pages for participants of a consultation: consent, one statement after the other, the way out."""

from __future__ import annotations

from dataclasses import replace as with_
from typing import Any

from starlette.responses import Response

from mores.consult import Consultation, Statement, open_now, read_consultation, wording_of
from mores.desk import people, votes
from mores.desk.call import Call
from mores.desk.pages.owner import forget_copies
from mores.desk.tables import declared, person
from mores.web import audit
from mores.web.call import RefusedError, page, redirect
from mores.web.links import Who

CHOICES = ("agree", "disagree", "pass")
MOST_WORDS = 4000
MOST_PROPOSALS = 20
"""Statements that one person may propose."""


def begin(call: Call) -> Response:
    """Say what this is, who keeps what, and ask for consent."""
    asked = consultation(call)
    if call.person.consented is not None:
        return redirect("/vote")
    return page(call, "begin.html", asked=asked, texts_lang=asked.language)


def consented(call: Call) -> Response:
    """Note consent and what people declare of themselves, all of it voluntary."""
    asked = consultation(call)
    if call.get("decision") != "agree":  # the link works again, for whoever thinks better of it
        with call.site.database.write() as tx:
            people.sign_out(tx, call.cookie)
        gone = with_(call, who=Who("public", "", None))
        return page(gone, "gone.html", asked=asked, declined=True, texts_lang=asked.language)
    # Targets count as stated beforehand only if they stand before the first answer.
    open_now(call.content.study, asked, time=votes.when(call.now))
    with call.site.database.write() as tx:
        for question in asked.questions:
            answer = call.get(f"q_{question.id}")
            if answer and answer not in question.options:
                raise RefusedError("bad_form", 400)
            mine = (declared.c.person == call.person.id) & (declared.c.question == question.id)
            tx.execute(declared.delete().where(mine))
            if answer:
                row = {"person": call.person.id, "question": question.id, "answer": answer}
                tx.execute(declared.insert().values(**row))
        me = person.c.id == call.person.id
        tx.execute(person.update().where(me).values(consented=call.now))
        audit.append(tx, now=call.now, actor=call.person.id, action="consent")
    return redirect("/vote")


def vote(call: Call) -> Response:
    """One statement: the one that was asked for, or the next without an answer."""
    asked = _present(call)
    with call.site.database.read() as tx:
        found = votes.questions_for(asked, votes.proposals_of(tx), call.person.id)
        mine = votes.own_votes(tx, call.person.id, found, asked)
    wanted = call.query.get("statement", "")
    chosen = next((s for s in found if s.id == wanted), None)
    chosen = chosen or next((s for s in found if s.id not in mine), None)
    if chosen is None:
        return redirect("/answers")
    return _statement(call, asked, chosen, mine.get(chosen.id), len(found), len(mine))


def voted(call: Call) -> Response:
    """Keep an answer to the words that were on the page."""
    asked = _present(call)
    choice, why = call.get("choice"), call.get("why").strip()
    if choice not in CHOICES or len(why) > MOST_WORDS:
        raise RefusedError("bad_form", 400)
    with call.site.database.read() as tx:
        found = votes.questions_for(asked, votes.proposals_of(tx), call.person.id)
    chosen = next((s for s in found if s.id == call.get("statement")), None)
    if chosen is None or wording_of(chosen, asked.statements) != call.get("wording"):
        raise RefusedError("moved_on", 409, form=call.form)
    call.save(
        "vote",
        chosen.id,
        why,
        value=choice,
        digest=call.get("wording"),
        may_quote=bool(why) and call.get("quote") == "yes",
    )
    return redirect("/vote?saved=1")


def answers(call: Call) -> Response:
    """What somebody has answered so far, to be changed."""
    asked = _present(call)
    with call.site.database.read() as tx:
        proposals = votes.proposals_of(tx)
        found = votes.questions_for(asked, proposals, call.person.id)
        mine = votes.own_votes(tx, call.person.id, found, asked)
    own = [p for p in proposals if p.participant == call.person.id]
    return page(
        call,
        "answers.html",
        asked=asked,
        found=found,
        mine=mine,
        own=own,
        left=sum(s.id not in mine for s in found),
        texts_lang=asked.language,
    )


def propose(call: Call) -> Response:
    """An empty form for a statement of one's own."""
    asked = _present(call)
    return page(call, "propose.html", asked=asked, key=call.key, categories=_positions(call))


def proposed(call: Call) -> Response:
    """Keep a proposal, which a moderator reads before others see it."""
    asked = _present(call)
    text, about = call.get("text").strip(), call.get("about")
    if not 3 <= len(text) <= 600 or about not in ("", *call.content.study.charter.categories):
        raise RefusedError("bad_form", 400, form=call.form)
    with call.site.database.read() as tx:
        own = [p for p in votes.proposals_of(tx) if p.participant == call.person.id]
        known = [s.text.casefold() for s in votes.questions_for(asked, votes.proposals_of(tx), "")]
    if len(own) >= MOST_PROPOSALS or text.casefold() in known:
        raise RefusedError("refused", 400, "This is asked already, or these are many proposals.")
    call.save("proposal", about or "-", text)
    return redirect("/answers?saved=1")


def leave(call: Call) -> Response:
    """Say what leaving means."""
    return page(call, "leave.html")


def left(call: Call) -> Response:
    """Take everything back."""
    asked = consultation(call)
    with call.site.database.write() as tx:
        people.forget(tx, call.person.id, now=call.now, actor=call.person.id)
    forget_copies(call.site, call.now)
    gone = with_(call, who=Who("public", "", None))
    return page(gone, "gone.html", asked=asked, declined=False, texts_lang=asked.language)


# Pieces ------------------------------------------------------------------------------------


def consultation(call: Call) -> Consultation:
    """What people are asked.

    Raises:
        RefusedError: nobody is asked anything in this study.
    """
    found = read_consultation(call.content.study)
    if found is None:
        raise RefusedError("refused", 404, "consult.toml is missing: `mores consult start`")
    return found


def _present(call: Call) -> Consultation:
    if call.person.consented is None:
        raise RefusedError("not_allowed", 403, form=call.form)
    return consultation(call)


def _positions(call: Call) -> Any:
    return call.content.study.charter.positions


def _statement(
    call: Call, asked: Consultation, chosen: Statement, last: Any, total: int, done: int
) -> Response:
    charter = call.content.study.charter
    rival = next((s for s in asked.statements if s.id == chosen.against), None)
    return page(
        call,
        "vote.html",
        asked=asked,
        statement=chosen,
        rival=rival,
        wording=wording_of(chosen, asked.statements),
        position=charter.position(chosen.about) if chosen.about in charter.categories else None,
        last=last,
        total=total,
        done=done,
        key=call.key,
        saved="saved" in call.query,
        choices=CHOICES,
        texts_lang=chosen.language or asked.language,
    )
