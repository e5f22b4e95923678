"""Tasks as jobs of Slurm, through submitit, which writes the batch files.

What a task needs is waited for here, not by Slurm: a job stands in the queue only when it can
start. What submitit leaves (batch files, output of jobs) lies in the run folder until the run is
complete.
"""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import ServiceError, StudyError
from mores.execute.lease import FOLDER, SIGHT
from mores.execute.loop import Lost, drive
from mores.execute.task import Site, Task, library
from mores.execute.worker import work

POLL = 2.0
"""Seconds between looks at what has ended."""
QUEUE = 20.0
"""Seconds between questions to Slurm's queue."""
MINUTES = 240
"""A job's time where the settings name none; submitit's own would be five minutes."""
SLURM = "slurm"
KIND = "cluster"
"""The one parameter that is ours: ``local`` does the jobs as processes of this machine."""


class OnSlurm:
    """The Slurm cluster that this machine can send jobs to."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.submitit: Any = library("submitit", SLURM)

    def run(self, tasks: Sequence[Task], *, say: store.Say) -> None:
        """Do every task; see `mores.execute.task.Executor`.

        Raises:
            StudyError: there is no Slurm here, or it knows no such parameter.
            ServiceError: Slurm refuses a job.
        """
        kind = str(self.site.parameters.get(KIND, SLURM))
        if kind == SLURM and shutil.which("sbatch") is None:
            raise StudyError(
                "this machine has no Slurm: there is no sbatch",
                where="--on slurm",
                fix="start the run where jobs can be sent from, such as a login node",
            )
        drive(_Pool(self.submitit, self.site, kind), tasks, self.site, say=say)


class _Pool:
    """The queue as the loop sees it."""

    def __init__(self, submitit: Any, site: Site, kind: str) -> None:
        self.submitit, self.kind = submitit, kind
        folder = site.folder.resolve() / FOLDER / "jobs"
        self.executor = submitit.AutoExecutor(folder=folder, cluster=kind)
        named = {k: v for k, v in site.parameters.items() if k != KIND}
        self.settings = {f"slurm_{name}": value for name, value in named.items()}
        self.looked = time.monotonic()

    def submit(self, task: Task, sent: str) -> Any:
        needed = task.resources
        try:
            self.executor.update_parameters(
                name=task.name.replace(" ", "_").replace("/", "-"),
                timeout_min=MINUTES,
                nodes=1,
                cpus_per_task=needed.cpus,
                # Where no GPU is needed, none is named: many clusters refuse to be asked for 0.
                **({"gpus_per_node": needed.gpus} if needed.gpus else {}),
                **({"mem_gb": needed.memory_gb} if needed.memory_gb else {}),
                **self.settings,
            )
        except (NameError, ValueError, AssertionError) as error:
            raise StudyError(
                f"Slurm's parameters cannot be used: {error}",
                where="execute.slurm",
                fix="use the names that submitit has for them, such as partition, account, time",
            ) from None
        try:
            return self.executor.submit(work, sent)
        except self.submitit.core.utils.FailedJobError as error:
            raise ServiceError(
                f"Slurm refuses the job: {error}",
                where=f"task {task.name!r}",
                fix="see `sinfo`, and execute.slurm, execute.tune and execute.other in study.toml",
            ) from None

    def ended(self, handles: Sequence[Any]) -> Iterable[tuple[Any, str | Lost]]:
        time.sleep(POLL if self.kind == SLURM else 0.2)
        gone = self._gone(handles)
        return [(job, self._outcome(job)) for job in handles if job in gone or _has_result(job)]

    def stop(self, handles: Sequence[Any]) -> None:
        for job in handles:
            job.cancel(check=False)

    def _outcome(self, job: Any) -> str | Lost:
        until = time.monotonic() + (SIGHT if self.kind == SLURM else 0.0)
        while not _has_result(job):
            if time.monotonic() >= until:
                return Lost(f"job {job.job_id} left no result, see {job.paths.stderr}")
            time.sleep(POLL)
        try:
            outcome: str = job.result()
        except self.submitit.core.utils.FailedJobError as error:
            raise ServiceError(f"the job could not begin: {error}", path=job.paths.stderr) from None
        return outcome

    def _gone(self, handles: Sequence[Any]) -> set[Any]:
        """Jobs that are at an end, with or without a result.

        Slurm's accounting would know, but many clusters have none; the queue is always there.
        """
        if self.kind != SLURM:
            return {job for job in handles if job.done()}
        if time.monotonic() - self.looked < QUEUE:
            return set()
        self.looked = time.monotonic()
        asked = ["squeue", "--noheader", "--format=%A", f"--user={getpass.getuser()}"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        if told.returncode:  # the controller is not there for a moment
            return set()
        queue = set(told.stdout.split())
        return {job for job in handles if job.job_id not in queue}


def _has_result(job: Any) -> bool:
    path: Path = job.paths.result_pickle
    os.scandir(path.parent).close()  # a network file system asks again what is there
    return path.exists()
