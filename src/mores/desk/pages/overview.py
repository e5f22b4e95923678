"""The first page: what there is, what is missing, what waits, and the next step."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from starlette.responses import Response

from mores.desk.call import Call
from mores.desk.content import Content
from mores.desk.drafts import ACCEPTED, CHANGES, DECLINED, Draft, drafts
from mores.desk.entries import said
from mores.study.sheet import export_sheet
from mores.web.call import page

LEAST_SAMPLES = 10
"""Samples of a category below which the newcomer's list asks for more: 80 over eight."""


def overview(call: Call) -> Response:
    """Everything at a glance."""
    content = call.content
    with call.site.database.read() as tx:
        waiting = [d for d in drafts(tx) if d.state not in (ACCEPTED, DECLINED)]
        cases = said(tx, "complaint")
        closed = {row.parent for row in said(tx, "case") if row.value == "closed"}
    severities = Counter(f.severity for f in content.findings if not f.suppressed)
    return page(
        call,
        "overview.html",
        trouble=call.site.shelf.trouble,
        rows=coverage(content),
        findings={kind: severities[kind] for kind in ("error", "warning", "info")},
        waiting=waiting,
        open_cases=sum(row.id not in closed for row in cases),
        steps=steps(content, waiting),
        statement_lang=content.study.charter.language,
    )


def workbook(call: Call) -> Response:
    """The study as a spreadsheet; it comes back by `mores sheet import`, with a difference."""
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "study.xlsx"
        export_sheet(call.content.study, path)
        data = path.read_bytes()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Response(
        data, media_type=kind, headers={"content-disposition": 'attachment; filename="study.xlsx"'}
    )


def coverage(content: Content) -> list[dict[str, Any]]:
    """Records of each kind, by position."""
    counts: Counter[tuple[str, str]] = Counter()
    for item in content.subject.items:
        counts[item.part + (f" {item.split}" if item.part == "prompts" else ""), item.category] += 1
    kinds = ("values", "control", "prompts test", "prompts validation", "stance")
    return [
        {
            "id": position.category,
            "title": position.title,
            **{kind.replace(" ", "_"): counts[kind, position.category] for kind in kinds},
        }
        for position in content.study.charter.positions
    ]


def steps(content: Content, waiting: list[Draft]) -> list[tuple[str, bool, str]]:
    """A newcomer's way to a study that passes: (code, done, where it is done)."""
    rows = coverage(content)
    errors = [f for f in content.findings if f.severity == "error" and not f.suppressed]

    def everywhere(kind: str, least: int = 1) -> bool:
        return all(row[kind] >= least for row in rows)

    return [
        ("positions", len(rows) >= 1, "/records/charter"),
        ("samples", everywhere("values", LEAST_SAMPLES), "/records/values"),
        ("control", everywhere("control", LEAST_SAMPLES), "/records/control"),
        ("prompts", everywhere("prompts_test", 5), "/records/prompts"),
        ("pairs", everywhere("stance"), "/records/stance"),
        ("changes", not any(d.state == CHANGES for d in waiting), "/drafts"),
        ("check", not errors, "/findings"),
    ]
