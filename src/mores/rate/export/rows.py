"""A rating database → the rows and facts that exports are made of.

rows, facts = export_rows(database), study_facts(database)
"""

from __future__ import annotations

import platform
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import sqlalchemy as sa

from mores.rate.db.facts import read_facts
from mores.rate.db.progress import declarations
from mores.rate.db.tables import event, item, item_flag, item_media, rater, remark, revealed
from mores.rate.db.work import counted_answers, latest
from mores.rate.export.codebook import RatedCategory, StudyFacts, Unblinded
from mores.rate.model import RatingRow
from mores.rate.unblind import last_unblinding
from mores.study.content import charter_digest
from mores.web.database import Database
from mores.web.i18n import LANGUAGES


def export_rows(database: Database) -> list[RatingRow]:
    """Return every answer, oldest first. Arms are empty before unblinding."""
    with database.read() as tx:
        groups = declarations(tx, read_facts(tx))
        newest = {e.id for e in latest(tx)}
        counted = {e.id for e in counted_answers(tx)}
        flags: dict[str, list[str]] = {}
        for row in tx.execute(sa.select(item_flag).order_by(item_flag.c.rule)):
            flags.setdefault(row.item, []).append(row.rule)
        return [
            RatingRow(
                item_id=e.item,
                kind=e.item_kind,
                category=e.category,
                rater=e.rater,
                revision=e.revision,
                current=e.id in newest,
                counted=e.id in counted,
                answer=e.kind,
                value=e.value,
                reason=e.reason,
                flagged=bool(e.flagged),
                remark=e.text or "",
                seconds=e.seconds,
                at=iso(e.at),
                item_flags=tuple(flags.get(e.item, ())),
                groups=groups.get(e.rater, {}),
                completion_id=e.completion,
                model=e.model,
                arm=e.arm,
                seed=e.seed,
                draw=e.draw,
                media=e.media or "",
                media_file=e.file if e.completion is not None else None,
            )
            for e in tx.execute(_answers())
        ]


def _answers() -> Any:
    """Events with their item and remark, and with what `revealed` holds of it after unblinding."""
    sealed = (revealed.c[name] for name in ("completion", "model", "arm", "seed", "draw"))
    shown = (item.c.kind.label("item_kind"), item.c.category)
    media = (item_media.c.kind.label("media"), item_media.c.file)
    return (
        sa.select(event, *shown, *media, remark.c.text, *sealed)
        .join(item, item.c.id == event.c.item)
        .outerjoin(item_media, item_media.c.item == event.c.item)
        .outerjoin(remark, remark.c.event == event.c.id)
        .outerjoin(revealed, revealed.c.item == event.c.item)
        .order_by(event.c.id)
    )


def study_facts(database: Database) -> StudyFacts:
    """Return what the codebook and the datasheet print about the study."""
    with database.read() as tx:
        facts = read_facts(tx)
        kinds = Counter(tx.execute(sa.select(item.c.kind)).scalars())
        times = tx.execute(sa.select(sa.func.min(event.c.at), sa.func.max(event.c.at))).one()
        consented = sa.select(sa.func.count()).where(rater.c.consented.is_not(None))
        agreed = tx.execute(consented).scalar_one()
        rated = tx.execute(sa.select(sa.func.count(sa.distinct(event.c.rater)))).scalar_one()
        arms = sorted(tx.execute(sa.select(revealed.c.arm).distinct()).scalars())
        languages = sorted(tx.execute(sa.select(item.c.language).distinct()).scalars())
        opened = last_unblinding(tx)
    texts = facts.texts
    return StudyFacts(
        study=facts.study,
        version=facts.version,
        description=facts.description,
        license=facts.license,
        charter_version=facts.charter.version,
        charter_digest=charter_digest(facts.charter),
        categories=tuple(
            RatedCategory(id=p.category, title=p.title, statement=p.statement)
            for p in facts.charter.positions
        ),
        task=texts.task,
        anchors=texts.anchors,
        consent=texts.consent,
        items=kinds["study"],
        per_item=facts.rules.per_item,
        seats=facts.rules.seats,
        seed=facts.seed,
        practice=kinds["practice"],
        gold=kinds["gold"],
        practice_pass=texts.practice_pass,
        daily_cap=facts.rules.daily_cap,
        min_cell=facts.rules.min_cell,
        self_name_rule=facts.names_rule,
        languages=tuple(languages),
        interface_languages=tuple(one.tag for one in LANGUAGES),
        raters_consented=agreed,
        raters_rated=rated,
        started=iso(times[0]) if times[0] is not None else None,
        last=iso(times[1]) if times[1] is not None else None,
        arms=tuple(arms) or None,
        unblinded=Unblinded(who=opened["by"], at=iso(opened["at"]), ratings=opened["ratings"])
        if opened
        else None,
        app_version=version("mores"),
        software={"mores": version("mores"), "python": platform.python_version()},
    )


def iso(at: float) -> str:
    """Seconds since 1970 as UTC, ISO 8601, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
