"""Images, sounds and films of items: what pages say of them, and their bytes.

Their address holds the item's random id and nothing else. What is sent with the bytes is the same
for all of one kind: no name, no date of the file, no tag of its content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response, StreamingResponse

from mores.errors import MoresError
from mores.rate.db.tables import claim, item_media, revealed
from mores.rate.web.call import Call
from mores.sample.media import KINDS, media_path
from mores.web.call import RefusedError

PIECE = 256 * 1024
HEADERS = {
    # Should a browser ever take it for a page: one that may do nothing.
    "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "content-disposition": "inline",
    "accept-ranges": "bytes",
}
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def media_of(tx: sa.Connection, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return item id → what a page shows of its file; none for items that are texts."""
    rows = tx.execute(sa.select(item_media).where(item_media.c.item.in_(names)))
    return {
        row.item: {"kind": row.kind, "alt": row.alt, "captions": bool(row.captions)} for row in rows
    }


def content(call: Call) -> Response:
    """Send the file of an item, or the part that is asked for."""
    row = _mine(call)
    if call.site.study is None:
        raise RefusedError("not_found", 404)
    try:
        path = media_path(call.site.study, row.file)
        size = path.stat().st_size
    except (MoresError, OSError):
        raise RefusedError("not_found", 404) from None
    kind = KINDS[path.suffix.removeprefix(".")][1]
    part = _span(call.headers.get("range", ""), size)
    start, end = part or (0, size)
    if start >= end:
        return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
    headers = {**HEADERS, "content-length": str(end - start)}
    if part:
        headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
    pieces = _pieces(path, start, end)
    return StreamingResponse(pieces, 206 if part else 200, headers=headers, media_type=kind)


def captions(call: Call) -> Response:
    """Send the captions of an item's film."""
    row = _mine(call)
    if not row.captions:
        raise RefusedError("not_found", 404)
    return Response(row.captions, media_type="text/vtt; charset=utf-8", headers=HEADERS)


def _mine(call: Call) -> Any:
    """The file of an item that this person may see.

    A rater sees what was given out to them; the owner what has been unblinded.
    """
    name = call.params["item"]
    assert call.who is not None
    seen = sa.select(revealed.c.item).where(revealed.c.item == name)
    if call.who.person is not None:
        mine = (claim.c.item == name, claim.c.rater == call.person.id)
        seen = sa.select(claim.c.item).where(*mine)
    with call.site.database.read() as tx:
        row = tx.execute(sa.select(item_media).where(item_media.c.item == name)).first()
        if row is None or tx.execute(seen).first() is None:
            raise RefusedError("not_found", 404)
    return row


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last (RFC 9110, 14.1.2), empty where the file ends before.

    None for the whole file: no part is asked for, or several, or in a way that is none.
    """
    found = _RANGE.fullmatch(asked.strip().lower())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size
    last = int(found[2]) if found[2] else size - 1
    return int(found[1]), min(last + 1, size)


def _pieces(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        left = end - start
        while left > 0 and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece
