"""What this machine can do: cores, memory, and how fast it really multiplies.

probe = probe_matmul()
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MatmulProbe:
    """Measured rates of a 2048-cubed matrix product."""

    float32: float
    """GFLOP/s in float32."""
    bfloat16: float
    """GFLOP/s in bfloat16."""

    @property
    def bfloat16_pays(self) -> bool:
        """Whether bfloat16 is worth using here (on many x86 chips it is far slower)."""
        return self.bfloat16 > 1.2 * self.float32


def set_threads(processes: int = 1) -> int:
    """Use every core this process may run on, or its share among several; return how many."""
    import torch

    cores = max(1, usable_cores() // processes)
    torch.set_num_threads(cores)
    return cores


def usable_cores() -> int:
    """Cores that this process may use: not all that the machine has, at most ``$MORES_CORES``."""
    affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if affinity else os.cpu_count() or 1
    asked = os.environ.get("MORES_CORES", "")
    return min(cores, int(asked)) if asked.isdigit() and int(asked) else cores


def probe_matmul(size: int = 2048, repeats: int = 3) -> MatmulProbe:
    """Multiply two square matrices in both formats; best of a few repeats."""
    import torch

    def rate(dtype: torch.dtype) -> float:
        a = torch.randn(size, size).to(dtype)
        best = float("inf")
        for _ in range(repeats + 1):  # the first also pays for warming up
            start = time.perf_counter()
            a @ a
            best = min(best, time.perf_counter() - start)
            if best > 5.0:  # no need to see that again
                break
        return 2 * size**3 / best / 1e9

    return MatmulProbe(float32=rate(torch.float32), bfloat16=rate(torch.bfloat16))


def choose_dtype(wanted: str, *, on_gpu: bool) -> str:
    """Return the number format to compute in: what was asked for, or what pays here.

    On a GPU ``auto`` means bfloat16. On a CPU it means float32: bfloat16 halves
    precision and pays only on few chips, so it is used there on request alone.
    """
    if wanted != "auto":
        return wanted
    return "bfloat16" if on_gpu else "float32"


def peak_memory_gb() -> float:
    """Largest memory that this process has held so far, in GB."""
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9


def free_memory_gb() -> float:
    """Memory that can still be had, in GB; of a container's limit where there is one."""
    import psutil

    return min(float(psutil.virtual_memory().available), _free_in_group()) / 1e9


def free_for_models_gb() -> float:
    """Memory that this process can still have where models run, in GB.

    The GPU's where there is one; else its share, by cores, of the machine's: several tasks may be
    at work beside each other.
    """
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0]) / 1e9
    return free_memory_gb() * min(1.0, usable_cores() / (os.cpu_count() or 1))


def _free_in_group(folder: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes left of a container's limit; infinite where there is none."""
    try:
        limit = float((folder / "memory.max").read_text())
        used = float((folder / "memory.current").read_text())
        lines = (folder / "memory.stat").read_text().splitlines()
        cached = float(dict(line.split() for line in lines)["inactive_file"])
    except (OSError, ValueError, KeyError):  # no such limit ("max"), or another system
        return float("inf")
    return max(0.0, limit - used + cached)


def free_disk_gb(folder: Path) -> float:
    """Free disk space where a folder is or will be, in GB."""
    existing = folder.resolve()
    while not existing.exists():
        existing = existing.parent
    return shutil.disk_usage(existing).free / 1e9
