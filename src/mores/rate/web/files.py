"""The owner's downloads: answers in three forms, codebook, datasheet."""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.responses import Response

from mores.rate.codebook import codebook
from mores.rate.db import audit
from mores.rate.export import to_csv, to_jsonl, to_parquet
from mores.rate.heds import heds
from mores.rate.model import RatingRow
from mores.rate.rows import export_rows, study_facts
from mores.rate.web.call import Call, RefusedError, page

FORMS: dict[str, tuple[str, Callable[[list[RatingRow]], bytes]]] = {
    "ratings.csv": ("text/csv; charset=utf-8", to_csv),
    "ratings.jsonl": ("application/jsonl; charset=utf-8", to_jsonl),
    "ratings.parquet": ("application/vnd.apache.parquet", to_parquet),
}
ABOUT = ("codebook.json", "heds.md")


def listing(call: Call) -> Response:
    """What can be downloaded."""
    rows = export_rows(call.site.database)
    counts = {
        "events": len(rows),
        "counted": sum(row.counted for row in rows),
        "items": len({row.item_id for row in rows if row.counted}),
        "raters": len({row.rater for row in rows}),
    }
    files = [{"name": name, "about": ""} for name in (*FORMS, *ABOUT)]
    return page(call, "owner_export.html", files=files, counts=counts)


def download(call: Call) -> Response:
    """One file. A download is no change, so it is not in the log; unblinding is."""
    name = call.params["name"]
    rows = export_rows(call.site.database)
    if name in FORMS:
        kind, write = FORMS[name]
        data = write(rows)
    elif name == "codebook.json":
        facts = study_facts(call.site.database)
        data = (json.dumps(codebook(facts, rows), ensure_ascii=False, indent=2) + "\n").encode()
        kind = "application/json"
    elif name == "heds.md":
        data, kind = (
            heds(study_facts(call.site.database), rows).encode(),
            "text/markdown; charset=utf-8",
        )
    else:
        raise RefusedError("not_found", 404)
    with call.site.database.read() as tx:
        last = audit.last_hash(tx)
    headers = {"content-disposition": f'attachment; filename="{name}"', "x-audit-hash": last}
    return Response(data, media_type=kind, headers=headers)
