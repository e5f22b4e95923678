"""A Ray cluster of two nodes on this machine, one of which dies in the middle of a run."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import executor_contract as contract
import msgspec
import psutil
import pytest

from mores.errors import ServiceError, StudyError
from mores.execute import Resources, Site, Task, executor_of, on_ray
from mores.execute.on_ray import _carry_out, connected
from mores.execute.worker import Outcome
from mores.progress import Progress
from mores.run import run
from mores.study import load_study
from runs import left, timed
from services import absent

try:
    import ray
    from ray.cluster_utils import Cluster
except ImportError:
    ray = None

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")


def make(site: Site) -> Any:
    return executor_of("ray")(site)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes with one core each; this process is connected to the head."""
    if ray is None:
        absent("ray is not installed: pip install 'mores[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        nodes = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        try:
            nodes.add_node(num_cpus=1, num_gpus=1)  # Ray only counts it
            said: list[str] = []
            with connected(ray, nodes.address, said.append):
                assert said == []
                yield nodes
        finally:
            nodes.shutdown()


@pytest.mark.parametrize(
    "holds",
    [
        contract.does_tasks_in_order,
        contract.raises_the_error_of_a_task,
        contract.raises_a_fault_as_one,
        contract.sends_a_lost_task_again,
    ],
)
def test_a_cluster_keeps_the_contract_of_executors(cluster, holds, tmp_path):
    holds(make, tmp_path)


def test_a_task_that_no_node_can_take_is_refused(cluster, tmp_path):
    large = Task("tune m a", "deeds:note", {}, (), Resources(cpus=1, gpus=2))
    with pytest.raises(StudyError, match="no node has 1 cpus, 2 gpus and 0 GB") as raised:
        contract.do(make, tmp_path, [large])
    assert raised.value.where == "task 'tune m a'"
    assert "1 cpus, 1 gpus" in raised.value.message


def test_a_process_that_had_a_gpu_is_used_once(cluster, tmp_path):
    """Which GPU a process sees cannot change once it has taken hold of one."""
    processes = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        deed = {"folder": str(folder), "seconds": 0}
        contract.do(make, folder, [Task("g", "deeds:rest", deed, (), Resources(gpus=1))])
        processes.append((folder / "resting").read_text())
    assert len(set(processes)) == 2


def test_what_is_at_work_ends_with_the_run(cluster, tmp_path):
    """Another task's error ends it, and its lock is free for the next run."""
    where = str(tmp_path)
    resting = contract.task("resting", "rest", folder=where, seconds=60)
    with pytest.raises(Exception, match="no such category"):
        contract.do(make, tmp_path, [resting, contract.task("bad", "fail", folder=where)])
    assert not (tmp_path / "rested").exists()
    quick = contract.task("resting", "rest", folder=where, seconds=0)
    contract.do(make, tmp_path, [quick])
    assert (tmp_path / "rested").exists()


def test_a_run_on_two_nodes_of_which_one_dies_leaves_the_files_of_a_run_here(
    cluster, tiny_study, tmp_path
):
    """The node dies while it tunes; the arm is tuned on the other one, and nothing twice."""
    there = tmp_path / "there"
    shutil.copytree(tiny_study, there)
    more = ("recipe.epochs=12",)
    run(load_study(tiny_study, overrides=more), check=False)
    (second,) = cluster.worker_nodes
    study = load_study(there, overrides=more)
    killed: list[str] = []

    def kill() -> None:
        """Once the second node is at work on an arm."""
        (raylet,) = [p.process.pid for p in second.all_processes["raylet"]]
        until = time.monotonic() + 60
        while not killed and time.monotonic() < until:
            for file in study.run_folder.glob(".run/tune-*.who"):
                worker = int(file.read_text().rpartition(" ")[2])
                if psutil.Process(worker).ppid() == raylet:
                    killed.append(file.stem)
                    cluster.remove_node(second, allow_graceful=False)
                    return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    said = Progress(quiet=True)
    lines: list[str] = []
    said.say = lines.append  # type: ignore[method-assign]
    run(study, check=False, on="ray", progress=said)
    killer.join()
    again = [line for line in lines if "its worker was lost" in line]
    assert len(killed) == len(again) == 1
    assert again[0].startswith(killed[0].replace("-", " ", 1).replace("model-", "model "))
    assert again[0].endswith("sent again, 1 of 3")
    assert left(there) == left(tiny_study)
    assert timed(there) == timed(tiny_study)
    assert not (study.run_folder / ".run").exists()


# Without a cluster ---------------------------------------------------------------------------


class NoRay:
    """Ray where nothing can be reached; says how it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.ended = 0

    def is_initialized(self) -> bool:
        return False

    def init(self, **words: Any) -> None:
        self.asked.append(words)
        if words["address"] != "local":
            raise ConnectionError("Could not find any running Ray instance.")

    def shutdown(self) -> None:
        self.ended += 1


def test_an_address_where_nothing_listens_is_said_at_once():
    """Ray itself would try for two minutes and then end the process."""
    no_ray = NoRay()
    with (
        pytest.raises(ServiceError, match=r"cannot be used: .*refused") as raised,
        connected(no_ray, "127.0.0.1:9", print),
    ):
        pass
    assert raised.value.where == "address 127.0.0.1:9"
    assert no_ray.asked == []


def test_without_a_cluster_one_is_started_for_the_run_and_said_once(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    no_ray, said = NoRay(), []
    with connected(no_ray, "", said.append):
        assert [words["address"] for words in no_ray.asked] == ["auto", "local"]
        assert no_ray.asked[1]["include_dashboard"] is False
    assert no_ray.ended == 1
    assert said == [
        "no Ray cluster is running here: one of this machine alone was started for this run"
    ]


def test_a_cluster_that_was_named_is_not_replaced_by_another(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    no_ray = NoRay()
    with pytest.raises(ServiceError, match="any running Ray"), connected(no_ray, "", print):
        pass
    assert [words["address"] for words in no_ray.asked] == ["auto"]


def test_a_node_without_mores_says_so(monkeypatch):
    """The function travels by its code; here it is called as a node would."""
    util = SimpleNamespace(get_node_ip_address=lambda: "10.0.0.2")
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(util=util))
    monkeypatch.setitem(sys.modules, "mores.execute.worker", None)
    outcome = msgspec.json.decode(_carry_out()("{}"), type=Outcome)
    with pytest.raises(ServiceError, match=r"10\.0\.0\.2 cannot import this version") as raised:
        outcome.check("tune m a")
    assert raised.value.fix == "install mores there as it is here: pip install 'mores[ray]'"


def test_without_ray_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(StudyError, match="needs ray") as raised:
        make(Site(folder=tmp_path, token=""))
    assert raised.value.fix == "pip install 'mores[ray]', here and on every node"


class LostNode(NoRay):
    """Ray after the only node with a GPU was lost; nothing ends."""

    exceptions = None

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {"Alive": True, "Resources": {"CPU": 8.0}},
            {"Alive": False, "Resources": {"GPU": 1}},
        ]

    def remote(self, **_: Any) -> Any:
        sent = SimpleNamespace(remote=lambda _: "handle")
        return lambda deed: SimpleNamespace(options=lambda **words: sent)

    def wait(self, handles: Any, **_: Any) -> Any:
        return [], handles


def test_a_node_that_was_lost_is_waited_for_a_while(monkeypatch, tmp_path):
    """Not for ever: Ray itself would wait without a word."""
    now = [0.0]
    monkeypatch.setattr(on_ray, "time", SimpleNamespace(monotonic=lambda: now[0]))
    pool = on_ray._Pool(LostNode())
    handle = pool.submit(Task("tune m a", "m:f", {}, (), Resources(gpus=1)), "{}")
    for now[0] in (5.0, 30.0, 65.0):
        assert pool.ended([handle]) == []
    now[0] = 66.0
    with pytest.raises(StudyError, match="no node has 1 cpus, 1 gpus"):
        pool.ended([handle])
