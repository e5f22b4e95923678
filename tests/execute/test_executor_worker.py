"""What a node does with an order: versions, place, variables, and what comes back."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from mores.errors import ServiceError
from mores.execute import Resources, Site, Task, lending, worker
from mores.execute.worker import Outcome, order, work

SEEN: list[tuple[str, dict[str, str | None]]] = []
LOOKED = ("MORES_CORES", "MORES_CACHE", "HF_TOKEN", "OPENAI_API_KEY")


def look(*, say) -> None:
    """Note where a task stands."""
    SEEN.append((str(Path.cwd()), {name: os.environ.get(name) for name in LOOKED}))
    say("looked")


TASK = Task("look", f"{__name__}:look", {}, (), Resources(cpus=3))


def sent(folder: Path, token: str, **changes: object) -> str:
    """An order, with some of it changed on the way."""
    plain = msgspec.json.decode(order(TASK, Site(folder=folder, token=token)))
    return msgspec.json.encode(plain | changes).decode()


def answer(order: str) -> Outcome:
    return msgspec.json.decode(work(order, node="n1"), type=Outcome)


def test_a_task_stands_where_the_run_was_started_with_its_variables(tmp_path, monkeypatch):
    """Keys are not among them: nodes have their own."""
    started = tmp_path / "started"
    started.mkdir()
    monkeypatch.chdir(started)
    monkeypatch.setenv("MORES_CACHE", "shared")
    monkeypatch.setenv("HF_TOKEN", "secret-of-the-driver")
    monkeypatch.setenv("OPENAI_API_KEY", "secret-of-the-driver")
    with lending(tmp_path / "run") as token:
        order = sent(tmp_path / "run", token)
        assert "secret-of-the-driver" not in order
        monkeypatch.chdir(tmp_path)  # now as on a node
        monkeypatch.delenv("MORES_CACHE")
        monkeypatch.setenv("HF_TOKEN", "secret-of-the-node")
        monkeypatch.delenv("OPENAI_API_KEY")
        outcome = answer(order)
    assert (outcome.node, outcome.lines, outcome.error, outcome.fault) == (
        "n1",
        ("looked",),
        None,
        "",
    )
    assert SEEN.pop() == (
        str(started),
        {
            "MORES_CORES": "3",
            "MORES_CACHE": "shared",
            "HF_TOKEN": "secret-of-the-node",
            "OPENAI_API_KEY": None,
        },
    )
    assert Path.cwd() == tmp_path
    assert "MORES_CORES" not in os.environ


def test_which_variables_travel():
    names = ["HF_HUB_OFFLINE", "TOKENIZERS_PARALLELISM", "MORES_CACHE"]
    stay = ["HF_TOKEN", "HF_TOKEN_PATH", "MORES_X_APIKEY", "MORES_DB_PASSWORD", "PATH", "X_HF_HOME"]
    assert worker._carried(dict.fromkeys([*names, *stay], "x")) == dict.fromkeys(names, "x")


def test_another_version_on_a_node_is_refused_before_anything_is_done(tmp_path):
    with lending(tmp_path) as token:
        other = worker.versions() | {"mores": "0.0.9"}
        with pytest.raises(ServiceError) as raised:
            answer(sent(tmp_path, token, versions=other)).check("look")
        assert raised.value.message == (
            "node n1 has mores 0.1.0, and the run was started with 0.0.9"
        )
        assert raised.value.where == "task 'look'"
        missing = worker.versions() | {"jax": "1.0"}
        with pytest.raises(ServiceError, match=r"node n1 has jax none, and .* with 1\.0"):
            answer(sent(tmp_path, token, versions=missing)).check("look")
    assert SEEN == []


def test_builds_of_one_version_are_the_same(tmp_path):
    """torch for CPU where the run is started, for CUDA on the nodes."""
    torch = worker.versions()["torch"].partition("+")[0]
    with lending(tmp_path) as token:
        same = worker.versions() | {"torch": f"{torch}+cu130", "python": "3.11.0"}
        answer(sent(tmp_path, token, versions=same)).check("look")
    SEEN.clear()


def test_a_folder_that_is_not_there_is_no_hindrance(tmp_path):
    """Only a relative path would miss it."""
    with lending(tmp_path) as token:
        answer(sent(tmp_path, token, working=str(tmp_path / "gone"))).check("look")
    assert SEEN.pop()[0] == str(Path.cwd())


def test_storage_that_is_not_shared_comes_back_as_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("mores.execute.lease.SIGHT", 0.0)
    outcome = answer(sent(tmp_path / "not-there", "token"))
    assert outcome.error is not None
    assert outcome.error["kind"] == "StoreError"
    assert outcome.error["message"].startswith("node n1, process ")
