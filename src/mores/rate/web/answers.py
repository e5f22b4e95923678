"""The pages on which items are rated. GET shows what is held; only POST claims or saves."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from mores.rate.db import work
from mores.rate.db.claims import DAY, claim_next, held, in_range, why_none
from mores.rate.db.progress import rater_progress
from mores.rate.db.raters import whose
from mores.rate.db.tables import expected, item, rater, remark, slot
from mores.rate.db.work import Answer, NotYoursError, StaleError, WorkError
from mores.rate.model import CANNOT_REASONS, SKIP_REASONS
from mores.rate.web.call import Call
from mores.rate.web.media import media_of
from mores.web.call import RefusedError, page, redirect

ENDS = {
    "invited": "/begin",
    "declined": "/begin",
    "guess": "/guess",
    "done": "/done",
}


def rate(call: Call) -> Response:
    """Show the item that is held, or what there is instead."""
    me = call.person
    if me.stage in ENDS:
        return redirect(ENDS[me.stage])
    facts = call.site.facts
    with call.site.database.read() as tx:
        now_held = held(tx, me.id)
        if now_held is not None:
            context = _context(tx, call, now_held.item)
            saved = call.query.get("saved") == "1"
            return page(call, "item.html", **context, conflict=None, saved=saved)
        why = why_none(tx, me.id, call.now, facts.rules)
        so_far = rater_progress(tx, me.id)
    return _nothing_held(call, why, so_far.done)


def _nothing_held(call: Call, why: str, done: int) -> Response:
    support = call.site.facts.texts.support
    if why == "gate":
        return page(call, "gated.html", support=support)
    if why == "break":
        return page(call, "break.html", done_today=done, support=support)
    if why == "cap":
        tomorrow = call.now - call.now % DAY + DAY
        return page(call, "cap.html", tomorrow=tomorrow, support=support)
    if why == "waiting":
        return page(call, "waiting.html")
    return page(call, "continue.html", why=why)


def answered(call: Call) -> Response:
    """Keep an answer and hold the next item, both in one write."""
    me = call.person
    answer = _answer(call)
    try:
        with call.site.database.write() as tx:
            again = whose(tx, call.cookie, call.now)  # revoked while the form was under way?
            if again is None or again.person is None or again.person.id != me.id:
                raise RefusedError("not_signed_in", 401)
            saved = work.submit(tx, me.id, answer, call.now)
            if not saved.practice:
                _next(tx, call)
    except StaleError as stale:
        return _conflict(call, answer, stale.current)
    if saved.practice:
        return redirect(f"/feedback/{saved.item}")
    with call.site.database.read() as tx:
        stage = tx.execute(sa.select(rater.c.stage).where(rater.c.id == me.id)).scalar()
    return redirect("/guess" if stage == "guess" else "/rate?saved=1")


def go_on(call: Call) -> Response:
    """Hold the next item: at the start, after a break, after practice feedback."""
    with call.site.database.write() as tx:
        _next(tx, call, rested=call.person.notice == "break")
    return redirect("/rate")


def _next(tx: sa.Connection, call: Call, *, rested: bool = False) -> None:
    facts = call.site.facts
    if call.person.stage == "declined":  # second thoughts: back to the consent page
        mine = rater.c.id == call.person.id
        tx.execute(rater.update().where(mine).values(stage="invited"))
    if call.person.stage in ("practice", "rating"):
        claim_next(
            tx,
            call.person.id,
            call.now,
            facts.rules,
            rested=rested,
            practice_pass=facts.texts.practice_pass,
        )


def change(call: Call) -> Response:
    """Show an answer that this rater gave, to be changed."""
    name = call.params["item"]
    with call.site.database.read() as tx:
        last = work.current(tx, call.person.id, name)
        if last is None or last.kind not in ("rate", "cannot") or call.person.stage == "gated":
            raise NotYoursError("no such answer")
        context = _context(tx, call, name, stage="change", last=last)
    return page(call, "item.html", **context, conflict=None, saved=False)


def feedback(call: Call) -> Response:
    """Show what would have been expected of a practice item."""
    name = call.params["item"]
    with call.site.database.read() as tx:
        last = work.current(tx, call.person.id, name)
        row = tx.execute(
            sa.select(item, expected)
            .join(expected, expected.c.item == item.c.id)
            .where(item.c.id == name, item.c.kind == "practice")
        ).first()
        if last is None or row is None:
            raise NotYoursError("no such answer")
        right = in_range(tx, last)
        remaining = tx.execute(
            sa.select(sa.func.count())
            .select_from(slot.join(item, item.c.id == slot.c.item))
            .where(slot.c.rater == call.person.id, slot.c.done == 0, item.c.kind == "practice")
        ).scalar_one()
    return page(
        call,
        "feedback.html",
        item=_item(call, row),
        statement_lang=call.site.facts.charter.language,
        texts_lang=call.site.facts.texts.language,
        given=_given(last),
        low=row.low,
        high=row.high,
        cannot=bool(row.cannot),
        right=right,
        feedback=row.feedback,
        remaining=remaining,
    )


def _conflict(call: Call, answer: Answer, kept: Any) -> Response:
    """Both answers on one page; nothing typed is lost, and the next sending replaces."""
    with call.site.database.read() as tx:
        if kept is None or kept.kind not in ("rate", "cannot"):
            raise RefusedError("not_found", 404)
        context = _context(tx, call, answer.item, stage="change", last=kept)
    yours = {
        "answer": str(answer.value) if answer.kind == "rate" else answer.kind,
        "cannot_reason": answer.reason if answer.kind == "cannot" else "",
        "skip_reason": answer.reason if answer.kind == "skip" else "",
        "remark": answer.remark,
        "flagged": answer.flagged,
    }
    conflict = {"kept": {"answer": _given(kept), "at": kept.at}, "yours": yours}
    return page(call, "item.html", 409, **context, conflict=conflict, saved=False)


def _answer(call: Call) -> Answer:
    chosen = call.get("answer")
    kind, value, reason = "rate", None, ""
    if chosen in ("cannot", "skip"):
        kind, reason = chosen, call.get(f"{chosen}_reason")
    elif chosen in ("1", "2", "3", "4", "5"):
        value = int(chosen)
    else:
        raise WorkError("choose an answer")
    revision = call.get("revision")
    if not revision.isascii() or not revision.isdecimal() or len(revision) > 6:
        raise WorkError("the form is incomplete")
    text = call.get("remark").strip()
    if len(text) > 4000:
        raise RefusedError("too_large", 413)
    key, item_id = call.get("key"), call.get("item")
    if not key.startswith(_tag(call.person.id, item_id)):
        raise RefusedError("not_found", 404)
    return Answer(
        key=key,
        item=item_id,
        revision=int(revision),
        kind=kind,  # type: ignore[arg-type]
        value=value,
        reason=reason,
        flagged=call.get("flag") == "yes",
        remark=text.replace("\x00", "\ufffd"),
        seconds=_seconds(call.get("seconds")),
    )


def _tag(who: str, what: str) -> str:
    """Tie a form to its rater and item.

    On a shared browser, what one person could not send must not go out in the next one's name.
    """
    return hashlib.sha256(f"{who}/{what}".encode()).hexdigest()[:12]


def _seconds(text: str) -> float | None:
    """Seconds that the page was visible, from the browser; absent where it ran no script."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return round(seconds, 1) if 0.0 <= seconds <= 86_400.0 else None


