"""The engine `openai` against a real vLLM server with the bundled model and both adapters."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from contract import check
from msgspec.structs import replace

from mores.sample.engine import engine_of
from mores.sample.vllm.environment import VARIABLE
from mores.study import Study, load_study
from mores.study.elsewhere import Endpoint
from mores.tune.base import base_of
from mores.tune.run import tune, tuned_folders

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.long,
    pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no vLLM"),
]


@contextmanager
def server(study: Study, log: Path) -> Iterator[str]:
    """Start vLLM's server as docs/engines.md says."""
    spec = study.config.models[0]
    tuned = tuned_folders(study, spec, lambda _: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python = Path(os.environ[VARIABLE])
    command = [
        str(python),  # the program `vllm` looks for another package's version on CPUs
        *("-m", "vllm.entrypoints.openai.api_server"),
        *("--model", base_of(spec).folder),
        *("--served-model-name", spec.name, "--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", "float32", "--max-model-len", "600", "--enforce-eager"),
        *("--enable-lora", "--max-lora-rank", "8", "--max-loras", str(len(tuned) + 1)),
        *("--lora-modules", *(f"{name}={folder}" for name, folder in tuned.items())),
    ]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    environment["PATH"] = f"{python.parent}:{environment['PATH']}"
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            assert process.poll() is None, log.read_text()[-2000:]
            try:
                if httpx.get(f"{url}/health", timeout=2).is_success:
                    break
            except httpx.TransportError:
                time.sleep(1)
        yield f"{url}/v1"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_the_contract_with_a_real_server(tiny_study: Path, tmp_path: Path) -> None:
    path = tiny_study / "study.toml"
    lines = path.read_text("utf-8").splitlines()
    named = ['name = "smollm2-135m"' if x.startswith('name = "tiny-m') else x for x in lines]
    path.write_text("\n".join(named), "utf-8")
    overrides = ("recipe.learning_rate=3e-3", "recipe.anchor=0.0", "recipe.epochs=4")
    study = load_study(tiny_study, overrides=overrides)
    tune(study)
    with server(study, tmp_path / "server.log") as url:
        spec = replace(study.config.models[0], engine="openai", endpoint=Endpoint(url=url))
        asked = study.with_config(replace(study.config, models=(spec,)))
        seen = check(engine_of("openai"), asked, tmp_path, most_other=0.1)
    assert len(seen.facts["probe"]) == 2
    assert all("of the trainer" in line for line in seen.facts["probe"])
    assert seen.facts["answered_by"] == ["control-s1", "smollm2-135m", "values_targeted-s1"]
