"""The tuner `fsdp`: starts the processes, shows how far they are, and says what went wrong."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import msgspec
import psutil
import pytest
from safetensors.torch import load_file

from mores import errors, store
from mores.errors import DataError, TuneError
from mores.progress import Progress
from mores.step import Made
from mores.study import ArmKey, load_study
from mores.tune import here
from mores.tune.adapters import ADAPTER_WEIGHTS
from mores.tune.base import base_of
from mores.tune.checkpoint import CHECKPOINT
from mores.tune.memory import NeedsRoom, Room
from mores.tune.sharded import launch, worker
from mores.tune.sharded.launch import processes
from mores.tune.sharded.worker import Work
from mores.tune.tuner import LOG, TuneJob, tuner_of


class Watched(Progress):
    """Keeps what is said, and calls a function with each step that a bar shows."""

    def __init__(self, on_step=lambda done: None) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.done: list[float] = []
        self.on_step = on_step

    def say(self, line: str) -> None:
        self.lines.append(line)

    def add_bar(self, task) -> int:
        return 1

    def update_bar(self, bar, done, note) -> None:
        self.done.append(done)
        self.on_step(done)


@pytest.fixture
def job_of(tiny_study, tmp_path):
    """A job that two processes do, or one."""
    study = load_study(tiny_study, overrides=("recipe.epochs=3", "recipe.anchor=0.5"))
    spec = msgspec.structs.replace(study.config.models[0], tuner="fsdp", processes=2)
    study = study.with_config(msgspec.structs.replace(study.config, models=(spec,)))
    key, base = ArmKey("values_targeted", 1), base_of(spec)
    return lambda name, progress: TuneJob(study, spec, base, key, tmp_path / name, progress)


@pytest.fixture
def slow(monkeypatch):
    """Start the processes with a worker that leaves time to do something to it."""
    monkeypatch.setattr(launch, "WORKER", "slow_worker")
    path = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), path]))


def workers() -> list[psutil.Process]:
    """The processes of a tune that is going on: they have a rank."""
    return [p for p in psutil.Process().children(recursive=True) if "RANK" in p.environ()]


def rows(folder: Path) -> list[dict]:
    return [row for _, row in store.read_rows(folder / LOG)]


@pytest.mark.long
def test_a_killed_process_ends_all_and_the_next_call_goes_on_to_the_same_arm(job_of, slow):
    alone = Watched()
    expected = here.train(job_of("alone", alone))
    killed = []

    def kill(done: float) -> None:
        if done >= 0.5 and not killed:
            killed.append(max(workers(), key=lambda p: int(p.environ()["RANK"])))
            killed[0].send_signal(signal.SIGKILL)

    first = Watched(kill)
    job = job_of("together", first)
    with pytest.raises(TuneError, match=r"process 1 of 2 was killed by signal 9") as told:
        tuner_of("fsdp")(job)
    assert "goes on from its last checkpoint" in str(told.value)
    assert not workers()
    assert (job.folder / CHECKPOINT).exists()
    assert not (job.folder / ADAPTER_WEIGHTS).exists()
    again = Watched()
    made = tuner_of("fsdp")(job_of("together", again))
    assert again.done[0] > 1.5 / 9  # it went on, and not from the first of nine steps
    assert made.files == expected.files
    assert made.facts == expected.facts
    assert made.timing["processes"] == 2
    assert [re.sub(r"\d+ tokens/s, .*", "", line) for line in again.lines] == [
        re.sub(r"\d+ tokens/s, .*", "", line) for line in alone.lines
    ]
    one, two = (load_file(job.folder.parent / n / ADAPTER_WEIGHTS) for n in ("alone", "together"))
    assert sorted(one) == sorted(two)
    assert max(float((one[n] - two[n]).abs().max()) for n in one) <= 1e-6
    for row, other in zip(rows(job.folder), rows(job.folder.parent / "alone"), strict=True):
        assert row == pytest.approx(other, abs=1e-5)


@pytest.mark.long
def test_nothing_goes_on_when_the_one_who_waits_is_interrupted(job_of, slow):
    found = []

    def stop(done: float) -> None:
        found.extend(workers())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuner_of("fsdp")(job_of("together", Watched(stop)))
    assert len(found) == 2
    assert not any(process.is_running() for process in found)


# Without starting anything ---------------------------------------------------------------


@pytest.fixture
def ended(monkeypatch):
    """A worker's last act, without the end of this process."""
    monkeypatch.setattr(worker.os, "_exit", lambda code: None)
    monkeypatch.setattr(worker, "_end_with_parent", lambda: None)
    monkeypatch.setenv("RANK", "1")

    def end(folder: Path, error: BaseException) -> None:
        def work(folder: Path) -> None:
            raise error

        monkeypatch.setattr(worker, "_work", work)
        worker.main(folder)

    return end


