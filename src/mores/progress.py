"""Progress for people: a live display in a terminal, plain lines elsewhere.

with Progress(say_plain=True) as progress:
    task = progress.task("sampling", total=1200, unit="tokens")
    task.advance(40)
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

PLAIN_SECONDS = 15.0
"""Time between plain lines of one task."""


class Task:
    """One bar: something that is counted up to a total."""

    def __init__(
        self, progress: Progress, name: str, total: float, unit: str, *, plain: bool = True
    ) -> None:
        self.plain = plain
        self.progress, self.name, self.total, self.unit = progress, name, total, unit
        self.done = 0.0
        self._resumed = 0.0
        self.started = time.monotonic()
        self._spoken = self.started
        self._bar = progress.add_bar(name, total, unit)

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        """Count ``amount`` more; ``note`` replaces the text after the bar."""
        self.reach(self.done + amount, note)

    def reach(self, done: float, note: str = "") -> None:
        """Say that ``done`` of the total is done."""
        self.done = done
        if self._bar is not None:
            self.progress.update_bar(self._bar, self.done, note)
            return
        now = time.monotonic()
        if self.plain and now - self._spoken >= PLAIN_SECONDS and self.done < self.total:
            self._spoken = now
            self.progress.say(
                f"  {self.name}: {self._share()}, {self._left()} left {note}".rstrip()
            )

    def resume(self, done: float) -> None:
        """Start at ``done``: it was done before and says nothing of the speed."""
        self.done = self._resumed = done

    def finish(self, note: str = "") -> None:
        """Mark as complete, whatever was counted."""
        if self._bar is not None:
            self.done = self.total
            self.progress.update_bar(self._bar, self.total, note)

    def _share(self) -> str:
        return f"{100 * self.done / self.total:.0f} %" if self.total else "0 %"

    def _left(self) -> str:
        rate = (self.done - self._resumed) / max(1e-9, time.monotonic() - self.started)
        return duration((self.total - self.done) / rate) if rate else "…"


class Progress:
    """A display for several tasks; writes to standard error so that output can be piped."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._live: Any = None

    def __enter__(self) -> Self:
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )
            from rich.progress import (
                Progress as RichProgress,
            )

            self._live = RichProgress(
                TextColumn("{task.description:<24}"),
                BarColumn(bar_width=28),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=Console(stderr=True),
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def task(self, name: str, total: float, unit: str = "", *, plain: bool = True) -> Task:
        """Start counting something; without ``plain``, only a terminal shows it."""
        return Task(self, name, total, unit, plain=plain)

    def say(self, line: str) -> None:
        """Write a line above the bars."""
        if self.quiet:
            return
        if self._live is not None:
            self._live.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)  # noqa: T201

    def add_bar(self, name: str, total: float, unit: str) -> Any:
        """Add a bar to the live display; None where there is no terminal."""
        if self._live is None:
            return None
        return self._live.add_task(name, total=total, note=unit)

    def update_bar(self, bar: Any, done: float, note: str) -> None:
        """Move a bar."""
        if self._live is not None:
            fields = {"note": note} if note else {}
            self._live.update(bar, completed=done, **fields)


def duration(seconds: float) -> str:
    """Write a time as people say it: ``48 s``, ``3 min 10 s``, ``2 h 5 min``."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
