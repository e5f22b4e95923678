"""Facts of a rating study and its answers → a codebook: what every column means and holds.

Takes `StudyFacts` and `RatingRow` records and gives plain JSON values. The meanings are prose
in ``data/columns.toml``; allowed values come from the records, counts from the rows.

    json.dumps(codebook(facts, rows), ensure_ascii=False, indent=2)
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources
from statistics import median
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta, field

from mores.rate.export.formats import COLUMNS
from mores.rate.model import (
    CANNOT_REASONS,
    SCALE,
    SKIP_REASONS,
    AnswerKind,
    Kind,
    RatingRow,
)
from mores.records import ARMS, Count, Positive, Record, Share
from mores.sample.media import Kind as MediaKind

FORMAT = "mores-rating-codebook-1"


class RatedCategory(Record, frozen=True, kw_only=True):
    """A category as raters saw it."""

    id: str
    title: str
    statement: str


class Unblinded(Record, frozen=True, kw_only=True):
    """The logged event in which the key was joined to the ratings."""

    who: str
    at: str
    """UTC, ISO 8601."""
    ratings: Annotated[int, Meta(ge=0)]
    """How many ratings there were."""


class StudyFacts(Record, frozen=True, kw_only=True):
    """What the software knows of a rating study. None or empty: it does not know."""

    study: str
    version: str
    description: str = ""
    license: str = ""
    charter_version: str
    charter_digest: str
    categories: tuple[RatedCategory, ...]
    task: str = ""
    """The instruction, word for word as raters see it."""
    anchors: dict[str, str] = field(default_factory=dict)
    """Points of the scale ("1", "3", "5") in words, as raters see them."""
    consent: str = ""
    """The consent text, word for word as raters see it."""
    items: Count
    """Study items, of all arms together; neither practice nor gold."""
    per_item: Positive
    """Raters for each item (k)."""
    seats: Positive
    """Planned shares of the items, one for each rater."""
    seed: Count
    """Seed of the assignment and the orders."""
    practice: Count = 0
    gold: Count = 0
    practice_pass: Share | None = None
    """Share of practice items that must be right before rating starts."""
    daily_cap: Positive | None = None
    """Most answers of one rater in a day (UTC)."""
    min_cell: Annotated[int, Meta(ge=2)] = 5
    """A declared group with fewer raters is never shown with its number."""
    self_name_rule: str = ""
    """Id of the rule that flags outputs which name their model or arm."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags of prompts and outputs."""
    interface_languages: tuple[str, ...] = ()
    raters_consented: Count
    raters_rated: Count
    started: str | None = None
    last: str | None = None
    """First and last answer: UTC, ISO 8601."""
    arms: tuple[str, ...] | None = None
    """None before unblinding."""
    unblinded: Unblinded | None = None
    app_version: str
    software: dict[str, str] = field(default_factory=dict)


def codebook(facts: StudyFacts, rows: Sequence[RatingRow]) -> dict[str, Any]:
    """Describe the exported files.

    Returns:
        JSON values: ``format``, ``study`` (the facts), ``files``, ``rows`` (meaning, n,
        items, raters), and ``columns`` in their order, each with name, meaning, type, unit
        (None where there is none), allowed (None where any value is), missing (what it means),
        absent (rows without a value) and what was found: ``counts`` of values, or ``distinct``
        for ids and free text, or ``least``, ``median``, ``most`` for seconds.
    """
    texts = _texts()
    return {
        "format": FORMAT,
        "study": msgspec.json.decode(msgspec.json.encode(facts)),
        "files": dict(texts["files"]),
        "rows": {
            **texts["rows"],
            "n": len(rows),
            "items": len({row.item_id for row in rows}),
            "raters": len({row.rater for row in rows}),
        },
        "columns": [_column(name, texts["columns"][name], facts, rows) for name in COLUMNS],
    }


@cache
def _texts() -> dict[str, Any]:
    path = resources.files("mores.rate.export") / "data" / "columns.toml"
    return tomllib.loads(path.read_text("utf-8"))


def _column(
    name: str, text: dict[str, str], facts: StudyFacts, rows: Sequence[RatingRow]
) -> dict[str, Any]:
    values = [getattr(row, name) for row in rows]
    present = [value for value in values if value not in (None, "", (), {})]
    allowed = _allowed(name, facts)
    return {
        "name": name,
        "meaning": text["meaning"],
        "type": text["type"],
        "unit": text.get("unit"),
        "allowed": allowed,
        "missing": text["missing"],
        "absent": len(values) - len(present),
        **_found(name, present, list(allowed or ()), rows),
    }


def _allowed(name: str, facts: StudyFacts) -> dict[Any, str] | list[Any] | None:
    anchors = {str(point): facts.anchors.get(str(point), "") for point in SCALE}
    fixed: dict[str, dict[Any, str] | list[Any]] = {
        "kind": list(get_args(Kind)),
        "category": {category.id: category.title for category in facts.categories},
        "current": [False, True],
        "counted": [False, True],
        "answer": list(get_args(AnswerKind)),
        "value": anchors,
        "reason": list(dict.fromkeys((*SKIP_REASONS, *CANNOT_REASONS))),
        "flagged": [False, True],
        "arm": list(ARMS),
        "media": list(get_args(MediaKind)),
    }
    return fixed.get(name)


def _found(
    name: str, present: list[Any], allowed: list[Any], rows: Sequence[RatingRow]
) -> dict[str, Any]:
    """What a column holds. An allowed value that nobody used is counted: 0."""
    if name in ("item_id", "rater", "remark", "at", "completion_id", "media_file"):
        return {"distinct": len(set(present))}
    if name == "seconds":
        if not present:
            return {"least": None, "median": None, "most": None}
        return {"least": min(present), "median": median(present), "most": max(present)}
    if name == "groups":
        return {"counts": group_counts(rows)}
    flat = [x for value in present for x in (value if isinstance(value, tuple) else (value,))]
    tally = Counter(map(_key, flat))
    known = [_key(value) for value in allowed]
    order = [*known, *sorted(set(tally) - set(known), key=lambda key: (len(key), key))]
    return {"counts": {key: tally[key] for key in order}}


def group_counts(rows: Sequence[RatingRow]) -> dict[str, dict[str, int]]:
    """Count raters, not rows, by question and declared answer."""
    told = sorted({(q, a, row.rater) for row in rows for q, a in row.groups.items()})
    counts: dict[str, dict[str, int]] = {}
    for question, answer, _ in told:
        cell = counts.setdefault(question, {})
        cell[answer] = cell.get(answer, 0) + 1
    return counts


def _key(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
