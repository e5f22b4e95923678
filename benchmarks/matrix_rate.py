"""How fast this machine multiplies matrices: the limit that shares are taken of.

    python benchmarks/matrix_rate.py bfloat16

Prints GFLOP/s of a large product on the GPU where there is one, else on all cores.
"""

from __future__ import annotations

import sys
import time


def matrix_rate(dtype: str) -> float:
    """Return the best of a few products, in GFLOP/s."""
    import torch

    from mores.weights.machine import probe_matmul, set_threads

    if torch.cuda.is_available():
        return gpu_rate(dtype)
    set_threads()
    return float(getattr(probe_matmul(repeats=8), dtype))


def gpu_rate(dtype: str, size: int = 8192, repeats: int = 20) -> float:
    """Multiply two square matrices on the GPU; best of a few repeats, in GFLOP/s."""
    import torch

    a = torch.randn(size, size, device="cuda", dtype=getattr(torch, dtype))
    best = float("inf")
    for _ in range(repeats + 1):  # the first also pays for warming up
        torch.cuda.synchronize()
        start = time.perf_counter()
        a @ a
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


if __name__ == "__main__":
    print(matrix_rate(sys.argv[1] if len(sys.argv) > 1 else "float32"))
