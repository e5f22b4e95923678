"""Where the tasks of a run are done, and what each may use: `[execute]` in study.toml.

    [execute]
    address = "10.0.0.1:6379"
    tune = { cpus = 8, gpus = 1 }
    slurm = { partition = "gpu", account = "ethics", time = 240 }

No step depends on these settings: the same study gives the same results wherever it runs.
"""

from __future__ import annotations

from typing import Any

from msgspec import field

from mores.execute.task import Resources
from mores.records import Count, Record


class ExecuteConfig(Record, frozen=True, kw_only=True):
    """Used by `mores run --on ray` and `--on slurm`."""

    address: str = ""
    """Of the Ray cluster, as ``host:port``; by default ``$RAY_ADDRESS``, or the one that this
    machine belongs to."""
    retries: Count = 3
    """How often a task is sent again whose worker or node was lost."""
    tune: Resources = Resources()
    """What tuning one arm uses."""
    other: Resources = Resources()
    """What every other task uses: sampling and measuring one model."""
    slurm: dict[str, Any] = field(default_factory=dict)
    """Parameters of Slurm jobs by the names that submitit gives them: ``partition``, ``account``,
    ``qos``, ``time`` in minutes, ``constraint``, ``setup``, ``additional_parameters``."""
