"""A rating database → the rows and facts that exports are made of.

rows, facts = export_rows(database), study_facts(database)
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import sqlalchemy as sa

from mores import store
from mores.rate.db.engine import Database
from mores.rate.db.facts import read_facts
from mores.rate.db.progress import declarations
from mores.rate.db.tables import event, item, item_flag, rater, remark, revealed
from mores.rate.db.work import latest
from mores.rate.export.codebook import RatedCategory, StudyFacts, Unblinded
from mores.rate.model import RatingRow
from mores.rate.unblind import last_unblinding
from mores.rate.web.i18n import LANGUAGES


def export_rows(database: Database) -> list[RatingRow]:
    """Return every answer, oldest first. Arms are empty before unblinding."""
    with database.read() as tx:
        facts = read_facts(tx)
        newest = {e.id for e in latest(tx)}
        notes = _pairs(tx, sa.select(remark.c.event, remark.c.text))
        flags: dict[str, list[str]] = {}
        for row in tx.execute(sa.select(item_flag).order_by(item_flag.c.rule)):
            flags.setdefault(row.item, []).append(row.rule)
        groups = declarations(tx, facts)
        opened = {row.item: row for row in tx.execute(sa.select(revealed))}
        query = (
            sa.select(event, item.c.kind.label("item_kind"), item.c.category)
            .join(item, item.c.id == event.c.item)
            .order_by(event.c.id)
        )
        return [
            _row(e, e.id in newest, notes.get(e.id, ""), flags, groups, opened)
            for e in tx.execute(query)
        ]


def _row(
    e: Any,
    newest: bool,
    note: str,
    flags: dict[str, list[str]],
    groups: dict[str, dict[str, str]],
    opened: dict[str, Any],
) -> RatingRow:
    known = opened.get(e.item)
    counts = newest and not e.surplus and e.item_kind == "study"
    return RatingRow(
        item_id=e.item,
        kind=e.item_kind,
        category=e.category,
        rater=e.rater,
        revision=e.revision,
        current=newest,
        counted=counts and e.kind in ("rate", "cannot"),
        answer=e.kind,
        value=e.value,
        reason=e.reason,
        flagged=bool(e.flagged),
        remark=note,
        seconds=e.seconds,
        at=iso(e.at),
        item_flags=tuple(flags.get(e.item, ())),
        groups=groups.get(e.rater, {}),
        completion_id=known.completion if known else None,
        model=known.model if known else None,
        arm=known.arm if known else None,
        seed=known.seed if known else None,
        draw=known.draw if known else None,
    )


def study_facts(database: Database) -> StudyFacts:
    """Return what the codebook and the datasheet print about the study."""
    with database.read() as tx:
        facts = read_facts(tx)
        kinds = _pairs(tx, sa.select(item.c.kind, sa.func.count()).group_by(item.c.kind))
        times = tx.execute(sa.select(sa.func.min(event.c.at), sa.func.max(event.c.at))).one()
        agreed = _count(tx, sa.select(sa.func.count()).where(rater.c.consented.is_not(None)))
        rated = _count(tx, sa.select(sa.func.count(sa.distinct(event.c.rater))))
        arms = tuple(tx.execute(sa.select(revealed.c.arm).distinct()).scalars())
        spoken = tx.execute(sa.select(item.c.language).distinct()).scalars()
        opened = last_unblinding(tx)
        tongues = tuple(sorted(spoken))
    texts = facts.texts
    return StudyFacts(
        study=facts.study,
        version=facts.version,
        description=facts.description,
        license=facts.license,
        charter_version=facts.charter.version,
        charter_digest=store.digest(facts.charter),
        categories=tuple(
            RatedCategory(id=p.category, title=p.title, statement=p.statement)
            for p in facts.charter.positions
        ),
        task=texts.task,
        anchors=texts.anchors,
        consent=texts.consent,
        items=int(kinds.get("study", 0)),
        per_item=facts.rules.per_item,
        seats=facts.rules.seats,
        seed=facts.seed,
        practice=int(kinds.get("practice", 0)),
        gold=int(kinds.get("gold", 0)),
        practice_pass=texts.practice_pass,
        daily_cap=facts.rules.daily_cap,
        self_name_rule=facts.names_rule,
        languages=tongues,
        interface_languages=tuple(one.tag for one in LANGUAGES),
        raters_consented=agreed,
        raters_rated=rated,
        started=iso(times[0]) if times[0] is not None else None,
        last=iso(times[1]) if times[1] is not None else None,
        arms=tuple(sorted(arms)) or None,
        unblinded=Unblinded(who=opened["by"], at=iso(opened["at"]), ratings=opened["ratings"])
        if opened
        else None,
        app_version=version("mores"),
        software={"mores": version("mores"), "python": platform.python_version()},
    )


def iso(at: float) -> str:
    """Seconds since 1970 as UTC, ISO 8601, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _pairs(tx: sa.Connection, query: Any) -> dict[Any, Any]:
    return {row[0]: row[1] for row in tx.execute(query)}


def _count(tx: sa.Connection, query: Any) -> int:
    return int(tx.execute(query).scalar_one())
