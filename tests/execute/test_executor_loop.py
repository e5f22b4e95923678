"""The loop that sends tasks, with a cluster of our own making."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mores.errors import MoresError, ServiceError, StudyError
from mores.execute import Site, Task, executor_of, loop
from mores.execute.loop import Lost, drive
from mores.execute.task import in_order
from mores.execute.worker import Outcome

SITE = Site(folder=Path("run"), token="t", retries=2)


def a_task(name: str, *needs: str) -> Task:
    return Task(name, "m:f", {}, needs)


class Fake:
    """Ends one task at a look, the one that was sent last."""

    def __init__(self, end: Callable[[str, int], Outcome | Lost]) -> None:
        self.end = end
        self.sent: list[str] = []
        self.at_most = 0
        self.stopped: list[Any] = []

    def submit(self, task: Task, sent: str) -> Any:
        self.sent.append(task.name)
        return (task.name, len(self.sent))

    def ended(self, handles: Any) -> Any:
        self.at_most = max(self.at_most, len(handles))
        name, number = handles[-1]
        end = self.end(name, self.sent.count(name))
        told = end if isinstance(end, Lost) else msgspec.json.encode(end).decode()
        return [((name, number), told)]

    def stop(self, handles: Any) -> None:
        self.stopped += [name for name, _ in handles]


def fine(name: str, times: int) -> Outcome:
    return Outcome(node="10.0.0.2", seconds=40.2, lines=("loss 1.2",))


def test_tasks_are_sent_when_what_they_need_is_done(tmp_path):
    pool, said = Fake(fine), []
    drive(pool, [a_task("c", "a", "b"), a_task("a"), a_task("b")], SITE, say=said.append)
    assert pool.sent == ["a", "b", "c"]
    assert pool.at_most == 2
    assert said[:2] == ["b: done on node 10.0.0.2 after 40 s (1 of 3)", "  loss 1.2"]
    assert said[-2] == "c: done on node 10.0.0.2 after 40 s (3 of 3)"
    assert pool.stopped == []


def test_a_lost_task_is_sent_again_and_said_each_time():
    pool = Fake(lambda name, times: Lost("the node died") if times < 3 else fine(name, times))
    said: list[str] = []
    drive(pool, [a_task("a")], SITE, say=said.append)
    assert said[:2] == [
        "a: its worker was lost (the node died); sent again, 1 of 2",
        "a: its worker was lost (the node died); sent again, 2 of 2",
    ]


def test_after_the_retries_the_rest_is_stopped():
    pool = Fake(lambda name, times: Lost("out of memory") if name == "b" else fine(name, times))
    with pytest.raises(ServiceError, match="lost 3 times, the last time: out of memory") as raised:
        drive(pool, [a_task("a"), a_task("b")], SITE, say=lambda line: None)
    assert raised.value.where == "task 'b'"
    assert pool.stopped == ["a"]


def test_the_first_error_of_a_task_ends_the_run():
    error = StudyError("no", path="study.toml", line=2, fix="yes").parts
    pool = Fake(
        lambda name, times: Outcome(node="n", error=error) if name == "b" else fine(name, 1)
    )
    with pytest.raises(StudyError) as raised:
        drive(pool, [a_task("a"), a_task("b"), a_task("c", "b")], SITE, say=lambda line: None)
    assert raised.value.parts == error
    assert pool.sent == ["a", "b"]
    assert pool.stopped == ["a"]


def test_a_long_silence_is_broken(monkeypatch):
    monkeypatch.setattr(loop, "SILENCE", -1.0)
    said: list[str] = []
    drive(Fake(fine), [a_task("a"), a_task("b")], SITE, say=said.append)
    assert "1 of 2 done; sent: a" in said


@pytest.mark.parametrize(
    ("tasks", "why"),
    [
        ([a_task("a"), a_task("a")], "two tasks have the same name"),
        ([a_task("a", "b"), a_task("b", "a")], "wait for each other"),
        ([a_task("a", "z")], "wait for each other or for none: \\['a'\\]"),
    ],
)
def test_tasks_that_could_never_all_be_done_are_a_fault(tasks, why):
    with pytest.raises(ValueError, match=why):
        in_order(tasks)


def test_an_unknown_executor_is_refused_with_those_there_are():
    with pytest.raises(StudyError, match="no executor 'rya'; did you mean 'ray'") as raised:
        executor_of("rya")
    assert raised.value.fix == "executors: here, ray, slurm"


def test_an_installed_executor_is_found_and_its_failure_is_its_own(monkeypatch):
    class Point:
        def __init__(self, name: str, value: Any) -> None:
            self.name, self.value = name, value

        def load(self) -> Any:
            if self.value is None:
                raise ImportError("no module named kubernetes")
            return self.value

    def points(group: str) -> list[Point]:
        assert group == "mores.executors"
        return [Point("mine", list), Point("broken", None)]

    monkeypatch.setattr("mores.plugins.entry_points", points)
    assert executor_of("mine") is list
    with pytest.raises(MoresError, match="failed: ImportError: no module named kubernetes"):
        executor_of("broken")
