"""Runs a program, with its children's memory watched and a limit on its time.

    seen = watched([python, "engine_mores.py", "ask.json", "told.json"], seconds=300)

The parent stays small: it imports neither torch nor any engine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import psutil

EVERY = 0.2
"""Seconds between two looks."""


@dataclass(frozen=True)
class Seen:
    """What was seen of a program from outside."""

    started: float
    """In seconds of the epoch."""
    seconds: float
    """From its start to its end."""
    peak_gb: float
    """Largest resident memory of it and its children together."""
    gpu_peak_gb: float | None
    """Most memory in use on the GPU, beyond what was in use before; None without one."""
    output: str
    """The last line that it printed."""
    error: str
    """Its last words where it failed or ran out of time; empty where it did neither."""


def watched(
    command: Sequence[str], *, seconds: float, environment: Mapping[str, str] | None = None
) -> Seen:
    """Run a program to its end, or to the end of its time.

    Args:
        command: the program and its arguments.
        seconds: after so long it is stopped, with its children.
        environment: its environment; by default ours.
    """
    before = gpu_used_gb()
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as words:
        started = time.time()
        process = subprocess.Popen(
            command, stdout=said, stderr=words, env=environment, start_new_session=True
        )
        watch = _Watch(process.pid, before)
        watch.start()
        try:
            code = process.wait(timeout=max(1.0, seconds))
            error = "" if code == 0 else f"ended with code {code}"
        except subprocess.TimeoutExpired:
            error = f"stopped after {seconds:.0f} s"
        finally:
            watch.over.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # children that were left behind too
            process.wait()
            watch.join()
        taken = time.time() - started
        output = _text(said)
        if error:
            error = f"{error}: {(_text(words) or output)[-3000:]}"
    last = output.rpartition("\n")[2]
    return Seen(started, taken, watch.peak / 1e9, watch.gpu_peak, last, error)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace").strip()


class _Watch(threading.Thread):
    def __init__(self, pid: int, gpu_before: float | None) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.over = threading.Event()
        self.peak = 0
        self.gpu_before = gpu_before
        self.gpu_peak = None if gpu_before is None else 0.0

    def run(self) -> None:
        while not self.over.wait(EVERY):
            self.peak = max(self.peak, self._resident())
            used = None if self.gpu_before is None else gpu_used_gb()
            if used is not None and self.gpu_before is not None:
                self.gpu_peak = max(self.gpu_peak or 0.0, used - self.gpu_before)

    def _resident(self) -> int:
        total = 0
        with contextlib.suppress(psutil.Error):
            for one in [self.process, *self.process.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    total += one.memory_info().rss
        return total


def gpu_used_gb() -> float | None:
    """Memory in use on the first GPU, or None where there is none."""
    if shutil.which("nvidia-smi") is None:
        return None
    told = subprocess.run(
        ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = told.stdout.split()
    return int(lines[0]) * 1.048576e-3 if told.returncode == 0 and lines else None
