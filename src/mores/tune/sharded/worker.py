"""What torch's launcher starts in each process: read the job, train, let the first one tell.

    python -m torch.distributed.run --nproc-per-node 2 -m mores.tune.sharded.worker FOLDER

The first process writes one JSON object a line to standard output (`Told`) and what was made into
the folder; each process that fails leaves its reason there.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

from mores import store
from mores.errors import MoresError
from mores.progress import Progress, Task
from mores.records import Record
from mores.study import ArmKey
from mores.study.travel import Sent
from mores.tune.memory import NeedsRoom, Room
from mores.tune.tuner import TuneJob
from mores.weights.resolve import ResolvedModel

JOB = "job.json"
MADE = "made.json"


class Work(Record, frozen=True, kw_only=True):
    """A `TuneJob` as a file."""

    study: Sent
    model: int
    """Which of the study's models."""
    resolved: ResolvedModel
    key: ArmKey
    into: str
    room: Room

    @classmethod
    def of(cls, job: TuneJob, room: Room) -> Work:
        """Write down a job."""
        return cls(
            study=Sent.of(job.study),
            model=job.study.config.models.index(job.spec),
            resolved=job.resolved,
            key=job.key,
            into=str(job.folder),
            room=room,
        )

    def job(self, progress: Progress) -> TuneJob:
        """Return the job again."""
        study = self.study.open()
        spec = study.config.models[self.model]
        return TuneJob(study, spec, self.resolved, self.key, Path(self.into), progress)


class Failure(Record, frozen=True, kw_only=True):
    """Why a process has ended."""

    kind: str
    """Name of the class of the error."""
    message: str
    path: str | None = None
    line: int | None = None
    where: str | None = None
    fix: str | None = None
    room: Room | None = None
    """Not an error: begin again with this."""


class Told(Progress):
    """Progress told to the process that shows it, as JSON lines."""

    def __init__(self) -> None:
        super().__init__()
        self._bars = 0

    def say(self, line: str) -> None:
        """Pass a line on."""
        self._tell(say=line)

    def add_bar(self, task: Task) -> int:
        """Pass a new bar on; return its number."""
        self._bars += 1
        self._tell(bar=self._bars, name=task.name, total=task.total, unit=task.unit)
        return self._bars

    def update_bar(self, bar: int, done: float, note: str) -> None:
        """Pass on how far it is."""
        self._tell(bar=bar, done=done, note=note)

    def _tell(self, **what: Any) -> None:
        print(json.dumps(what), flush=True)  # noqa: T201 - the protocol


def main(folder: Path) -> None:
    """Do this process's share of the job in a folder."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    rank = os.environ["RANK"]
    try:
        _work(folder)
    except NeedsRoom as error:
        _fail(folder, rank, Failure(kind="NeedsRoom", message=str(error), room=error.room))
    except MoresError as e:
        kind = type(e).__name__
        told = {"path": e.path, "line": e.line, "where": e.where, "fix": e.fix}
        _fail(folder, rank, Failure(kind=kind, message=e.message, **told))  # type: ignore[arg-type]


def _work(folder: Path) -> None:
    import torch.distributed as dist

    from mores.tune.here import train
    from mores.tune.sharded.ranks import Ranks

    work = store.as_record(store.read_json(folder / JOB), Work, path=folder / JOB)
    group = Ranks()
    made = train(work.job(Progress(quiet=True) if group.rank else Told()), group, work.room)
    if not group.rank:
        store.write_text(folder / MADE, msgspec.json.encode(made).decode())
    dist.barrier()
    dist.destroy_process_group()


def _fail(folder: Path, rank: str, failure: Failure) -> None:
    store.write_text(folder / f"failure-{rank}.json", msgspec.json.encode(failure).decode())
    sys.stdout.flush()
    # Not sys.exit: what waits for the other processes would wait for ever.
    os._exit(1)


def _end_with_parent() -> None:
    """End when standard input does: the launcher gives each process a session of its own."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