def test_an_error_of_any_process_is_raised_as_it_is(tmp_path, ended):
    error = DataError("too long", path="values.jsonl", line=3, where="id 'v-1'", fix="shorten it")
    ended(tmp_path, error)
    with pytest.raises(DataError) as told:
        launch._failed(tmp_path, 2, ["noise\n"])
    assert str(told.value) == str(error)


def test_an_error_goes_before_short_memory(tmp_path, ended, monkeypatch):
    ended(tmp_path, NeedsRoom(Room(tokens=64)))
    assert launch._failed(tmp_path, 2, []) == Room(tokens=64)
    monkeypatch.setenv("RANK", "2")
    ended(tmp_path, errors.ModelError("damaged"))
    with pytest.raises(errors.ModelError, match="damaged"):
        launch._failed(tmp_path, 3, [])


def test_short_memory_starts_all_again_with_less(job_of, ended, monkeypatch):
    """Two tries are too much: the first passes of 512 tokens, and those of 256."""
    rooms = []

    def run(count: int, folder: Path, progress: Progress) -> list[str]:
        rooms.append(store.as_record(store.read_json(folder / worker.JOB), Work, path=folder).room)
        if len(rooms) < 3:
            ended(folder, NeedsRoom(rooms[-1].smaller([100, 90])))
        else:
            (folder / worker.MADE).write_bytes(msgspec.json.encode(Made(["a"], {"b": 1})))
        return []

    monkeypatch.setattr(launch, "_run", run)
    progress = Watched()
    made = launch.tune(job_of("x", progress))
    assert made == Made(["a"], {"b": 1}, {"processes": 2})
    assert [room.tokens for room in rooms] == [512, 256, 128]
    assert progress.lines == [
        f"GPU memory is full: starting again with passes of {tokens} tokens; the result is the same"
        for tokens in (256, 128)
    ]


def test_what_no_process_could_tell_is_read_from_the_launcher(tmp_path):
    tail = [
        "[rank0]: RuntimeError: Connection closed by peer\n",
        "  rank      : 0 (local_rank: 0)\n",
        "  exitcode  : 1 (pid: 10)\n",
        "  rank      : 1 (local_rank: 1)\n",
        "  exitcode  : -11 (pid: 11)\n",
        "  rank      : 2 (local_rank: 2)\n",
        "  exitcode  : -15 (pid: 12)\n",
    ]
    with pytest.raises(TuneError, match=r"process 1 of 3 was killed by signal 11"):
        launch._failed(tmp_path, 3, tail)
    with pytest.raises(
        TuneError, match=r"process 0 of 3 ended with code 1: RuntimeError: Connection closed"
    ):
        launch._failed(tmp_path, 3, tail[:3])


def test_a_job_is_the_same_when_it_is_read_again(job_of, tmp_path):
    job = job_of("x", Progress(quiet=True))
    study = job.study.variant("sweep/a", job.study.config, frozenset({"v-01", "v-03"}))
    job = TuneJob(study, job.spec, job.resolved, job.key, job.folder, job.progress)
    written = msgspec.json.encode(Work.of(job, Room(tokens=7)))
    again = msgspec.json.decode(written, type=Work).job(job.progress)
    assert (again.spec, again.resolved, again.key) == (job.spec, job.resolved, job.key)
    assert again.recipe == job.recipe
    assert again.study.run_folder == study.run_folder
    assert again.study.kept == study.kept
    assert again.folder.resolve() == job.folder.resolve()


@pytest.mark.parametrize(
    ("gpus", "asked", "expected"),
    [
        (0, 2, 2),
        (4, 0, 4),
        (4, 3, 3),
        (0, 0, "there is none"),
        (2, 4, "this machine shows 2 GPUs"),
    ],
)
def test_as_many_processes_as_gpus_or_as_asked_for(job_of, monkeypatch, gpus, asked, expected):
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    spec = msgspec.structs.replace(job_of("x", None).spec, processes=asked)
    if isinstance(expected, int):
        assert processes(spec) == expected
        return
    with pytest.raises(TuneError, match=expected):
        processes(spec)
