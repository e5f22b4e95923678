"""What a run leaves, for tests that compare runs."""

from __future__ import annotations

from pathlib import Path

from mores import store
from mores.sample.plan import BUDGET
from mores.step import TIMINGS


def left(study: Path) -> dict[str, str]:
    """Digest of every file below runs, by its name; no locks or hidden folders.

    Nor what is of the machine: timings, and the memory that was free.
    """
    runs = study / "runs"
    return {
        str(path.relative_to(runs)): store.digest_file(path)
        for path in sorted(runs.rglob("*"))
        if path.is_file()
        and path.name not in (TIMINGS, BUDGET)
        and not any(part.startswith(".") for part in path.relative_to(runs).parts)
    }


def timed(study: Path) -> list[str]:
    """Names of the steps that were carried out, each as often as it was, sorted."""
    files = sorted((study / "runs").rglob(TIMINGS))
    return sorted(row["step"] for file in files for _, row in store.read_rows(file))
