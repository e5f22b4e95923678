"""What a node does with a task that it is sent: an order in, an outcome out, both JSON.

    outcome = work(order, node="10.0.0.2")

Nothing is raised: an error crosses as its parts and is raised again where the run was started.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from mores.errors import MoresError, ServiceError, from_parts
from mores.execute.lease import borrowed
from mores.execute.task import Site, Task
from mores.plugins import named
from mores.records import Record
from mores.step import versions

SECRET = ("TOKEN", "KEY", "SECRET", "PASSWORD")
"""Variables with a word in their names that ends so stay where they are: nodes have their own."""
CARRIED = ("MORES_", "HF_", "TRANSFORMERS_", "TOKENIZERS_")


class Order(Record, frozen=True, kw_only=True):
    """One task on its way to a node."""

    task: str
    do: str
    arguments: dict[str, Any]
    cores: int
    folder: str
    token: str
    working: str
    """Where the run was started: relative paths begin there."""
    variables: dict[str, str]
    versions: dict[str, str]


class Outcome(Record, frozen=True, kw_only=True):
    """What became of it."""

    node: str
    seconds: float = 0.0
    lines: tuple[str, ...] = ()
    """What it had to say."""
    error: dict[str, Any] | None = None
    """Parts of the `MoresError` that ended it."""
    fault: str = ""
    """Traceback of any other exception."""

    def check(self, task: str) -> None:
        """Raise what ended the task, if anything did.

        Raises:
            MoresError: as it was raised on the node.
            RuntimeError: a fault, with the node's traceback.
        """
        if self.error is not None:
            raise from_parts(self.error)
        if self.fault:
            raise RuntimeError(f"{task} failed on node {self.node}:\n{self.fault}")


def order(task: Task, site: Site) -> str:
    """Return what a node is sent."""
    made = Order(
        task=task.name,
        do=task.do,
        arguments=dict(task.arguments),
        cores=task.resources.cpus,
        folder=str(site.folder.resolve()),
        token=site.token,
        working=str(Path.cwd()),
        variables=_carried(os.environ),
        versions=versions(),
    )
    return msgspec.json.encode(made).decode()


def _carried(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables that decide where models lie and whether they are fetched; no keys."""
    return {
        name: value
        for name, value in variables.items()
        if name.startswith(CARRIED) and not any(word.endswith(SECRET) for word in name.split("_"))
    }


def work(sent: str, node: str = "") -> str:
    """Do a task.

    Args:
        sent: an `Order` as JSON.
        node: what to call this machine; by default its name.

    Returns:
        The `Outcome` as JSON.
    """
    given = msgspec.json.decode(sent, type=Order)
    node = node or os.environ.get("SLURMD_NODENAME") or platform.node()
    start = time.perf_counter()
    lines: list[str] = []
    error, fault = None, ""
    try:
        _same_versions(given, node)
        who = f"{node}, process {os.getpid()}"
        with (
            _place(given),
            borrowed(Path(given.folder), given.token, given.task, who=who),
        ):
            named(given.do)(**given.arguments, say=lines.append)
    except MoresError as raised:
        error = raised.parts
    except Exception:  # noqa: BLE001 - told and raised where the run was started
        fault = traceback.format_exc()
    outcome = Outcome(
        node=node,
        seconds=time.perf_counter() - start,
        lines=tuple(lines),
        error=error,
        fault=fault,
    )
    return msgspec.json.encode(outcome).decode()


def _same_versions(given: Order, node: str) -> None:
    """Refuse what would give other numbers; of builds for CPU and GPU one version is the same."""
    here = versions()
    for name, wanted in given.versions.items():
        found = here.get(name, "none")
        if name != "python" and found.partition("+")[0] != wanted.partition("+")[0]:
            raise ServiceError(
                f"node {node} has {name} {found}, and the run was started with {wanted}",
                where=f"task {given.task!r}",
                fix="install the same versions on every node (constraints.txt pins them)",
            )


@contextlib.contextmanager
def _place(given: Order) -> Iterator[None]:
    """Stand where the run was started, with its variables and the task's number of threads."""
    new = {**given.variables, "MORES_CORES": str(given.cores)}
    before = {name: os.environ.get(name) for name in new}
    os.environ.update(new)
    working = Path(given.working)
    try:
        # Only a path relative to a folder that is not there would miss it, and says so itself.
        with contextlib.chdir(working) if working.is_dir() else contextlib.nullcontext():
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
