"""The owner's downloads: answers in three forms, codebook, datasheet."""

from __future__ import annotations

from starlette.responses import Response

from mores.rate.export.files import FILES, export_files
from mores.rate.export.rows import export_rows
from mores.rate.web.call import Call
from mores.web import audit
from mores.web.call import RefusedError, page

KINDS = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
}


def listing(call: Call) -> Response:
    """What can be downloaded."""
    rows = export_rows(call.site.database)
    counts = {
        "events": len(rows),
        "counted": sum(row.counted for row in rows),
        "items": len({row.item_id for row in rows if row.counted}),
        "raters": len({row.rater for row in rows}),
    }
    return page(call, "owner_export.html", files=list(FILES), counts=counts)


def download(call: Call) -> Response:
    """One file. A download is no change, so it is not in the log; unblinding is."""
    name = call.params["name"]
    if name not in FILES:
        raise RefusedError("not_found", 404)
    data = export_files(call.site.database, [name])[name]
    with call.site.database.read() as tx:
        last = audit.last_hash(tx)
    headers = {"content-disposition": f'attachment; filename="{name}"', "x-audit-hash": last}
    return Response(data, media_type=KINDS[name.rpartition(".")[2]], headers=headers)
