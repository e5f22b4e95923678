"""The tuner `fsdp`: one arm by several processes of this machine, one for each GPU.

    [[models]]
    name = "meta-llama/Llama-3.3-70B-Instruct"
    tuner = "fsdp"

torch's own launcher starts the processes; they take every step together (see
`mores.tune.sharded.ranks`) and leave the files that one process leaves. When one of them dies, all
end; called again, the tuner goes on from the last checkpoint, and so could one process, or another
number of them.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mores import errors, store
from mores.errors import MoresError, TuneError
from mores.progress import Progress, Task
from mores.step import Made
from mores.study import ModelSpec
from mores.tune.here import train
from mores.tune.memory import Room
from mores.tune.sharded.worker import JOB, MADE, Failure, Work
from mores.tune.tuner import TuneJob

WORKER = "mores.tune.sharded.worker"
LAST = 40
"""Lines of the processes' errors that are kept."""


def tune(job: TuneJob) -> Made:
    """Tune one arm with as many processes as there are GPUs, or as the model's entry says.

    Raises:
        TuneError: no GPU and no number of processes, a process died, or the run diverged.
        MoresError: whatever `mores.tune.here.train` raises, by the process that raised it.
    """
    if (count := processes(job.spec)) == 1:
        return train(job)
    room = Room(tokens=job.recipe.micro_tokens)
    while True:
        with tempfile.TemporaryDirectory(prefix="mores-") as name:
            folder = Path(name)
            work = Work.of(job, room)
            store.write_text(folder / JOB, msgspec.json.encode(work).decode())
            tail = _run(count, folder, job.progress)
            if (folder / MADE).exists():
                made = msgspec.json.decode((folder / MADE).read_bytes(), type=Made)
                return Made(made.files, made.facts, {**made.timing, "processes": count})
            less = _failed(folder, count, tail)
        job.progress.say(f"GPU memory is full: starting again with {less}; the result is the same")
        room = less


def processes(spec: ModelSpec) -> int:
    """Return how many processes tune a model.

    Raises:
        TuneError: nothing says how many, or there are fewer GPUs.
    """
    import torch

    gpus = torch.cuda.device_count()
    if not spec.processes and not gpus:
        raise TuneError(
            'tuner = "fsdp" starts a process for each GPU, and there is none',
            where=f"model {spec.name}",
            fix='set tuner = "torch", or processes = 2 to divide the model among CPU processes',
        )
    if gpus and spec.processes > gpus:
        raise TuneError(
            f"processes = {spec.processes}, but this machine shows {gpus} GPUs",
            where=f"model {spec.name}",
            fix="leave processes out: it is then the number of GPUs",
        )
    return spec.processes or gpus


def _run(count: int, folder: Path, progress: Progress) -> list[str]:
    """Start the processes and show what the first one tells; return the last lines of errors."""
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    tail: deque[str] = deque(maxlen=LAST)
    with subprocess.Popen(
        [sys.executable, "-m", *launcher, "-m", WORKER, str(folder)],
        stdin=subprocess.PIPE,  # never written to: it ends when this process does
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as running:
        assert running.stdin
        assert running.stdout
        assert running.stderr
        stderr = threading.Thread(target=tail.extend, args=(running.stderr,), daemon=True)
        stderr.start()
        try:
            _show(running.stdout, progress)
            running.wait()
        finally:
            # Whatever has happened here, the processes end.
            running.stdin.close()
            running.wait()
            stderr.join()
    return list(tail)


def _show(lines: Iterator[str], progress: Progress) -> None:
    """Show what the first process tells; other lines come from libraries."""
    tasks: dict[int, Task] = {}
    for line in lines:
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if not isinstance(told, dict):
                continue
            if "say" in told:
                progress.say(told["say"])
            elif "name" in told:
                tasks[told["bar"]] = progress.task(told["name"], told["total"], told["unit"])
            elif "bar" in told:
                task = tasks[told["bar"]]
                if not task.done:  # where it goes on from says nothing of the speed
                    task.resume(told["done"])
                task.reach(told["done"], told["note"])


def _failed(folder: Path, count: int, tail: list[str]) -> Room:
    """Raise what went wrong, or return the room to begin again with."""
    reasons = [
        store.as_record(store.read_json(path), Failure, path=path)
        for path in sorted(folder.glob("failure-*.json"))
    ]
    for why in reasons:
        if why.room is None:
            kind: type[MoresError] = getattr(errors, why.kind)
            raise kind(why.message, path=why.path, line=why.line, where=why.where, fix=why.fix)
    for why in reasons:
        if why.room is not None:
            return why.room
    text = "".join(tail)
    ends = re.findall(r"rank\s*: (\d+).*\n\s*exitcode\s*: (-?\d+)", text)
    # The launcher names the first failure last; what is killed takes the others with it.
    killed = [end for end in ends if end[1].startswith("-") and end[1] != "-15"]
    rank, code = [("?", "1"), *ends, *killed][-1]
    how = f"was killed by signal {code[1:]}" if code.startswith("-") else f"ended with code {code}"
    said = re.findall(r"^(?:\[rank\d+\]: )?([\w.]*(?:Error|Exception)\b.*)", text, re.MULTILINE)
    raise TuneError(
        f"process {rank} of {count} {how}" + (f": {said[-1]}" if said else ""),
        where="tuner fsdp",
        fix="run it again: it goes on from its last checkpoint. Signal 9 is often the system's "
        "answer to a lack of memory (docs/gpus.md)",
    )