def _context(
    tx: sa.Connection, call: Call, name: str, *, stage: str | None = None, last: Any = None
) -> dict[str, Any]:
    """What item.html shows. The same for all kinds of items and all arms."""
    me, facts = call.person, call.site.facts
    row = tx.execute(sa.select(item).where(item.c.id == name)).one()
    last = last if last is not None else work.current(tx, me.id, name)
    so_far = rater_progress(tx, me.id)
    said = ""
    if last is not None:
        said = tx.execute(sa.select(remark.c.text).where(remark.c.event == last.id)).scalar() or ""
    practising = row.kind == "practice"
    return {
        "stage": stage or ("practice" if practising else "rating"),
        "item": _item(call, row) | {"media": media_of(tx, [name]).get(name)},
        "statement_lang": facts.charter.language,
        "texts_lang": facts.texts.language,
        "anchors": facts.texts.scale,
        "key": _tag(me.id, name) + secrets.token_urlsafe(18),
        "revision": last.revision if last is not None else 0,
        "answer": _given(last) if stage == "change" else None,
        "cannot_reason": last.reason if last is not None and last.kind == "cannot" else "",
        "skip_reasons": SKIP_REASONS,
        "cannot_reasons": CANNOT_REASONS,
        "remark": said,
        "flagged": bool(last.flagged) if last is not None else False,
        "done": so_far.done,
        "total": so_far.total,
        "minutes_left": so_far.minutes_left,
        "previous": None if practising or stage == "change" else so_far.previous,
        "keys": bool(me.keys),
    }


def _item(call: Call, row: Any) -> dict[str, Any]:
    position = call.site.facts.charter.position(row.category)
    return {
        "id": row.id,
        "category_title": position.title,
        "statement": position.statement,
        "prompt": row.prompt,
        "output": row.output,
        "language": row.language,
    }


def _given(last: Any) -> str:
    return str(last.value) if last.kind == "rate" else str(last.kind)
