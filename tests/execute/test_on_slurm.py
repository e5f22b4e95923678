"""Jobs through submitit: as processes of this machine, and in a Slurm of our own where one is."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import Any

import executor_contract as contract
import pytest
from slurm_server import SlurmServer, why_not

from mores.cli import main
from mores.errors import ServiceError, StudyError
from mores.execute import Resources, Site, executor_of, on_slurm
from mores.execute.task import Task
from mores.run import run
from mores.study import load_study
from runs import left, timed
from services import absent

try:
    import submitit
except ImportError:
    submitit = None


def make(site: Site) -> Any:
    if submitit is None:
        absent("submitit is not installed: pip install 'mores[slurm]'")
    return executor_of("slurm")(site)


@pytest.fixture(params=["local", "slurm"], scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Settings of a cluster that is there."""
    if request.param == "local":
        yield {"parameters": {"cluster": "local"}}
        return
    if why := why_not():
        pytest.skip(why)
    with SlurmServer(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(on_slurm, "QUEUE", 1.0)
        patch.setattr(on_slurm, "SIGHT", 1.0)
        patch.setattr(on_slurm, "POLL", 0.2)
        yield {"parameters": {"time": 5}}


@pytest.mark.parametrize(
    "holds",
    [
        contract.does_tasks_in_order,
        contract.raises_the_error_of_a_task,
        contract.raises_a_fault_as_one,
        contract.sends_a_lost_task_again,
    ],
)
def test_jobs_keep_the_contract_of_executors(cluster, holds, tmp_path):
    holds(make, tmp_path, **cluster)


@pytest.mark.long  # each of nine jobs loads its libraries anew
def test_a_run_through_jobs_leaves_the_files_of_a_run_here(
    cluster, tiny_study, tmp_path, monkeypatch
):
    there = tmp_path / "there"
    shutil.copytree(tiny_study, there)
    run(load_study(tiny_study), check=False)
    table = ", ".join(f"{k} = {v!r}" for k, v in cluster["parameters"].items())
    words = ["run", there, "--no-check", "--on", "slurm", "--set", f"execute.slurm={{{table}}}"]
    monkeypatch.setattr(sys, "argv", ["mores", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert left(there) == left(tiny_study)
    assert timed(there) == timed(tiny_study)


def test_an_unknown_parameter_is_refused_before_anything_is_sent(tmp_path):
    tasks = [contract.task("a", "note", folder=str(tmp_path), file="a")]
    with pytest.raises(StudyError, match="Unknown argument 'partitoin'") as raised:
        contract.do(make, tmp_path, tasks, parameters={"cluster": "local", "partitoin": "gpu"})
    assert raised.value.where == "execute.slurm"
    assert not (tmp_path / "a").exists()


def test_without_slurm_the_error_says_where_to_start_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StudyError, match="there is no sbatch"):
        contract.do(make, tmp_path, [])


def test_without_submitit_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(StudyError, match="needs submitit") as raised:
        executor_of("slurm")(Site(folder=tmp_path, token=""))
    assert raised.value.fix == "pip install 'mores[slurm]', here and on every node"


def test_what_a_task_uses_is_asked_of_slurm(tmp_path, monkeypatch):
    """The lines of the batch file that would be sent."""
    asked: list[str] = []

    def submit(executor: Any, deed: Any, sent: str) -> str:
        text = submitit.slurm.slurm._make_sbatch_string(
            "x", tmp_path, **executor._executor.parameters
        )
        asked.extend(line.removeprefix("#SBATCH --") for line in text.splitlines())
        raise submitit.core.utils.FailedJobError("no such partition")

    make(Site(folder=tmp_path, token=""))  # absent where submitit is
    monkeypatch.setattr("shutil.which", lambda *_, **__: "/usr/bin/sbatch")
    monkeypatch.setattr(submitit.AutoExecutor, "submit", submit)
    task = Task("tune m a", "deeds:note", {}, (), Resources(cpus=4, gpus=1, memory_gb=1.5))
    with pytest.raises(ServiceError, match="Slurm refuses the job: no such partition"):
        contract.do(make, tmp_path, [task], parameters={"partition": "gpu"})
    assert set(asked) >= {
        "cpus-per-task=4",
        "gpus-per-node=1",
        "mem=1536MB",
        "nodes=1",
        "time=240",
        "partition=gpu",
        "job-name=tune_m_a",
    }
