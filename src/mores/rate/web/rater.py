"""The rater's other pages: consent, stopping, the guess at the end, the debrief, settings."""

from __future__ import annotations

import random
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from mores.rate.db.progress import share_of_one
from mores.rate.db.raters import consent, decline
from mores.rate.db.tables import cues, item, rater
from mores.rate.db.tables import guess as guess_table
from mores.rate.db.work import answered, latest
from mores.rate.texts import paragraphs
from mores.rate.web.call import Call
from mores.rate.web.media import media_of
from mores.web.call import RefusedError, page, redirect
from mores.web.i18n import LANGUAGES
from mores.web.security import inner_path

GUESSES = 6
"""Outputs that a rater is asked about at the end."""
CHOICES = ("tuned", "untuned", "unsure")


def begin(call: Call) -> Response:
    """Consent, content notices, topics to leave out, voluntary questions."""
    if call.person.stage == "declined":
        return page(call, "stopped.html", declined=True, support=call.site.facts.texts.support)
    if call.person.stage != "invited":
        return redirect("/rate")
    facts = call.site.facts
    texts = facts.texts
    with call.site.database.read() as tx:
        items, minutes = share_of_one(tx, facts)
    return page(
        call,
        "consent.html",
        items=items,
        minutes=minutes,
        per_item=facts.rules.per_item,
        task=paragraphs(texts.task) or None,
        anchors=texts.scale,
        consent=paragraphs(texts.consent) or None,
        contact=texts.contact,
        categories=[
            {
                "id": position.category,
                "title": position.title,
                "notice": texts.notices.get(position.category, ""),
            }
            for position in facts.charter.positions
        ],
        groups=texts.groups,
        min_cell=facts.rules.min_cell,
        **call.study_texts,
    )


def consented(call: Call) -> Response:
    """Note the decision; the first item is held when the rater goes on."""
    decision = call.get("decision")
    if decision not in ("agree", "decline"):
        raise RefusedError("bad_form", 400)
    with call.site.database.write() as tx:
        if decision == "decline":
            decline(tx, call.person.id, call.now)
        else:
            groups = {
                name.removeprefix("group_"): values[-1]
                for name, values in call.form.items()
                if name.startswith("group_") and values[-1]
            }
            unwanted = tuple(call.form.get("opt_out", ()))
            consent(
                tx, call.person.id, call.site.facts, unwanted=unwanted, groups=groups, now=call.now
            )
    return redirect("/begin" if decision == "decline" else "/rate")


def stop(call: Call) -> Response:
    """Stop for now. Everything that was saved is kept; the same link goes on."""
    with call.site.database.write() as tx:
        tx.execute(rater.update().where(rater.c.id == call.person.id).values(seen=call.now))
    return redirect("/stopped")


def stopped(call: Call) -> Response:
    """Say that nothing is lost, how to come back, and where help is."""
    return page(call, "stopped.html", support=call.site.facts.texts.support)


def guess(call: Call) -> Response:
    """Ask which outputs the rater thinks were tuned: whether the blinding held."""
    if call.person.stage == "done":
        return redirect("/done")
    if call.person.stage != "guess":
        return redirect("/rate")
    with call.site.database.read() as tx:
        asked = _asked(tx, call)
        media = media_of(tx, [row.id for row in asked])
        return page(call, "guess.html", items=asked, media=media)


def _asked(tx: sa.Connection, call: Call) -> list[Any]:
    """Some of the study items that this rater rated, the same ones at each look."""
    mine = [e.item for e in latest(tx, call.person.id) if e.kind == "rate"]
    query = sa.select(item).where(item.c.id.in_(mine), item.c.kind == "study").order_by(item.c.id)
    rows = list(tx.execute(query))
    draw = random.Random(f"guess/{call.site.facts.seed}/{call.person.number}")  # noqa: S311
    return draw.sample(rows, min(GUESSES, len(rows)))


def guessed(call: Call) -> Response:
    """Keep the guesses, once."""
    if call.person.stage == "done":
        return redirect("/done")
    if call.person.stage != "guess":
        raise RefusedError("not_allowed", 403)
    text = call.get("cues").strip()[:4000].replace("\x00", "\ufffd")
    with call.site.database.write() as tx:
        me = rater.c.id == call.person.id
        moved = tx.execute(rater.update().where(me, rater.c.stage == "guess").values(stage="done"))
        if moved.rowcount:
            for row in _asked(tx, call):
                choice = call.get(f"guess_{row.id}")
                if choice in CHOICES:
                    values = {"rater": call.person.id, "item": row.id, "answer": choice}
                    tx.execute(guess_table.insert().values(**values))
            if text:
                tx.execute(cues.insert().values(rater=call.person.id, text=text))
    return redirect("/done")


def done(call: Call) -> Response:
    """Thank, explain, point to help, give the panel's code."""
    if call.person.stage != "done":
        return redirect("/rate")
    texts = call.site.facts.texts
    with call.site.database.read() as tx:
        rated = answered(tx, call.person.id)
    completion = None
    if texts.completion_code or texts.completion_url:
        completion = {"code": texts.completion_code, "url": texts.completion_url}
    return page(
        call,
        "done.html",
        debrief=paragraphs(texts.debrief) or None,
        rated=rated,
        completion=completion,
        **call.study_texts,
    )


def settings(call: Call) -> Response:
    """Language and keyboard shortcuts, kept with the rater."""
    values: dict[str, Any] = {}
    if call.get("language") in {one.tag for one in LANGUAGES}:
        values["language"] = call.get("language")
    if call.get("keys") in ("on", "off"):
        values["keys"] = int(call.get("keys") == "on")
    if values:
        with call.site.database.write() as tx:
            tx.execute(rater.update().where(rater.c.id == call.person.id).values(**values))
    return redirect(inner_path(call.get("back"), "/rate"))
