"""Facts of a rating study and its answers → a Human Evaluation Datasheet in Markdown.

Takes `StudyFacts` and `RatingRow` records, gives text. The questions are those of HEDS 2.0
(Shimorina and Belz 2022, "The Human Evaluation Datasheet", HumEval, pages 54-75), in short,
under their numbers. They and the prose of the answers are in ``data/*.md.j2``; this file
counts. What the software does not know is marked for the owner.

    Path("heds.md").write_text(heds(facts, rows), encoding="utf-8")
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mores.rate.export.codebook import StudyFacts, group_counts
from mores.rate.model import SCALE, RatingRow
from mores.records import Estimate

if TYPE_CHECKING:
    from jinja2 import Environment

MARK = "TO BE FILLED IN BY THE OWNER"
INTERVAL = "its interval, over prompts, is in the report"


def heds(facts: StudyFacts, rows: Sequence[RatingRow]) -> str:
    """Return the datasheet: Markdown, the same text for the same input.

    Every question of the form is there. An answer comes from the facts, the rows or what the
    rating app does in every study; anything else holds `MARK`, and the head says how many
    questions are open.
    """
    page = _environment().get_template("heds.md.j2")
    text = page.render(
        facts=facts,
        mark=MARK,
        scale=SCALE,
        n=_counts(rows),
        systems=_systems(rows),
        by_category=_by_category(facts, rows),
        groups=_groups(rows, facts.min_cell),
        agreement=agreement(rows),
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def agreement(rows: Sequence[RatingRow]) -> Estimate:
    """Return Krippendorff's ordinal α over the counted ratings, all arms together.

    Args:
        rows: all answers; only counted ones that are ratings enter.

    Returns:
        value ≤ 1, n: items with at least two ratings; not computable (value None, with the
        reason) where there are none or all ratings are equal. Without an interval: rows do
        not name prompts, and an interval over items would hold the truth too seldom.
    """
    from mores.stats import krippendorff_alpha, rating_table

    table = rating_table(
        (row.rater, row.item_id, row.value) for row in _rated(rows) if row.value is not None
    )
    alpha = krippendorff_alpha(table.values, "ordinal", interval=False)
    return alpha if alpha.value is None else replace(alpha, reason=INTERVAL)


def _rated(rows: Sequence[RatingRow]) -> list[RatingRow]:
    return [row for row in rows if row.counted and row.answer == "rate" and row.value is not None]


def _counts(rows: Sequence[RatingRow]) -> dict[str, int]:
    counted = [row for row in rows if row.counted]
    rated = _rated(rows)
    return {
        "counted": len(counted),
        "ratings": len(rated),
        "cannot": sum(row.answer == "cannot" for row in counted),
        "skipped": sum(row.answer == "skip" for row in counted),
        "changed": sum(not row.current for row in rows),
        "remarks": sum(bool(row.remark) for row in rows),
        "rated_items": len({row.item_id for row in rated}),
        "self_named": len({row.item_id for row in rows if row.item_flags}),
    }


def _systems(rows: Sequence[RatingRow]) -> list[dict[str, Any]]:
    """Outputs with a counted rating by model, arm and seed; nothing before unblinding."""
    items: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for row in _rated(rows):
        if row.model is not None and row.arm is not None and row.seed is not None:
            items[row.model, row.arm, row.seed].add(row.item_id)
    return [
        {"model": model, "arm": arm, "seed": seed, "outputs": len(found)}
        for (model, arm, seed), found in sorted(items.items())
    ]


def _by_category(facts: StudyFacts, rows: Sequence[RatingRow]) -> list[dict[str, Any]]:
    items: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.counted:
            items[row.category].add(row.item_id)
    return [{"title": c.title, "outputs": len(items[c.id])} for c in facts.categories]


def _groups(
    rows: Sequence[RatingRow], least: int
) -> list[tuple[str, list[tuple[str, int | None]]]]:
    """Raters by declared answer; None where fewer than `least`."""
    return [
        (question, [(answer, n if n >= least else None) for answer, n in cells.items()])
        for question, cells in group_counts(rows).items()
    ]


# Markdown ----------------------------------------------------------------------------------


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701 (Markdown: texts pass through the filters below)
        loader=PackageLoader("mores.rate.export", "data"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "inline": inline,
        "code": code,
        "verbatim": verbatim,
        "percent": lambda share: f"{100 * share:g} %",
        "questions": lambda body: len(_sections(body)),
        "open_questions": lambda body: sum(MARK in section for section in _sections(body)),
    }
    return environment


def _sections(body: str) -> list[str]:
    return re.split(r"^### (?=\d)", body, flags=re.MULTILINE)[1:]


def inline(text: str) -> str:
    """Return the text on one line, with everything that Markdown or HTML would read escaped."""
    return re.sub(r"([\\`*_\[\]<>#|~&!])", r"\\\1", " ".join(_visible(text).split()))


def code(text: str) -> str:
    """Return the text on one line as Markdown code."""
    plain = " ".join(_visible(text).split())
    ticks = "`" * (_longest_ticks(plain) + 1)
    pad = " " if plain[:1] == "`" or plain[-1:] == "`" else ""
    return f"{ticks}{pad}{plain}{pad}{ticks}"


def verbatim(text: str) -> str:
    """Return the text, word for word, as a quoted block that renders nothing in it.

    Each of its lines begins with ``>``, so that none is taken for a heading of the sheet.
    """
    fence = "`" * max(3, _longest_ticks(text) + 1)
    lines = [f"{fence}text", *_visible(text).strip("\n").split("\n"), fence]
    return "\n".join(f"> {line}" if line else ">" for line in lines)


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _visible(text: str) -> str:
    """One kind of line end; other control characters become the replacement character."""
    lines = re.sub(r"\r\n?|[\v\f\x85\u2028\u2029]", "\n", text)
    return re.sub(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", "\ufffd", lines)
