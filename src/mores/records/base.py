"""What all records share: the base class, and the types of their fields."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

DRAFT = "draft by "
"""Begins the ``source`` of what a model wrote and nobody has read yet."""
IN_WORDS: dict[str, str] = {}
"""Pattern of a field → what it asks for, since no message shows a pattern."""


def matching(pattern: str, words: str) -> str:
    """Return a pattern, and keep in words what it asks for."""
    IN_WORDS[pattern] = words
    return pattern


_NAME = matching(r"^[^\s\x00-\x1f]+\Z", "a name without blanks, such as mental_health")
Id = Annotated[str, Meta(min_length=1, max_length=200, pattern=_NAME)]
Positive = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]
_DAY = matching(r"^(\d{4}-\d{2}-\d{2})?\Z", "a day, such as 2026-11-27")
Day = Annotated[str, Meta(pattern=_DAY)]
"""ISO 8601, or empty where it is not known."""
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Split = Literal["validation", "test"]

TUNED_ARMS = ("values_targeted", "control", "preference")
CONTEXT_ARMS = ("prompted", "few_shot")
ARMS = ("base", *TUNED_ARMS, *CONTEXT_ARMS)
Arm = Literal["base", "values_targeted", "control", "preference", "prompted", "few_shot"]


class Record(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all records: frozen, unknown fields refused."""


def to_plain(record: Any) -> Any:
    """Return a record as plain dicts, lists and scalars."""
    return msgspec.to_builtins(record)
