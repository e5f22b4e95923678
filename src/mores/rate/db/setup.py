"""A study's completions → a rating database with items, seats and slots, once.

facts = set_up(database, study, now=time.time())
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import structs

from mores import store
from mores.errors import StoreError
from mores.rate.assign import Unit, assign
from mores.rate.blind import blind, seal
from mores.rate.db.claims import GAP
from mores.rate.db.facts import Facts, is_set_up, put
from mores.rate.db.tables import expected, item, item_flag, item_media, seat, slot
from mores.rate.model import BlindKey, Kind, RatingItem
from mores.rate.self_names import RULE, self_names
from mores.rate.texts import Exercise, RatingTexts, read_texts
from mores.study import ArmKey, Study
from mores.web import audit
from mores.web.database import Database


def set_up(database: Database, study: Study, *, now: float) -> Facts:
    """Blind the study's outputs, plan who rates what, and keep both. All of it, or nothing.

    Raises:
        DataError: nothing sampled, fewer seats than ratings an item, unusable rating.toml.
        StoreError: something was set up here before, or the files cannot be written.
    """
    if is_set_up(database):
        raise StoreError("a study was set up in this database before", path=database.name)
    texts = read_texts(study)
    rules = study.config.rating
    items, key = blind(study)
    plan = assign(
        units(key, study), per_item=rules.per_item, seats=rules.seats, seed=study.config.seed
    )
    facts = Facts(
        database=secrets.token_hex(8),
        study=study.config.name,
        version=study.config.version,
        description=study.config.description,
        license=study.config.license,
        preset=study.config.preset,
        created=now,
        seed=study.config.seed,
        rules=rules,
        texts=texts,
        charter=study.charter,
        key_digest=store.digest(key),
        names_rule=RULE,
        app_version=version("mores"),
    )
    seal(study, key)
    models = [spec.name for spec in study.config.models]
    with database.write() as tx:
        put(tx, "facts", msgspec.json.encode(facts, order="deterministic").decode())
        _items(tx, items, models)
        _exercises(tx, texts)
        _seats(tx, plan)
        detail = {
            "items": len(items),
            "per_item": rules.per_item,
            "seats": rules.seats,
            "seed": study.config.seed,
            "key": facts.key_digest,
            "names_rule": RULE,
        }
        audit.append(tx, now=now, actor="owner", action="set up", detail=detail)
    return facts


def units(key: Sequence[BlindKey], study: Study) -> list[Unit]:
    """What the assignment balances, from a key made for this set-up (`blind`)."""
    categories = {prompt.id: prompt.category for prompt in study.prompts}
    return [
        Unit(
            item=entry.item_id,
            category=categories[entry.prompt_id],
            prompt=entry.prompt_id,
            condition=f"{entry.model}/{ArmKey(entry.arm, entry.seed).name}",
            arm=entry.arm,
        )
        for entry in key
    ]


def _items(tx: sa.Connection, items: Sequence[RatingItem], models: Sequence[str]) -> None:
    tx.execute(item.insert(), [_item_row(one) for one in items])
    media = [
        {"item": i.id} | {name: _kept(text) for name, text in structs.asdict(i.media).items()}
        for i in items
        if i.media is not None
    ]
    if media:
        tx.execute(item_media.insert(), media)
    flags = [
        {"item": one.id, "rule": RULE, "found": "; ".join(names)}
        for one in items
        if (names := self_names(_read(one), models))
    ]
    if flags:
        tx.execute(item_flag.insert(), flags)


def _read(one: RatingItem) -> str:
    """All that can be read of an output."""
    return f"{one.media.alt}\n{one.media.captions}" if one.media else one.output


def _item_row(one: RatingItem) -> dict[str, Any]:
    row = structs.asdict(one) | {"prompt": _kept(one.prompt), "output": _kept(one.output)}
    del row["media"]
    return row


def _kept(text: str) -> str:
    """PostgreSQL holds no NUL: what stands for it is what pages show for it."""
    return text.replace("\x00", "\u2400")


def _exercises(tx: sa.Connection, texts: RatingTexts) -> None:
    """Practice and gold items, with ids drawn like those of all items."""
    exercises: list[tuple[Kind, Exercise]] = [("practice", one) for one in texts.practice]
    exercises += [("gold", one) for one in texts.gold]
    for kind, one in exercises:
        shown = RatingItem(
            id=secrets.token_hex(8),
            kind=kind,
            category=one.category,
            prompt=one.prompt,
            output=one.output,
            language=texts.language,
        )
        tx.execute(item.insert().values(_item_row(shown)))
        tx.execute(
            expected.insert().values(
                item=shown.id,
                low=one.low,
                high=one.high,
                cannot=int(one.cannot),
                feedback=one.feedback,
            )
        )


def _seats(tx: sa.Connection, plan: Sequence[Sequence[str]]) -> None:
    tx.execute(seat.insert(), [{"number": number} for number in range(1, len(plan) + 1)])
    times: Counter[str] = Counter()
    rows = []
    for number, names in enumerate(plan, 1):
        for place, name in enumerate(names, 1):
            times[name] += 1
            rows.append({"item": name, "number": times[name], "seat": number, "place": place * GAP})
    tx.execute(slot.insert(), rows)
