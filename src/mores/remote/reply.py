"""What came of a request, and the clock that asking goes by."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


class Clock:
    """The machine's clock; tests give one that need not be waited for."""

    now = staticmethod(time.monotonic)
    """Seconds that only ever grow."""
    sleep = staticmethod(time.sleep)

    def utc(self) -> dt.datetime:
        """Return date and time, UTC."""
        return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Reply:
    """What came of one request."""

    status: int = 0
    body: Any = None
    """Parsed JSON, or None."""
    reason: str = ""
    """Why there is no usable body."""
    again: bool = False
    """It may pass."""
    wait: float | None = None
    """Seconds that the service asks to wait."""


class Meter(Protocol):
    """Told of each attempt, also of those that are repeated: what may be billed."""

    def before(self) -> None:
        """An attempt is about to be sent; may raise, and then it is not."""
        ...

    def after(self, reply: Reply) -> None:
        """What came of it; not called where the process died."""
        ...


Post = Callable[[dict[str, Any]], Reply]
"""Sends JSON to a service."""
