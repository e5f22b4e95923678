"""Progress for people: a live display in a terminal, plain lines elsewhere.

with Progress(say_plain=True) as progress:
    task = progress.task("sampling", total=1200, unit="tokens")
    task.advance(40)
"""

from __future__ import annotations

import sys
import time
from collections import deque
from types import TracebackType
from typing import Any, Self

PLAIN_SECONDS = 15.0
"""Time between plain lines of one task."""
SOME_SECONDS = 5.0
"""A rate needs so many seconds of work, and"""
SOME_SHARE = 0.05
"""this share of the total, or"""
SOME_ADVANCES = 3
"""so many advances; each after the first."""
POINTS = 120
"""A rate looks back so far: two minutes, or more where advances take longer than a second."""


class Pace:
    """When a count will have reached its total: as measured, before that by the plan.

    The first advance also pays for loading and warming up, so that time runs from its end; what an
    earlier run has done counts for nothing. Later only the last `POINTS` points count.
    """

    def __init__(self, total: float, planned: float | None = None) -> None:
        """Start counting.

        Args:
            total: what is counted up to.
            planned: seconds that the plan gives to all of it; None where there is no plan.
        """
        self.total, self.planned = total, planned
        self.done = 0.0
        self._last = 0.0
        """When the last advance ended."""
        self._advances = 0
        self._largest = 0.0
        self._points: deque[tuple[float, float]] = deque(maxlen=POINTS)
        """(time, done) at ends of advances, a second apart or more."""

    def reach(self, now: float, done: float) -> None:
        """Say that so much was done by ``now`` (seconds on any clock)."""
        if done > self.done:
            self._advances += 1
            self._largest = max(self._largest, done - self.done)
            self._last = now
        self.done = done
        if self._advances and (not self._points or now - self._points[-1][0] >= 1):
            self._points.append((now, done))

    def skip(self, amount: float) -> None:
        """Count what an earlier run has done: it took no time now."""
        self.done += amount
        self._points = deque(((at, done + amount) for at, done in self._points), maxlen=POINTS)

    def left(self, now: float) -> str:
        """Return the time left in words; empty where nothing is known, or nothing is left."""
        rest = self.total - self.done
        if rest <= 0:
            return ""
        rate = self._rate()
        if rate > 0:
            under_way = min((now - self._last) * rate, self._largest, rest)
            return f"{duration((rest - under_way) / rate)} left"
        if self.planned is None:
            return ""
        return f"about {roughly(self.planned * rest / self.total)} by plan"

    def _rate(self) -> float:
        """Amount a second since the first advance that is remembered; 0 before that says much."""
        if not self._points:
            return 0.0
        start, before = self._points[0]
        seconds, amount = self._last - start, self.done - before
        # The first advance is where time begins, so that it is not among those counted here.
        some = amount >= SOME_SHARE * self.total or self._advances > SOME_ADVANCES
        return amount / seconds if some and seconds >= SOME_SECONDS else 0.0


class Task:
    """One bar: something that is counted up to a total."""

    def __init__(
        self,
        progress: Progress,
        name: str,
        total: float,
        unit: str,
        *,
        planned: float | None = None,
        plain: bool = True,
    ) -> None:
        self.plain = plain
        self.progress, self.name, self.total, self.unit = progress, name, total, unit
        self._pace = Pace(total, planned)
        self._spoken = time.monotonic()
        self._waits = 0.0 if planned is not None and planned >= PLAIN_SECONDS else PLAIN_SECONDS
        """Seconds until the next line: what the plan says of a long task is said at once."""
        self._bar = progress.add_bar(self)

    @property
    def done(self) -> float:
        """How much of the total is done."""
        return self._pace.done

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        """Count ``amount`` more; ``note`` replaces the text after the bar."""
        self.reach(self.done + amount, note)

    def reach(self, done: float, note: str = "") -> None:
        """Say that ``done`` of the total is done."""
        now = time.monotonic()
        self._pace.reach(now, done)
        if self._bar is not None:
            self.progress.update_bar(self._bar, done, note)
            return
        if self.plain and now - self._spoken >= self._waits and done < self.total:
            self._spoken, self._waits = now, PLAIN_SECONDS
            said = ", ".join(filter(None, (self._share(), self.left())))
            self.progress.say(f"  {self.name}: {said} {note}".rstrip())

    def resume(self, done: float) -> None:
        """Go on at ``done``: an earlier run did what lies before, which says nothing of speed."""
        self.skip(done - self.done)

    def skip(self, amount: float) -> None:
        """Count ``amount`` more, which an earlier run has done."""
        self._pace.skip(amount)
        if self._bar is not None and amount:
            self.progress.update_bar(self._bar, self.done, "")

    def finish(self, note: str = "") -> None:
        """Mark as complete, whatever was counted."""
        if self._bar is not None:
            self._pace.done = self.total
            self.progress.update_bar(self._bar, self.total, note)

    def left(self) -> str:
        """Return the time left in words, such as ``2 min left``, or nothing (`Pace`)."""
        return self._pace.left(time.monotonic())

    def _share(self) -> str:
        return f"{100 * self.done / self.total:.0f} %" if self.total else "0 %"


class Progress:
    """A display for several tasks; writes to standard error so that output can be piped."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._live: Any = None

    def __enter__(self) -> Self:
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as RichProgress

            self._live = RichProgress(
                TextColumn("{task.description:<24}"),
                BarColumn(bar_width=28),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeElapsedColumn(),
                _left_column(),
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

    def task(
        self,
        name: str,
        total: float,
        unit: str = "",
        *,
        planned: float | None = None,
        plain: bool = True,
    ) -> Task:
        """Start counting something.

        Args:
            name: what it is.
            total: what is counted up to.
            unit: of what is counted.
            planned: seconds that the plan gives to the whole (`mores.weights.rates`), said until
                a rate can be told; None where there is no plan.
            plain: without it, only a terminal shows the task.
        """
        return Task(self, name, total, unit, planned=planned, plain=plain)

    def say(self, line: str) -> None:
        """Write a line above the bars."""
        if self.quiet:
            return
        if self._live is not None:
            self._live.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)  # noqa: T201

    def add_bar(self, task: Task) -> Any:
        """Add a bar to the live display; None where there is no terminal."""
        if self._live is None:
            return None
        return self._live.add_task(task.name, total=task.total, note=task.unit, left=task.left)

    def update_bar(self, bar: Any, done: float, note: str) -> None:
        """Move a bar."""
        if self._live is not None:
            fields = {"note": note} if note else {}
            self._live.update(bar, completed=done, **fields)


def _left_column() -> Any:
    """A column that says the same as plain lines."""
    from rich.progress import ProgressColumn
    from rich.progress import Task as RichTask
    from rich.text import Text

    class Left(ProgressColumn):
        def render(self, task: RichTask) -> Text:
            return Text(task.fields["left"](), style="progress.remaining")

    return Left()


def duration(seconds: float) -> str:
    """Write a time as people say it: ``48 s``, ``3 min 10 s``, ``2 h 5 min``."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def roughly(seconds: float) -> str:
    """Write a time that is only guessed: to 5 s below a minute, 1 min below an hour, 10 min above.

    At least 5 s.
    """
    step = 5 if seconds < 57.5 else 60 if seconds < 3570 else 600
    return duration(max(5, step * round(seconds / step)))
