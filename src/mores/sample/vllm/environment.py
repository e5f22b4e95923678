"""Where vLLM is: this environment, one that the user names, or one that is made for it, once.

vLLM pins torch and transformers more tightly than we do, so that the two rarely fit together.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from mores import store
from mores.errors import ModelError

VARIABLE = "MORES_VLLM_PYTHON"
READY = "ready"
BROKEN_ON_CPU = ("torchvision", "torchaudio", "torchcodec")
"""Come as builds for CUDA, which fail to import beside torch for CPUs; text needs none of them."""


@dataclass(frozen=True)
class Beside:
    """A library with a Python of its own."""

    library: str
    module: str
    variable: str
    """Environment variable in which the user may name a Python that has it."""
    wanted: str
    """What is installed; another text makes another environment."""
    commands: Callable[[Path], Sequence[Sequence[str]]]
    """The new environment's Python → what to run, the last of which shows that it works."""
    instead: str
    """What the user can do without it."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of these commands."""

    @property
    def folder(self) -> Path:
        """Where the environment is made."""
        name = store.digest_bytes(self.wanted.encode()).removeprefix("sha256:")[:12]
        return store.cache_folder() / "environments" / f"{self.module}-{name}"

    def found(self) -> Path | None:
        """The Python that has it, or None where one would have to be made.

        Raises:
            ModelError: the named Python does not exist.
        """
        named = os.environ.get(self.variable)
        if named:
            if not Path(named).exists():
                raise ModelError(
                    f"there is no Python at {named}",
                    where=self.variable,
                    fix=f"name the python program of an environment that has {self.library}, "
                    "or unset it",
                )
            return Path(named)
        own = find_spec(self.module)
        if own is not None and own.origin:  # a mere folder of that name has none
            return Path(sys.executable)
        return _python(self.folder) if (self.folder / READY).exists() else None

    def python(self, say: store.Say) -> Path:
        """Return the Python that has it, making an environment where there is none.

        Args:
            say: where to announce what is installed.

        Raises:
            ModelError: the named Python does not exist, or nothing could be installed.
        """
        there = self.found()
        if there is not None:
            return there
        busy = f"another process has been making {self.library}'s environment for an hour"
        fix = "stop that process, or name another environment in " + self.variable
        with store.held(self.folder.parent / ".lock", busy, fix=fix, seconds=3600):
            if not (self.folder / READY).exists():
                self._make(say)
        return _python(self.folder)

    def _make(self, say: store.Say) -> None:
        wanted = " ".join(self.wanted.split())
        say(f"installing {wanted} into {self.folder}, once: some minutes and gigabytes")
        with store.disk_errors(self.folder):
            shutil.rmtree(self.folder, ignore_errors=True)
            venv.create(self.folder, with_pip=True)
        for command in self.commands(_python(self.folder)):
            self._run(command)
        store.write_text(self.folder / READY, wanted + "\n")

    def _run(self, command: Sequence[str]) -> None:
        environment = {**os.environ, **self.settings}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise ModelError(
                f"{self.library} could not be installed: {last[0] if last else 'no reason given'}",
                where=" ".join(command[1:5]),
                fix="install it in an environment of your own and name its python in "
                f"{self.variable}, or {self.instead}",
            )


def vllm_environment() -> Beside:
    """Return where vLLM is, in the build for this machine's processor or for its GPU."""
    requirements = Path(__file__).with_name(f"requirements-{'gpu' if _has_gpu() else 'cpu'}.txt")

    def commands(python: Path) -> list[list[str]]:
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-q"]
        found = [[*pip, "install", "--no-compile", "-r", str(requirements)]]
        if "cpu" in requirements.stem:
            found.append([*pip, "uninstall", "-y", *BROKEN_ON_CPU])
        return [*found, [str(python), "-c", "import vllm"]]

    wanted = requirements.read_text("utf-8")
    return Beside("vLLM", "vllm", VARIABLE, wanted, commands, 'set engine = "torch"')


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _has_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None
