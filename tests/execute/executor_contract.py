"""What every executor must pass: a chain in order, whole errors, lost workers, going on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mores import store
from mores.errors import DataError, ServiceError
from mores.execute import Executor, Resources, Site, Task, lending

Make = Callable[[Site], Executor]


def do(make: Make, folder: Path, tasks: list[Task], **site: object) -> list[str]:
    """Run tasks as `mores run` does; return what was said."""
    said: list[str] = []
    with store.lock(folder), lending(folder) as token:
        make(Site(folder=folder, token=token, **site)).run(tasks, say=said.append)
    return said


def task(name: str, deed: str, *needs: str, **arguments: object) -> Task:
    return Task(name, f"deeds:{deed}", arguments, needs)


def does_tasks_in_order(make: Make, folder: Path, **site: object) -> None:
    """Each once, after what it needs; with its resources; what it says is said."""
    where = str(folder)
    tasks = [
        Task(
            "last",
            "deeds:note",
            {"folder": where, "file": "last", "sees": ["left", "right"]},
            ("left", "right"),
            Resources(cpus=1),
        ),
        task("left", "note", "first", folder=where, file="left", sees=["first"]),
        task("right", "note", "first", folder=where, file="right", sees=["first"]),
        task("first", "note", folder=where, file="first"),
    ]
    said = do(make, folder, tasks, **site)
    assert {p.name: p.read_text() for p in folder.iterdir() if p.name[0] != "."} == dict.fromkeys(
        ("first", "left", "right", "last"), "made 1"
    )
    done = [line.partition(":")[0] for line in said if ": done " in line]
    assert (done[0], done[-1], sorted(done)) == ("first", "last", sorted(t.name for t in tasks))
    assert said[0].startswith("first: done ")
    assert said[0].endswith(" (1 of 4)")
    assert said[1] == "  wrote first"
    assert not (folder / ".run").exists()


def raises_the_error_of_a_task(make: Make, folder: Path, **site: object) -> None:
    """With its class and all its parts, after one try; what needs it is not begun."""
    where = str(folder)
    tasks = [
        task("bad", "fail", folder=where),
        task("after", "note", "bad", folder=where, file="after"),
    ]
    with pytest.raises(DataError) as raised:
        do(make, folder, tasks, **site)
    assert raised.value.parts == {
        "kind": "DataError",
        "message": "no such category",
        "path": "values.jsonl",
        "line": 7,
        "where": "id 'a'",
        "fix": "name it",
    }
    assert (folder / "failed").read_text() == "x"
    assert not (folder / "after").exists()


def raises_a_fault_as_one(make: Make, folder: Path, **site: object) -> None:
    """No MoresError, and the node's traceback is there."""
    with pytest.raises(RuntimeError, match=r"(?s)odd failed on node .*ZeroDivisionError: of the"):
        do(make, folder, [task("odd", "fault")], **site)


def sends_a_lost_task_again(make: Make, folder: Path, **site: object) -> None:
    """Said each time; given up after the retries, and gone on with by the next run."""
    where = str(folder)
    kept = task("kept", "note", folder=where, file="kept")
    dying = task("dying", "die", "kept", folder=where, times=2)
    with pytest.raises(ServiceError, match="its worker was lost 2 times") as raised:
        do(make, folder, [kept, dying], retries=1, **site)
    assert raised.value.where == "task 'dying'"
    assert "the same command goes on" in (raised.value.fix or "")
    assert (folder / "kept").exists()
    assert not (folder / "survived").exists()
    said = do(make, folder, [kept, dying], retries=1, **site)  # the third try of all
    assert (folder / "survived").exists()
    assert (folder / "died").read_text() == "xxx"
    assert not any("lost" in line for line in said)
