"""Send tasks to a cluster when what they need is done; again where a worker is lost.

A cluster is what can take an order and say what has ended (`Pool`). Each task waits for nothing but
this loop, so that no worker is held by a task that waits for another: there is no deadlock.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from mores import store
from mores.errors import ServiceError
from mores.execute.task import Site, Task, in_order
from mores.execute.worker import Outcome, order
from mores.progress import duration

SILENCE = 300.0
"""Seconds without news after which the loop says what is at work."""


@dataclass(frozen=True)
class Lost:
    """A worker ended without an outcome."""

    why: str


class Pool(Protocol):
    """A cluster as the loop sees it."""

    def submit(self, task: Task, sent: str) -> Any:
        """Send an order; returns a handle that can be hashed.

        Raises:
            MoresError: the cluster will never be able to take it.
        """
        ...

    def ended(self, handles: Sequence[Any]) -> Iterable[tuple[Any, str | Lost]]:
        """Return those that have ended, with their outcome, within a few seconds; perhaps none."""
        ...

    def stop(self, handles: Sequence[Any]) -> None:
        """End what is still at work."""
        ...


def drive(pool: Pool, tasks: Sequence[Task], site: Site, *, say: store.Say) -> None:
    """Do tasks in a pool; see `mores.execute.task.Executor.run`."""
    waiting = in_order(tasks)
    done: set[str] = set()
    lost: Counter[str] = Counter()
    running: dict[Hashable, Task] = {}
    news = time.monotonic()
    try:
        while waiting or running:
            for task in [task for task in waiting if done.issuperset(task.needs)]:
                running[pool.submit(task, order(task, site))] = task
                waiting.remove(task)
            for handle, end in pool.ended(list(running)):
                task = running.pop(handle)
                news = time.monotonic()
                if isinstance(end, Lost):
                    lost[task.name] += 1
                    _again(task, end, lost[task.name], site, say)
                    waiting.insert(0, task)
                    continue
                outcome = msgspec.json.decode(end, type=Outcome)
                outcome.check(task.name)
                done.add(task.name)
                _tell(task, outcome, f"{len(done)} of {len(tasks)}", say)
            if time.monotonic() - news > SILENCE:
                news = time.monotonic()
                at_work = ", ".join(sorted(task.name for task in running.values()))
                say(f"{len(done)} of {len(tasks)} done; sent: {at_work}")
    finally:
        pool.stop(list(running))


def _tell(task: Task, outcome: Outcome, count: str, say: store.Say) -> None:
    spent = duration(outcome.seconds)
    say(f"{task.name}: done on node {outcome.node} after {spent} ({count})")
    for line in outcome.lines:
        say(f"  {line}")


def _again(task: Task, end: Lost, times: int, site: Site, say: store.Say) -> None:
    """Say that a task is sent again, or give up.

    Raises:
        ServiceError: its worker was lost once too often.
    """
    if times > site.retries:
        raise ServiceError(
            f"its worker was lost {times} times, the last time: {end.why}",
            where=f"task {task.name!r}",
            fix="look at the nodes (memory first: execute.tune, execute.other say what a task "
            "uses); everything done is kept, and the same command goes on",
        )
    say(f"{task.name}: its worker was lost ({end.why}); sent again, {times} of {site.retries}")
