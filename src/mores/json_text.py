"""JSON text → plain values: the one reader of what people bring, which never ends in a traceback.

    parse('{"a": 1}')                # {"a": 1}
    parse_next('[1] [2]', 0)         # ([1], 3)

Beyond JSON's grammar it refuses what no file of ours could hold: `NaN`, a number that would be
infinite, a key that occurs twice, half of a surrogate pair, and more than `DEEPEST` levels.
"""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 100
"""Levels of lists and objects inside each other; no data has as many, and Python's stack ends."""
_BLANKS = " \t\n\r"


class JsonError(ValueError):
    """Text that cannot be read; ``at`` is the character where, if that is known."""

    def __init__(self, detail: str, at: int | None = None) -> None:
        super().__init__(detail)
        self.at = at


def parse(text: str, *, strict: bool = True) -> Any:
    """Read one value, with nothing but blanks around it.

    Args:
        text: the JSON.
        strict: refuse what the module's docstring names; a file of another program, such as
            a model's settings, may hold `Infinity`. The limit of depth always holds.

    Raises:
        JsonError: the text is something else.
    """
    start = len(text) - len(text.lstrip(_BLANKS))
    value, end = parse_next(text, start, strict=strict)
    rest = text[end:].lstrip(_BLANKS)
    if rest:
        raise JsonError("Extra data", len(text) - len(rest))
    return value


def parse_next(text: str, at: int, *, strict: bool = True) -> tuple[Any, int]:
    """Read the value that begins at a character; return it and where it ends.

    Raises:
        JsonError: no value begins there.
    """
    try:
        value, end = (_STRICT if strict else _LENIENT).raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise JsonError(error.msg, error.pos) from None
    except ValueError as error:
        digits = str(error).startswith("Exceeds the limit")  # Python's, with advice for programmers
        raise JsonError("a number of thousands of digits" if digits else str(error)) from None
    except RecursionError:
        raise _too_deep() from None
    _refuse_depth(value)
    if strict:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise JsonError("half of a surrogate pair, which is no character") from None
    return value, end


def _refuse_depth(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> JsonError:
    return JsonError(f"more than {DEEPEST} levels of lists and objects inside each other")


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large for a number")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:40]!r} occurs twice in one object")
    return row


_STRICT = json.JSONDecoder(parse_constant=_constant, parse_float=_float, object_pairs_hook=_object)
_LENIENT = json.JSONDecoder()
