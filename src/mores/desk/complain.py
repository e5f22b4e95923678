"""`mores complain` and `mores complaints`: from the command line, into the desk's database.

complain(study, question="...", answer="...")      kept, with an entry in the audit log
complaints_of(study)                               all of them, beside a running desk too
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import msgspec
import sqlalchemy as sa

from mores.desk.complaints import complaints, hand_on, personal
from mores.desk.entries import Saying, save
from mores.desk.people import new_person
from mores.desk.serve import place_of
from mores.desk.tables import DESK, person
from mores.errors import DataError, did_you_mean
from mores.study import Study
from mores.study.complaints import Complaint, desk_folder
from mores.web import audit
from mores.web.backup import back_up
from mores.web.opening import changing, looking
from mores.web.schema import revision

SHELL = "command line"


def complain(
    study: Study,
    *,
    question: str,
    answer: str,
    expected: str = "",
    category: str = "",
    keep: bool = False,
    database: str | None = None,
) -> Complaint:
    """Report an answer that somebody did not accept: what was asked, answered, and expected.

    It belongs to whoever answers for the position (`accountable` in charter.toml), is answered and
    closed on the desk, and while it is open `mores revise` shows it as evidence. It never becomes a
    test prompt. Kept in the study's desk database until the owner deletes it.

    Args:
        study: the study.
        question: what was asked.
        answer: what the model answered.
        expected: what was expected instead.
        category: category of the position that it is about.
        keep: keep it though it looks as if it held personal data.
        database: where it is kept, if not in the study.

    Raises:
        DataError: nothing asked or answered, no such category, or what looks like personal data.
        StoreError: the desk is open: use its form.
    """
    told = {"question": question.strip(), "answer": answer.strip(), "expected": expected.strip()}
    if not told["question"] or not told["answer"]:
        raise DataError("a complaint needs a question and an answer")
    known = study.charter.categories
    if category and category not in known:
        raise DataError(
            f"no position {category!r}{did_you_mean(category, list(known))}",
            fix="leave --category out where you do not know",
        )
    found = personal("\n".join(told.values()), study.charter.language)
    if found and not keep:
        raise DataError(
            f"this holds what looks personal ({'; '.join(found)}); nothing was kept",
            fix="take it out, or give --keep if it is nothing personal",
        )
    now = time.time()
    text = msgspec.json.encode({**told, "category": category}).decode()
    saying = Saying(secrets.token_urlsafe(24), "complaint", f"case/{category or '-'}", text)
    backups = desk_folder(study) / "backups"
    with (
        changing(
            place_of(study, database),
            DESK,
            new=True,
            start="mores desk",
            back_up=lambda opened: back_up(opened, DESK, backups, now=now),
        ) as opened,
        opened.write() as tx,
    ):
        number = save(tx, saying, who=_shell(tx, now), now=now)
        detail = {"complaint": number, "category": category}
        audit.append(tx, now=now, actor=SHELL, action="complain", detail=detail)
        hand_on(tx, study)
        return next(one for one in complaints(tx) if one.number == number)


def complaints_of(study: Study, *, database: str | None = None) -> list[Complaint]:
    """Show the complaints of a study, those that are not closed first.

    Args:
        study: the study.
        database: where they are kept, if not in the study.

    Raises:
        StoreError: the database cannot be read.
    """
    where = place_of(study, database)
    if "://" not in where and not Path(where).exists():
        return []
    with looking(where) as opened:
        if revision(opened, DESK) is None:
            return []
        with opened.read() as tx:
            found = complaints(tx)
    return sorted(found, key=lambda one: (one.state == "closed", one.number))


def _shell(tx: sa.Connection, now: float) -> str:
    """The person in whose name the command line saves."""
    found = tx.execute(sa.select(person.c.id).where(person.c.came_by == "start")).scalar()
    if found is None:
        found = new_person(tx, "owner", SHELL, language="en", came_by="start", now=now)
    return str(found)
