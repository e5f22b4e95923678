"""What a host tells of the training: a table of losses."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import math
from typing import Any


def losses(data: bytes) -> list[dict[str, Any]]:
    """Return a row with ``step`` and ``loss`` for each step of OpenAI's result file.

    The file is a table with the columns ``step`` and ``train_loss``; some models' comes in Base64.

    Args:
        data: the file as it came.

    Returns:
        Rows by step; none where the file is no such table.
    """
    for table in (data, _unpacked(data)):
        try:
            rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
        except (UnicodeDecodeError, csv.Error):
            continue
        told = [row for row in map(_row, rows) if row]
        if told:
            return sorted(told, key=lambda row: int(row["step"]))
    return []


def _unpacked(data: bytes) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _row(row: dict[str, Any]) -> dict[str, Any] | None:
    try:
        step, loss = int(float(row["step"])), float(row["train_loss"])
    except (KeyError, TypeError, ValueError):
        return None
    return {"step": step, "loss": loss} if math.isfinite(loss) else None
