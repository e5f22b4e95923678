"""The whole process in one call: check, tune, sample, measure, report. Resumable at any point.

result = run_study(load_study(Path("examples/wellbeing"), preset="quick"))
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import DataError, LeakError
from mores.progress import Progress, duration
from mores.report.model import Report
from mores.step import log_timing
from mores.study import Study


@dataclass(frozen=True)
class RunResult:
    """Where the report is and what it says."""

    page: Path
    report: Report
    seconds: float
    peak_memory_gb: float


def run_study(study: Study, *, check: bool = True, progress: Progress | None = None) -> RunResult:
    """Run every step that is missing or stale, then write the report.

    Args:
        study: a loaded study.
        check: refuse a study in which `mores check` finds errors.
        progress: where to show how far it is.

    Raises:
        DataError: the check found errors (LeakError where training data leak into evaluation).
        MoresError: what the steps raise.
    """
    from mores.measure.capability import measure_capability
    from mores.measure.gates import measure_gates
    from mores.measure.run import measure_cooccurrence, measure_toxicity
    from mores.report.run import write_report
    from mores.sample import sample, sample_stems
    from mores.tune import tune
    from mores.weights.machine import peak_memory_gb

    progress = progress or Progress(quiet=True)
    start = time.perf_counter()
    # With each step its share of the time, roughly, for the display of time left.
    steps: list[tuple[str, Callable[..., Any], int]] = [
        ("fetch", fetch_all, 2),
        ("tune", tune, 50),
        ("sample", sample, 20),
        ("sample stems", sample_stems, 12),
        ("measure toxicity", measure_toxicity, 1),
        ("measure co-occurrence", measure_cooccurrence, 2),
        ("measure capability", measure_capability, 12),
    ]
    if study.config.gates.enabled:
        steps.append(("measure gates", measure_gates, 1))
    with store.lock(study.run_folder):
        if check:
            refuse_errors(study, progress)
        overall = progress.task(f"all of {study.config.name}", 100, plain=False)
        for number, (name, step, share) in enumerate(steps, 1):
            spent = f" (after {duration(time.perf_counter() - start)})" if number > 1 else ""
            progress.say(f"[{number}/{len(steps) + 1}] {name}{spent}")
            step(study, progress=progress)
            overall.advance(share, name)
        progress.say(f"[{len(steps) + 1}/{len(steps) + 1}] report")
        page, report = write_report(study, progress=progress)
        overall.finish("done")
        seconds = time.perf_counter() - start
        peak = peak_memory_gb()
        log_timing(study.run_folder, "run", seconds, peak_memory_gb=round(peak, 2))
    progress.say(f"finished in {duration(seconds)}, peak memory {peak:.1f} GB")
    return RunResult(page, report, seconds, peak)


def fetch_all(study: Study, *, progress: Progress | None = None) -> None:
    """Get every model, task and scorer that later steps need, so that what is missing shows now.

    Raises:
        AssetError, ModelError, DataError: something could not be fetched or read.
    """
    from mores.measure.capability import load_tasks
    from mores.measure.gates.run import check_prompts
    from mores.measure.run import scorer_of
    from mores.weights.resolve import resolve

    progress = progress or Progress(quiet=True)
    for spec in study.config.models:
        resolve(spec.name, say=progress.say)
    load_tasks(study, progress.say)
    if study.config.gates.enabled:
        check_prompts(study)
    for name in study.config.toxicity.scorers:
        scorer_of(study, name, say=progress.say)


def refuse_errors(study: Study, progress: Progress) -> None:
    """Stop where the linter finds errors.

    Raises:
        DataError: with the first findings.
    """
    from mores.curate import as_text, check_study, failing

    errors = failing(check_study(study))
    if errors:
        leaks = any(e.rule.startswith("M21") for e in errors)
        raise (LeakError if leaks else DataError)(
            f"`mores check` finds {len(errors)} errors:\n{as_text(errors, many=5)}",
            path=study.folder,
            fix=f"see `mores check {study.folder}`; --no-check runs all the same",
        )
    progress.say("check: no errors")
