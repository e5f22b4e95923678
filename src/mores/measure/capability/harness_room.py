"""The lm-evaluation-harness as a guest: found, kept quiet and off the network, its errors told.

with offline(), told("hellaswag", "load it"):
    ...
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator

from mores.errors import MeasureError, MoresError

PREFIX = "harness:"
"""What the name of a task of the harness begins with in study.toml."""
HUB = "MORES_HARNESS_HUB"
"""Environment variable: 1 lets tasks of the harness fetch their data from the Hugging Face Hub."""


def harness_version() -> str:
    """Return the version of the installed harness.

    Raises:
        MeasureError: it is not installed.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lm_eval")
    except PackageNotFoundError:
        raise MeasureError(
            "tasks of the lm-evaluation-harness need a package that is not installed",
            fix="pip install 'mores[capability]'",
        ) from None


def hub_allowed() -> bool:
    """Whether the user lets the harness fetch data."""
    return os.environ.get(HUB) == "1"


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Run the harness quietly, and without network unless `HUB` allows it."""
    import datasets
    import evaluate
    import huggingface_hub

    from mores.weights.quiet import quiet

    switches = [
        (datasets.config, "HF_HUB_OFFLINE"),
        (datasets.config, "HF_DATASETS_OFFLINE"),
        (evaluate.config, "HF_EVALUATE_OFFLINE"),
        (huggingface_hub.constants, "HF_HUB_OFFLINE"),
    ]
    before = [getattr(module, name) for module, name in switches]
    bars = datasets.is_progress_bar_enabled()
    try:
        for module, name in () if hub_allowed() else switches:
            setattr(module, name, True)
        datasets.disable_progress_bars()
        # Its bars are made anew in many places; they all write to standard error.
        with quiet(), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        if bars:
            datasets.enable_progress_bars()
        for (module, name), value in zip(switches, before, strict=True):
            setattr(module, name, value)


@contextlib.contextmanager
def told(task: str, doing: str) -> Iterator[None]:
    """Turn whatever the harness or the task's own code raises into an error for the reader.

    Raises:
        MeasureError: with the kind and first line of what was raised.
    """
    try:
        yield
    except MoresError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or ["no message"])[0][:300]
        raise MeasureError(
            f"the lm-evaluation-harness could not {doing}: {type(error).__name__}: {first}",
            where=f"task {task!r}",
            fix="check the task's YAML with `lm_eval validate --tasks FILE`",
        ) from error
