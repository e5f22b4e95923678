"""The one place where the key and the ratings meet. Each time is an entry in the audit log.

    result = unblind(database, study, who="Ada Lovelace", now=time.time())

Fills the table ``revealed`` once, writes the ratings into the study's own files so that
`mores report` shows them, and may be called again to collect ratings that came later. Every
look is logged with who looked, and how many ratings there were at that time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from mores import store
from mores.errors import DataError
from mores.rate.blind import read_key
from mores.rate.db.facts import Facts, read_facts
from mores.rate.db.progress import declarations
from mores.rate.db.tables import audit as audit_table
from mores.rate.db.tables import guess, item, revealed
from mores.rate.db.work import counted_answers
from mores.rate.model import BlindKey
from mores.rate.ratings import COLLECTED_BY, GROUPS, keep_collected, refuse_imported
from mores.records import Rating, Unrateable
from mores.study import Study, folders
from mores.web import audit
from mores.web.database import Database

ACTION = "unblind"


@dataclass(frozen=True)
class Unblinded:
    """What unblinding found."""

    at: float
    who: str
    ratings: int
    """Ratings that count, 1 to 5."""
    cannot: int
    """Answers "cannot be rated" that count: reported apart."""
    needed: int
    again: bool
    """Whether the study had been unblinded before."""
    guesses: dict[str, int]
    """How raters' guesses came out: right, wrong, unsure (whether the blinding held)."""
    chance: float | None
    """Share of right guesses, unsure ones left out, if they had nothing to do with the arms: an
    arm that is common is guessed right by chance more often. None where nobody guessed."""
    first: dict[str, Any]
    """The first look at figures by arm: at, by, after how many ratings (1 to 5 and "cannot")."""


def unblind(database: Database, study: Study, *, who: str, now: float) -> Unblinded:
    """Join the sealed key to the ratings, log it, and write the study's ratings files.

    Args:
        database: an open rating database.
        study: the study that was rated; its folder holds the key.
        who: name of the person who asks, for the log.
        now: seconds since 1970.

    Raises:
        DataError: no name, no key, a key of other ratings, a key that names other items, raters
            whose ratings were imported too; nothing is logged then and nobody has seen anything.
        StoreError: the database or the files cannot be written.
    """
    if not who.strip():
        raise DataError("unblinding needs the name of the person who asks", fix="give --who NAME")
    with database.read() as tx:
        facts = read_facts(tx)
        names = set(tx.execute(sa.select(item.c.id).where(item.c.kind == "study")).scalars())
    key = {row.item_id: row for row in read_key(study, facts.key_digest)}
    if set(key) != names:
        raise DataError("the key names other items than the database", path=database.name)
    with store.lock(study.run_folder):
        with database.write() as tx:
            result, counted = _opened(tx, study, facts, key, who.strip(), now)
            groups = _declared(tx, facts)
        # After the commit: whoever has the figures is in the log, whatever happens to the files.
        ratings, cannot = joined(counted, key)
        texts = {row.completion_id: row.digest for row in key.values()}
        keep_collected(study, ratings, cannot, texts)
        store.write_json(folders.ratings_folder(study) / GROUPS, groups)
        store.write_json(folders.ratings_folder(study) / COLLECTED_BY, result)
    return result


def _declared(tx: sa.Connection, facts: Facts) -> dict[str, dict[str, list[str]]]:
    """Question → answer → raters; groups below the least size are left out, as in exports."""
    names = {question.id: question.question for question in facts.texts.groups}
    found: dict[str, dict[str, list[str]]] = {}
    for rater, answers in sorted(declarations(tx, facts).items()):
        for question, answer in answers.items():
            by_answer = found.setdefault(names.get(question, question), {})
            by_answer.setdefault(answer, []).append(rater)
    return found


def _opened(
    tx: sa.Connection, study: Study, facts: Facts, key: dict[str, BlindKey], who: str, now: float
) -> tuple[Unblinded, list[Any]]:
    """Join, within one write: what was found, and the events that count."""
    again = tx.execute(sa.select(revealed.c.item).limit(1)).first() is not None
    if not again:
        tx.execute(revealed.insert(), [_revealed_row(row) for row in key.values()])
    counted = counted_answers(tx)
    refuse_imported(study, {e.rater for e in counted})
    kinds = Counter(e.kind for e in counted)
    found: dict[str, Any] = {
        "ratings": kinds["rate"],
        "cannot": kinds["cannot"],
        "needed": facts.rules.per_item * len(key),
        "again": again,
    }
    events = store.digest([[e.item, e.rater, e.revision, e.kind, e.value] for e in counted])
    audit.append(tx, now=now, actor=who, action=ACTION, detail={**found, "events": events})
    guesses, chance = _guesses(tx, key)
    first = last_unblinding(tx)
    assert first is not None
    result = Unblinded(at=now, who=who, **found, guesses=guesses, chance=chance, first=first)
    return result, counted


def joined(
    counted: Sequence[Any], key: dict[str, BlindKey]
) -> tuple[list[Rating], list[Unrateable]]:
    """Events that count, under the completions' own ids."""
    ratings = [
        Rating(
            completion_id=key[e.item].completion_id,
            rater=e.rater,
            value=e.value,
            seconds=e.seconds,
        )
        for e in counted
        if e.kind == "rate"
    ]
    cannot = [
        Unrateable(completion_id=key[e.item].completion_id, rater=e.rater, reason=e.reason)
        for e in counted
        if e.kind == "cannot"
    ]
    order = lambda row: (row.completion_id, row.rater)  # noqa: E731
    return sorted(ratings, key=order), sorted(cannot, key=order)


def last_unblinding(tx: sa.Connection) -> dict[str, Any] | None:
    """The first time anybody saw figures by arm: when, who, after how many ratings."""
    row = tx.execute(
        sa.select(audit_table)
        .where(audit_table.c.action == ACTION)
        .order_by(audit_table.c.number)
        .limit(1)
    ).first()
    if row is None:
        return None
    detail = msgspec.json.decode(row.detail)
    return {"at": row.at, "by": row.actor, "ratings": detail["ratings"] + detail["cannot"]}


def _revealed_row(row: BlindKey) -> dict[str, Any]:
    return {
        "item": row.item_id,
        "completion": row.completion_id,
        "model": row.model,
        "arm": row.arm,
        "seed": row.seed,
        "draw": row.draw,
    }


def _guesses(tx: sa.Connection, key: dict[str, BlindKey]) -> tuple[dict[str, int], float | None]:
    """Guesses right, wrong, unsure, and the share right by chance. Only values is "tuned"."""
    said = Counter(
        (row.answer, key[row.item].arm == "values_targeted")
        for row in tx.execute(sa.select(guess))
        if row.item in key
    )
    right = said["tuned", True] + said["untuned", False]
    wrong = said["tuned", False] + said["untuned", True]
    unsure = said["unsure", True] + said["unsure", False]
    n = right + wrong
    chance = None
    if n:
        called, tuned = said["tuned", True] + said["tuned", False], said["tuned", True]
        tuned += said["untuned", True]
        chance = (called * tuned + (n - called) * (n - tuned)) / n**2
    return {"right": right, "wrong": wrong, "unsure": unsure}, chance
