"""What a host tells of the training: a table of losses."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import math
from collections.abc import Iterable
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
        if told := by_step(map(_numbers, rows)):
            return told
    return []


def by_step(told: Iterable[tuple[Any, Any]]) -> list[dict[str, Any]]:
    """Return a row for each step that has a loss, first step first; the last of two counts.

    Args:
        told: step and loss; what is no number is left out.
    """
    rows = {
        int(step): {"step": int(step), "loss": float(loss)}
        for step, loss in told
        if isinstance(step, int | float) and isinstance(loss, int | float) and math.isfinite(loss)
    }
    return [rows[step] for step in sorted(rows)]


def _unpacked(data: bytes) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _numbers(row: dict[str, Any]) -> tuple[float | None, float | None]:
    try:
        return float(row["step"]), float(row["train_loss"])
    except (KeyError, TypeError, ValueError):
        return None, None
