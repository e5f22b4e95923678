"""Tasks on a Ray cluster: plain remote functions with resources, sent again by our own loop.

The cluster is the one named in the settings or in $RAY_ADDRESS, or the one that this machine
belongs to; where there is none, one is started here for this run. Ray's own retries are off: the
loop sends a lost task again, so that it can say so.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mores import store
from mores.errors import ServiceError, StudyError
from mores.execute.loop import Lost, drive
from mores.execute.task import Resources, Site, Task, library

POLL = 2.0
"""Seconds between looks at what has ended."""
PATIENCE = 60.0
"""Seconds for which tasks wait for a node that could take them, after one was lost."""
ANSWER = 10.0
"""Seconds within which a cluster's address must answer; Ray itself tries for minutes."""


class OnRay:
    """A Ray cluster."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ray: Any = library("ray", "ray")

    def run(self, tasks: Sequence[Task], *, say: store.Say) -> None:
        """Do every task; see `mores.execute.task.Executor`.

        Raises:
            StudyError: no node of the cluster is large enough for a task.
            ServiceError: the cluster does not answer.
        """
        with connected(self.ray, self.site.address, say):
            pool = _Pool(self.ray)
            for task in tasks:  # later, a node that was lost may come back
                if why := pool.short(task.resources):
                    raise _too_large(task, why)
            drive(pool, tasks, self.site, say=say)


@contextlib.contextmanager
def connected(ray: Any, address: str, say: store.Say) -> Iterator[None]:
    """Use a cluster; one that this process has already connected to stays connected.

    Raises:
        ServiceError: there is none at the address, or one of another version.
    """
    if ray.is_initialized():
        yield
        return
    asked = address or os.environ.get("RAY_ADDRESS", "")
    quiet = {"log_to_driver": False, "logging_level": "error"}
    try:
        _answers(asked)
        ray.init(address=asked or "auto", **quiet)
    # Of another version, Ray says RuntimeError; where nothing answers, it ends the process.
    except (OSError, RuntimeError, ValueError, SystemExit) as error:
        if asked or not isinstance(error, ConnectionError):
            raise ServiceError(
                f"the Ray cluster cannot be used: {error}",
                where=f"address {asked or 'auto'}",
                fix="start it with `ray start --head`, the same version of Ray on every node, and "
                "name it in execute.address or RAY_ADDRESS as host:port",
            ) from None
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address="local", include_dashboard=False, **quiet)
        say("no Ray cluster is running here: one of this machine alone was started for this run")
    try:
        yield
    finally:
        ray.shutdown()


def _answers(address: str) -> None:
    """See that something listens at ``host:port``; other forms of address are Ray's to judge."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=ANSWER).close()


class _Pool:
    """The cluster as the loop sees it."""

    def __init__(self, ray: Any) -> None:
        self.ray = ray
        shared, fresh = (ray.remote(max_retries=0, max_calls=n)(_carry_out()) for n in (0, 1))
        self.shared = shared
        self.fresh = fresh
        """For one call, so that a process ends which has once taken hold of a GPU."""
        self.sent: dict[Any, Task] = {}
        self.short_since: float | None = None

    def submit(self, task: Task, sent: str) -> Any:
        needed = task.resources
        words: dict[str, Any] = {"num_cpus": needed.cpus, "num_gpus": needed.gpus}
        if needed.memory_gb:
            words["memory"] = int(needed.memory_gb * 1e9)
        carry_out = self.fresh if needed.gpus else self.shared
        handle = carry_out.options(name=task.name, **words).remote(sent)
        self.sent[handle] = task
        return handle

    def ended(self, handles: Sequence[Any]) -> Iterable[tuple[Any, str | Lost]]:
        ended, others = self.ray.wait(list(handles), num_returns=1, timeout=POLL)
        if not ended:
            self._look_at_nodes(others)
        return [(handle, self._outcome(handle)) for handle in ended]

    def stop(self, handles: Sequence[Any]) -> None:
        for handle in handles:
            self.ray.cancel(handle, force=True)
        if handles:  # wait until they have ended, so that the next run finds nobody at work
            self.ray.wait(list(handles), num_returns=len(handles), timeout=ANSWER)

    def _outcome(self, handle: Any) -> str | Lost:
        errors = self.ray.exceptions
        try:
            outcome: str = self.ray.get(handle)
        except (errors.RayTaskError, errors.TaskCancelledError, errors.RuntimeEnvSetupError) as e:
            raise ServiceError(f"Ray could not run it: {e}", where=self.sent[handle].name) from None
        except errors.RayError as error:
            return Lost(_short_words(error))
        return outcome

    def _look_at_nodes(self, handles: Sequence[Any]) -> None:
        """Give up where nodes were lost and none is left that is large enough.

        Raises:
            StudyError: so it has been for a while.
        """
        tasks = [self.sent[handle] for handle in handles]
        lacking = [(task, why) for task in tasks if (why := self.short(task.resources))]
        if not lacking:
            self.short_since = None
            return
        self.short_since = self.short_since or time.monotonic()
        if time.monotonic() - self.short_since > PATIENCE:
            raise _too_large(*lacking[0])

    def short(self, needed: Resources) -> str:
        """Say what no node has enough of, or nothing where one is large enough."""
        wanted = {"CPU": needed.cpus, "GPU": needed.gpus, "memory": needed.memory_gb * 1e9}
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        if any(all(node.get(k, 0) >= v for k, v in wanted.items()) for node in nodes):
            return ""
        largest = ", ".join(
            f"{int(n.get('CPU', 0))} cpus, {int(n.get('GPU', 0))} gpus, "
            f"{n.get('memory', 0) / 1e9:.1f} GB"
            for n in nodes
        )
        return f"the nodes have {largest or 'nothing'}"


def _too_large(task: Task, why: str) -> StudyError:
    needed = task.resources
    return StudyError(
        f"no node has {needed.cpus} cpus, {needed.gpus} gpus and {needed.memory_gb:g} GB: {why}",
        where=f"task {task.name!r}",
        fix="ask for less in execute.tune or execute.other, or add a node with `ray start`",
    )


def _short_words(error: Exception) -> str:
    """The first sentence of what Ray says."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.partition(". ")[0][:200].rstrip(".")


def _carry_out() -> Any:
    """A function that travels by its code, so that a node without mores can say so."""

    def carry_out(sent: str) -> str:
        import importlib
        import json

        ray: Any = importlib.import_module("ray")
        node = ray.util.get_node_ip_address()
        try:
            from mores.execute.worker import work
        except ImportError as error:
            parts = {
                "kind": "ServiceError",
                "message": f"node {node} cannot import this version of mores: {error}",
                "path": None,
                "line": None,
                "where": None,
                "fix": "install mores there as it is here: pip install 'mores[ray]'",
            }
            return json.dumps({"node": node, "error": parts})
        return work(sent, node=node)

    return carry_out
