"""llama.cpp for the comparison: its environment, and our models in its format.

    environment().python(print)    # builds llama-cpp-python from source: 20 minutes on one core

Built for this machine's own processor, since a build for all of them leaves out its widest
instructions. The converter to GGUF is the one in the same source.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mores import store
from mores.errors import ModelError
from mores.sample.vllm.environment import Beside

VARIABLE = "MORES_LLAMA_PYTHON"
RELEASE = "0.3.36"
SOURCE = f"llama_cpp_python-{RELEASE}"
CMAKE_ARGS = "-DGGML_NATIVE=ON"
CONVERTER = "vendor/llama.cpp"


def source() -> Path:
    """Where the source of that release is, or will be."""
    return store.cache_folder() / "environments" / SOURCE


def environment() -> Beside:
    """Return where llama-cpp-python is, with what its server needs."""

    def commands(python: Path) -> list[list[str]]:
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-q"]
        folder = source()
        archive = folder / f"{SOURCE}.tar.gz"
        wanted = f"llama-cpp-python=={RELEASE}"
        return [
            [*pip, "download", "--no-deps", "--no-binary=:all:", wanted, f"--dest={folder}"],
            [str(python), "-m", "tarfile", "-e", str(archive), str(folder)],
            [*pip, "install", "--no-compile", f"llama-cpp-python[server] @ {archive.as_uri()}"],
            [str(python), "-c", "import llama_cpp"],
        ]

    return Beside(
        library="llama.cpp",
        module="llama_cpp",
        variable=VARIABLE,
        wanted=f"llama-cpp-python=={RELEASE} {CMAKE_ARGS}",
        commands=commands,
        instead="leave it out of the comparison",
        settings={"CMAKE_ARGS": CMAKE_ARGS},
    )


def converter() -> Path:
    """Return the folder with llama.cpp's converters.

    Raises:
        ModelError: that release's source was not unpacked here.
    """
    found = next(source().glob(f"*/{CONVERTER}/convert_hf_to_gguf.py"), None)
    if found is None:
        raise ModelError(
            "llama.cpp's converter to GGUF is not here",
            path=source(),
            fix="`make bench-peers` fetches it, or unpack the source of llama-cpp-python "
            f"{RELEASE} there",
        )
    return found.parent


def convert(model: Path, adapters: dict[str, Path], folder: Path) -> tuple[Path, dict[str, Path]]:
    """Write a model and its adapters as GGUF in float32.

    Args:
        model: folder of the base model.
        adapters: name → folder, in PEFT's format.
        folder: where to write.

    Returns:
        The model's file, and name → file of each adapter.

    Raises:
        ModelError: no converter, or it failed.
    """
    programs = converter()
    whole = folder / "model.gguf"
    _convert(programs / "convert_hf_to_gguf.py", str(model), whole)
    files = {name: folder / f"{name}.gguf" for name in adapters}
    for name, file in files.items():
        _convert(programs / "convert_lora_to_gguf.py", f"--base={model}", file, str(adapters[name]))
    return whole, files


def _convert(program: Path, base: str, out: Path, *more: str) -> None:
    command = [sys.executable, str(program), base, "--outtype=f32", f"--outfile={out}", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not out.exists():
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise ModelError(
            f"{program.name} failed: {last[0] if last else 'no reason given'}",
            path=out,
            fix="pip install -e '.[bench]' installs what it imports",
        )
