"""The seam of execution: a task is a function's name and plain arguments; an executor does many.

    Task("tune m control-s1", "mores.tasks:do", {"step": "tune"}, needs=("rejected m",))

A third party adds an executor through an entry point of the group `mores.executors`: a callable
that takes a `Site` and returns an object with the method `run`. Every executor must pass
`tests/execute/executor_contract.py`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Protocol, cast

from msgspec import Meta

from mores import store
from mores.errors import StudyError
from mores.plugins import plugin
from mores.records import Count, Positive, Record

GROUP = "mores.executors"
BUILT_IN = {
    "here": "mores.execute.here:Here",
    "ray": "mores.execute.on_ray:OnRay",
    "slurm": "mores.execute.on_slurm:OnSlurm",
}


class Resources(Record, frozen=True, kw_only=True):
    """What one task uses of a node."""

    cpus: Positive = 1
    """Cores, and with them threads."""
    gpus: Count = 0
    memory_gb: Annotated[float, Meta(ge=0.0)] = 0.0
    """0: not said, so that nothing is set aside."""


ONE_CORE = Resources()


@dataclass(frozen=True)
class Task:
    """Something to be done once, anywhere."""

    name: str
    """Told to people; every task of a run has its own."""
    do: str
    """``module:function``; it is called with the arguments and ``say``."""
    arguments: Mapping[str, Any]
    """What JSON can hold."""
    needs: Sequence[str] = ()
    """Names of the tasks that must be done first."""
    resources: Resources = ONE_CORE


@dataclass(frozen=True)
class Site:
    """What an executor is told of a run."""

    folder: Path
    """The run's folder, on storage that all nodes share."""
    token: str
    """What `mores.execute.lease.lending` gave for it."""
    retries: int = 3
    """How often a task is sent again whose worker was lost."""
    address: str = ""
    """Of the cluster; empty where the executor finds it."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Settings of this kind of cluster."""


class Executor(Protocol):
    """Does tasks."""

    def run(self, tasks: Sequence[Task], *, say: store.Say) -> None:
        """Do every task once, those that it needs before it; say each that is done.

        Raises:
            MoresError: the first error of a task, as it was raised there; no other task is then
                begun. ServiceError where workers are lost again and again.
        """
        ...


def executor_of(name: str) -> Callable[[Site], Executor]:
    """Return what makes an executor of that name.

    Raises:
        StudyError: there is none, or what an installed package gives cannot be loaded.
    """
    found = plugin("executor", name, BUILT_IN, GROUP, StudyError, where="--on")
    return cast("Callable[[Site], Executor]", found)


def library(name: str, extra: str) -> ModuleType:
    """Import the library that an executor stands on.

    Raises:
        StudyError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise StudyError(
            f"this needs {name}, which cannot be imported: {error}",
            where=f"--on {extra}",
            fix=f"pip install 'mores[{extra}]', here and on every node",
        ) from None


def in_order(tasks: Sequence[Task]) -> list[Task]:
    """Return tasks so that each comes after those that it needs, otherwise as they were.

    Raises:
        ValueError: a name is there twice, a need is not there, or tasks wait for each other.
    """
    by_name = {task.name: task for task in tasks}
    if len(by_name) != len(tasks):
        raise ValueError("two tasks have the same name")
    ordered: list[Task] = []
    done: set[str] = set()
    while len(ordered) < len(tasks):
        ready = [t for t in tasks if t.name not in done and done.issuperset(t.needs)]
        if not ready:
            waiting = sorted(set(by_name) - done)
            raise ValueError(f"these tasks wait for each other or for none: {waiting}")
        ordered += ready
        done |= {task.name for task in ready}
    return ordered
