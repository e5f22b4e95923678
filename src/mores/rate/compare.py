"""After unblinding: the outputs of all arms to one prompt and draw, with ratings and scores.

rows = compared(tx, facts, study)
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mores.rate.db.facts import Facts
from mores.rate.db.tables import item, item_flag, item_media, revealed
from mores.rate.db.work import counted_answers
from mores.records import ARMS, Arm, Score
from mores.store.lines import read_records
from mores.study import Study, folders
from mores.study.arms import ArmKey, slug


@dataclass(frozen=True)
class Cell:
    """One arm's output."""

    arm: str
    """As it is shown: with its training seed, and with its model where there are several."""
    kind: Arm
    output: str
    ratings: tuple[int, ...]
    cannot: int
    mean: float | None
    """Mean rating; None where nobody rated it."""
    score: float | None
    """Toxicity by the study's first scorer, 0 to 1; None where it was not scored."""
    flags: tuple[str, ...]
    item: str
    media: dict[str, Any] | None
    """Of an output that is no text: kind, alt, whether it has captions."""


@dataclass(frozen=True)
class Row:
    """One prompt and draw."""

    id: str
    category: str
    title: str
    statement: str
    prompt: str
    language: str
    draw: int
    spread: float | None
    """Largest standard deviation of the ratings of one output; None below two ratings."""
    cells: tuple[Cell, ...]


def compared(tx: sa.Connection, facts: Facts, study: Study | None) -> list[Row]:
    """Put outputs to the same prompt side by side; empty before unblinding."""
    answers: dict[str, list[Any]] = {}
    for e in counted_answers(tx):
        answers.setdefault(e.item, []).append(e)
    flags: dict[str, list[str]] = {}
    for flag in tx.execute(sa.select(item_flag)):
        flags.setdefault(flag.item, []).append(flag.found)
    scores = _scores(study)
    groups: dict[tuple[Any, ...], list[tuple[Any, Cell]]] = {}
    of = item_media.c
    media = (of.kind.label("shown_as"), of.alt, of.captions)
    query = (
        sa.select(item, revealed, *media)
        .join(revealed, revealed.c.item == item.c.id)
        .outerjoin(item_media, of.item == item.c.id)
    )
    several = len({r.model for r in tx.execute(sa.select(revealed.c.model))}) > 1
    for row in tx.execute(query.order_by(revealed.c.completion)):
        cell = _cell(row, answers.get(row.id, []), flags.get(row.id, []), scores, several)
        groups.setdefault((row.category, row.prompt, row.draw), []).append((row, cell))
    place = {category: i for i, category in enumerate(facts.charter.categories)}
    order = sorted(groups, key=lambda key: (place.get(key[0], 0), key[1], key[2]))
    return [_row(facts, groups[key]) for key in order]


def _cell(
    row: Any, answers: list[Any], flags: list[str], scores: dict[str, float], several: bool
) -> Cell:
    values = tuple(sorted(e.value for e in answers if e.kind == "rate"))
    name = ArmKey(row.arm, row.seed).name
    return Cell(
        arm=f"{row.model}/{name}" if several else name,
        kind=row.arm,
        output=row.output,
        ratings=values,
        cannot=sum(e.kind == "cannot" for e in answers),
        mean=sum(values) / len(values) if values else None,
        score=scores.get(row.completion),
        flags=tuple(flags),
        item=row.id,
        media={"kind": row.shown_as, "alt": row.alt, "captions": bool(row.captions)}
        if row.shown_as
        else None,
    )


def _row(facts: Facts, members: list[tuple[Any, Cell]]) -> Row:
    first = members[0][0]
    position = facts.charter.position(first.category)
    spreads = [statistics.stdev(cell.ratings) for _, cell in members if len(cell.ratings) > 1]
    return Row(
        id=first.id,
        category=first.category,
        title=position.title,
        statement=position.statement,
        prompt=first.prompt,
        language=first.language,
        draw=first.draw,
        spread=max(spreads, default=None),
        cells=tuple(sorted((cell for _, cell in members), key=arm_order)),
    )


def arm_order(cell: Cell) -> tuple[int, str]:
    """Sorts cells in the order of `mores.records.ARMS`, then by name."""
    return ARMS.index(cell.kind), cell.arm


def _scores(study: Study | None) -> dict[str, float]:
    """Completion id → toxicity by the first scorer, where the study has been measured."""
    if study is None:
        return {}
    scores: dict[str, float] = {}
    for spec in study.config.models:
        for name in study.config.toxicity.scorers[:1]:
            folder = folders.model_folder(study, spec.name) / "toxicity" / slug(name)
            path = folder / "scores.jsonl"
            rows = read_records(path, Score, unique="completion_id") if path.exists() else []
            scores |= {row.completion_id: row.value for row in rows if row.value is not None}
    return scores
