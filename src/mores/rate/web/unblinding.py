"""Unblinding, and the page on which all arms stand side by side afterwards."""

from __future__ import annotations

from starlette.responses import Response

from mores.rate.compare import Row, arm_order, compared
from mores.rate.db.progress import overview
from mores.rate.unblind import last_unblinding, unblind
from mores.rate.web.call import Call
from mores.web.call import RefusedError, page, redirect

PAGE = 10
SORTS = ("", "disagreement", "low", "high")


def ask(call: Call) -> Response:
    """Say what unblinding means, and ask for a name and the study's name."""
    facts = call.site.facts
    with call.site.database.read() as tx:
        totals = overview(tx, facts, call.now)["totals"]
        before = last_unblinding(tx)
    return page(
        call,
        "owner_unblind.html",
        ratings=totals["done"],
        needed=totals["needed"],
        complete=totals["done"] >= totals["needed"],
        word=facts.study,
        unblinded=before,
    )


def unblinded(call: Call) -> Response:
    """Open the sealed key, log it, and show the arms."""
    if call.site.study is None:
        raise RefusedError(
            "not_allowed", 403, "The key is with the study: run `mores rate unblind` there."
        )
    if call.get("word").strip() != call.site.facts.study:
        raise RefusedError("unblind_wrong", 400)
    if not call.get("who").strip():
        raise RefusedError("bad_form", 400)
    unblind(call.site.database, call.site.study, who=call.get("who")[:120], now=call.now)
    return redirect("/owner/compare")


def compare(call: Call) -> Response:
    """The same prompt, all arms side by side, with ratings and scores."""
    with call.site.database.read() as tx:
        if last_unblinding(tx) is None:
            raise RefusedError("not_unblinded", 403)
        rows = compared(tx, call.site.facts, call.site.study)
    cells = sorted((cell for row in rows for cell in row.cells), key=arm_order)
    filters = {
        "category": call.query.get("category", ""),
        "arm": call.query.get("arm", ""),
        "sort": call.query.get("sort", "") if call.query.get("sort", "") in SORTS else "",
    }
    chosen = _sorted(_filtered(rows, filters), filters)
    pages = max(1, -(-len(chosen) // PAGE))
    number = call.query.get("page", "1")
    at = min(max(int(number), 1), pages) if number.isdecimal() and len(number) < 6 else 1
    return page(
        call,
        "owner_compare.html",
        filters=filters,
        categories=call.site.facts.charter.positions,
        arms=list(dict.fromkeys(cell.arm for cell in cells)),
        prompts=chosen[PAGE * (at - 1) : PAGE * at],
        statement_lang=call.site.facts.charter.language,
        page=at,
        pages=pages,
    )


def _filtered(rows: list[Row], filters: dict[str, str]) -> list[Row]:
    return [
        row
        for row in rows
        if filters["category"] in ("", row.category)
        and (not filters["arm"] or any(cell.arm == filters["arm"] for cell in row.cells))
    ]


def _sorted(rows: list[Row], filters: dict[str, str]) -> list[Row]:
    """Rows that have no rating come last under every order."""

    def mean(row: Row) -> float | None:
        cells = [c for c in row.cells if filters["arm"] in ("", c.arm) and c.mean is not None]
        return min((c.mean or 0.0 for c in cells), default=None)

    if filters["sort"] == "disagreement":
        return sorted(rows, key=lambda row: -(row.spread if row.spread is not None else -1.0))
    if filters["sort"] in ("low", "high"):
        sign = 1.0 if filters["sort"] == "low" else -1.0
        return sorted(rows, key=lambda row: (mean(row) is None, sign * (mean(row) or 0.0)))
    return rows
