"""Tasks one after the other in this process: what the other executors must agree with."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mores import store
from mores.execute.task import Site, Task, in_order
from mores.plugins import named
from mores.progress import duration


class Here:
    """This process, which holds the run folder's lock itself."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def run(self, tasks: Sequence[Task], *, say: store.Say) -> None:
        """Do every task; see `mores.execute.task.Executor`."""
        for number, task in enumerate(in_order(tasks), 1):
            start, lines = time.perf_counter(), list[str]()
            named(task.do)(**task.arguments, say=lines.append)
            spent = duration(time.perf_counter() - start)
            say(f"{task.name}: done here after {spent} ({number} of {len(tasks)})")
            for line in lines:
                say(f"  {line}")
