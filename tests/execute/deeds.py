"""What the tasks of the tests do, on whatever node; it is imported by name there."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from mores import store
from mores.errors import DataError


def note(folder: str, file: str, *, say: store.Say, sees: tuple[str, ...] = ()) -> None:
    """Write a file after seeing those that it needs."""
    for other in sees:
        assert (Path(folder) / other).exists(), other
    with store.lock(Path(folder)):
        store.write_text(Path(folder) / file, f"made {os.environ.get('MORES_CORES', '1')}")
    say(f"wrote {file}")


def fail(folder: str, *, say: store.Say) -> None:
    """An error of the user's, with all its parts."""
    count(folder, "failed")
    raise DataError("no such category", path="values.jsonl", line=7, where="id 'a'", fix="name it")


def fault(*, say: store.Say) -> None:
    """A fault of the code's."""
    raise ZeroDivisionError("of the task")


def die(folder: str, times: int, *, say: store.Say) -> None:
    """End like a process that the system kills, the first times."""
    if count(folder, "died") <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    store.write_text(Path(folder) / "survived", "")


def rest(folder: str, seconds: float, *, say: store.Say) -> None:
    """Take some time; say where first."""
    store.write_text(Path(folder) / "resting", str(os.getpid()))
    time.sleep(seconds)
    store.write_text(Path(folder) / "rested", "")


def count(folder: str, name: str) -> int:
    """How often this was called, over all processes."""
    with (Path(folder) / name).open("a") as file:
        file.write("x")
    return len((Path(folder) / name).read_text())
