"""Where vLLM is: this environment, one that the user names, or one that is made for it, once.

vLLM pins torch and transformers more tightly than we do, so that the two rarely fit together.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

from mores import store
from mores.errors import ModelError

VARIABLE = "MORES_VLLM_PYTHON"
READY = "ready"
BROKEN_ON_CPU = ("torchvision", "torchaudio", "torchcodec")
"""Come as builds for CUDA, which fail to import beside torch for CPUs; text needs none of them."""


def vllm_python(say: store.Say) -> Path:
    """Return the Python that can import vLLM, making an environment where there is none.

    Args:
        say: where to announce what is installed.

    Raises:
        ModelError: the named Python does not exist, or nothing could be installed.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not Path(named).exists():
            raise ModelError(
                f"there is no Python at {named}",
                where=VARIABLE,
                fix="name the python program of an environment that has vLLM, or unset it",
            )
        return Path(named)
    if find_spec("vllm") is not None:
        return Path(sys.executable)
    requirements = Path(__file__).with_name(f"requirements-{'gpu' if _has_gpu() else 'cpu'}.txt")
    name = store.digest_file(requirements).removeprefix("sha256:")[:12]
    folder = store.cache_folder() / "environments" / f"vllm-{name}"
    if not (folder / READY).exists():
        busy = "another process has been making vLLM's environment for an hour"
        fix = "stop that process, or name another environment in " + VARIABLE
        with store.held(folder.parent / ".lock", busy, fix=fix, seconds=3600):
            if not (folder / READY).exists():
                _make(folder, requirements, say)
    return _python(folder)


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _has_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None


def _make(folder: Path, requirements: Path, say: store.Say) -> None:
    wanted = " ".join(requirements.read_text("utf-8").split())
    say(f"installing {wanted} into {folder}, once: some minutes and gigabytes")
    with store.disk_errors(folder):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
    pip = [str(_python(folder)), "-m", "pip", "--disable-pip-version-check", "-q"]
    _run([*pip, "install", "--no-compile", "-r", str(requirements)])
    if "cpu" in requirements.stem:
        _run([*pip, "uninstall", "-y", *BROKEN_ON_CPU])
    _run([str(_python(folder)), "-c", "import vllm"])
    store.write_text(folder / READY, wanted + "\n")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise ModelError(
            f"vLLM could not be installed: {last[0] if last else 'no reason given'}",
            where=" ".join(command[1:5]),
            fix=f"install it in an environment of your own and name its python in {VARIABLE}, or "
            'set engine = "torch"',
        )
