"""Who may write in a run folder, and who sees it: drivers, tasks, attempts at the same task."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import mores
from mores import store
from mores.errors import StoreError
from mores.execute import lease
from mores.execute.lease import FOLDER, TOKEN, borrowed, lending, refuse_living
from mores.study import load_study

HOLDS = """
import sys, time
from pathlib import Path
from mores.execute.lease import borrowed
with borrowed(Path(sys.argv[1]), sys.argv[2], "tune m a", who="n1, process 7"):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "SIGHT", 0.0)


@contextmanager
def another_process(folder: Path, token: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the task for some time, from now on."""
    words = [sys.executable, "-c", HOLDS, str(folder), token, str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@contextmanager
def left_behind(folder: Path) -> Iterator[None]:
    """A task that lives on, while its driver was killed and its token lies there."""
    token = folder / FOLDER / TOKEN
    store.write_text(token, "t")
    with another_process(folder, "t", 60):
        yield


LOCKS = """
import sys
from pathlib import Path
from mores import store
from mores.errors import StoreError
try:
    with store.lock(Path(sys.argv[1])):
        print("locked")
except StoreError as error:
    print(error.message)
"""


def locks(folder: Path) -> str:
    """What a process without a token is told that wants the folder."""
    words = [sys.executable, "-c", LOCKS, str(folder)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def test_a_task_works_where_the_driver_holds_the_lock_and_nobody_else_does(tmp_path):
    with (
        store.lock(tmp_path),
        lending(tmp_path) as token,
        another_process(tmp_path, token, 30),  # as on a node
    ):
        assert locks(tmp_path) == "another mores process is at work here"
    assert locks(tmp_path) == "locked"


def test_the_locks_of_steps_pass_inside_a_task_only(tmp_path, monkeypatch):
    """`store.lock` is not taken again: the driver, another process, has it."""
    with lending(tmp_path) as token:
        taken: list[Path] = []
        real = store.held
        monkeypatch.setattr(
            store, "held", lambda path, *a, **k: taken.append(path) or real(path, *a, **k)
        )
        with borrowed(tmp_path, token, "a", who="n1"), store.lock(tmp_path):
            assert [path.name for path in taken] == ["a.lock"]
        with store.lock(tmp_path):
            assert [path.name for path in taken] == ["a.lock", ".lock"]


def test_two_attempts_at_a_task_exclude_each_other(tmp_path):
    """One that lives on, on a node that was cut off; other tasks are not held up."""
    with lending(tmp_path) as token:
        with another_process(tmp_path, token, 30):
            with borrowed(tmp_path, token, "tune m b", who="n2", patience=0.0):
                pass
            with (
                pytest.raises(StoreError) as raised,
                borrowed(tmp_path, token, "tune m a", who="n2", patience=0.1),
            ):
                pass
        assert raised.value.message == (
            "an earlier attempt at 'tune m a' is still at work (n1, process 7)"
        )
        with borrowed(tmp_path, token, "tune m a", who="n2", patience=0.0):
            assert (tmp_path / ".run" / "tune-m-a.who").read_text() == "n2"


def test_a_task_waits_for_the_worker_of_a_node_that_has_just_died(tmp_path):
    with lending(tmp_path) as token, another_process(tmp_path, token, 0.5) as first:
        with borrowed(tmp_path, token, "tune m a", who="n2", patience=20.0):
            pass
        assert first.wait() == 0


def test_storage_that_is_not_shared_is_named_with_the_node(tmp_path):
    with (
        pytest.raises(StoreError, match="node n2 does not see what the run has left") as raised,
        borrowed(tmp_path / "elsewhere", "token", "a", who="n2"),
    ):
        pass
    assert raised.value.path == str(tmp_path / "elsewhere")
    assert "storage that all nodes share, under the same path" in (raised.value.fix or "")
    assert not (tmp_path / "elsewhere").exists()


def test_a_task_of_a_run_that_has_ended_does_nothing(tmp_path):
    """Left in a queue by a driver that was killed; the next driver's token is another."""
    with lending(tmp_path) as before:
        pass
    with (
        lending(tmp_path) as now,
        pytest.raises(StoreError, match="a run that has ended"),
        borrowed(tmp_path, before, "a", who="n1"),
    ):
        pass
    assert before != now


def test_what_the_run_left_for_tasks_goes_when_it_is_complete_only(tmp_path):
    def stops() -> None:
        with lending(tmp_path):
            (tmp_path / ".run" / "log").write_text("why")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stops()
    assert [path.name for path in (tmp_path / ".run").iterdir()] == ["log"]
    with lending(tmp_path):
        pass
    assert not (tmp_path / ".run").exists()


def test_a_run_does_not_begin_beside_a_living_task_of_an_earlier_one(tmp_path):
    """The driver was killed, its task on another node was not."""
    with left_behind(tmp_path), pytest.raises(StoreError, match=r"tune-m-a \(n1, process 7\)"):
        refuse_living(tmp_path, patience=0.2)
    refuse_living(tmp_path, patience=0.2)


@pytest.mark.parametrize(
    "step",
    [
        mores.tune,
        mores.sample,
        mores.sample.sample_stems,
        mores.measure.stance,
        mores.measure.coherence,
        mores.measure.toxicity,
        mores.measure.cooccurrence,
        mores.measure.capability,
        mores.measure.gates,
        mores.run,
    ],
    ids=lambda step: step.__name__,
)
def test_no_step_by_hand_works_beside_a_task_whose_driver_has_died(tiny_study, monkeypatch, step):
    monkeypatch.setattr(lease, "PATIENCE", 0.1)
    study = load_study(tiny_study)
    with left_behind(study.run_folder):
        before = sorted(study.run_folder.rglob("*"))
        with pytest.raises(StoreError) as told:
            step(study)
        assert "tune-m-a (n1, process 7)" in told.value.message
        assert told.value.fix == (
            "stop that process, or wait until it ends; then the same command goes on"
        )
        made = set(study.run_folder.rglob("*")) - set(before)
        assert {p.name for p in made} <= {".lock"}


def test_a_step_inside_a_task_works_beside_other_tasks_of_its_run(tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "PATIENCE", 0.1)
    with lending(tmp_path) as token, another_process(tmp_path, token, 30):
        with borrowed(tmp_path, token, "tune m b", who="here"), lease.alone(tmp_path):
            pass
        with pytest.raises(StoreError, match="tune-m-a"), lease.alone(tmp_path):
            pass
