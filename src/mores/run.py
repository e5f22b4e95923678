"""The whole process in one call: check, tune, sample, measure, report. Resumable at any point.

result = run(load_study(Path("examples/wellbeing"), preset="quick"))
result = run(study, on="ray")     the steps as tasks on a cluster, with the same result
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mores.errors import DataError, LeakError
from mores.execute import Executor, Site, alone, executor_of, lending
from mores.progress import Progress, duration
from mores.report.model import Report
from mores.step import callable_room, log_timing
from mores.study import Study
from mores.tasks import tasks_of

HERE = "here"
KEPT_SECONDS = 1.0
"""A step that took less was done before: its share of the whole says nothing of the speed."""


@dataclass(frozen=True)
class RunResult:
    """Where the report is and what it says."""

    page: Path
    report: Report
    seconds: float
    peak_memory_gb: float


def run(
    study: Study, *, check: bool = True, on: str = HERE, progress: Progress | None = None
) -> RunResult:
    """Do everything: check, tune, sample, measure, report. Goes on where it was stopped.

    Args:
        study: a loaded study.
        check: refuse a study in which `mores check` finds errors.
        on: where the work is done: "here" in this process; "ray" on the nodes of a Ray cluster;
            "slurm" as jobs; or an installed executor's name. The study must lie on storage that all
            nodes share (docs/clusters.md); the results are the same.
        progress: where to show how far it is.

    Raises:
        DataError: the check found errors (LeakError where training data leak into evaluation).
        StudyError: there is no such executor, or what it needs is not installed.
        MoresError: what the steps raise.
    """
    from mores.report import report
    from mores.weights.kept import keeping
    from mores.weights.machine import peak_memory_gb

    progress = progress or Progress(quiet=True)
    make = None if on == HERE else executor_of(on)
    way = _Way(study, progress, steps=3 if make else None)
    with alone(study.run_folder):
        if check:
            refuse_errors(study, progress)
        # The numbers are each step's share of the time, roughly, for the display of time left.
        with way.step("fetch", 2):
            fetch_all(study, progress=progress)
        if make is None:
            with keeping():  # the steps of one model load it once
                _steps(study, way, progress)
        else:
            with way.step(f"tasks on {on}", 106):
                _send(study, make, progress)
        with way.step("report", 1):
            written = report(study, progress=progress)
        seconds, peak = way.seconds, peak_memory_gb()
        log_timing(study.run_folder, "run", seconds, peak_memory_gb=round(peak, 2))
    progress.say(f"finished in {duration(seconds)}, peak memory {peak:.1f} GB")
    return RunResult(written.page, written.report, seconds, peak)


def _send(study: Study, make: Callable[[Site], Executor], progress: Progress) -> None:
    """Do everything between fetching and the report as tasks somewhere else."""
    config = study.config.execute
    with lending(study.run_folder) as token:
        site = Site(
            folder=study.run_folder,
            token=token,
            retries=config.retries,
            address=config.address,
            parameters=config.slurm,
        )
        make(site).run(tasks_of(study), say=progress.say)


def _steps(study: Study, way: _Way, progress: Progress) -> None:
    """Do everything between fetching and the report, one step after the other."""
    from mores.measure.capability import capability
    from mores.measure.coherence import coherence
    from mores.measure.cooccurrence import cooccurrence
    from mores.measure.gates import gates
    from mores.measure.stance import stance
    from mores.measure.toxicity import toxicity
    from mores.sample import sample, sample_rejected, sample_stems, sample_variants
    from mores.tune import tune

    with way.step("tune", 50):
        sample_rejected(study, progress=progress)
        tune(study, progress=progress)
    if study.pairs("test"):
        with way.step("measure stance", 4):
            stance(study, progress=progress)
    with way.step("sample", 20):
        sample(study, progress=progress)
        sample_variants(study, progress=progress)
    with way.step("sample stems", 12):
        sample_stems(study, progress=progress)
    with way.step("measure coherence", 4):
        coherence(study, progress=progress)
    with way.step("measure toxicity", 1):
        toxicity(study, progress=progress)
    with way.step("measure co-occurrence", 2):
        cooccurrence(study, progress=progress)
    with way.step("measure capability", 12):
        capability(study, progress=progress)
    if study.config.gates.enabled:
        with way.step("measure gates", 1):
            gates(study, progress=progress)


class _Way:
    """How far a run has come, said before each step."""

    def __init__(self, study: Study, progress: Progress, steps: int | None = None) -> None:
        self.progress = progress
        self.steps = steps or 9 + bool(study.pairs("test")) + study.config.gates.enabled
        self.number = 0
        self.start = time.perf_counter()
        self.overall = progress.task(f"all of {study.config.name}", 109, plain=False)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.start

    @contextmanager
    def step(self, name: str, share: float) -> Iterator[None]:
        """Announce a step; count its share of the whole when it is done."""
        spent = f" (after {duration(self.seconds)})" if self.number else ""
        self.number += 1
        self.progress.say(f"[{self.number}/{self.steps}] {name}{spent}")
        start = time.perf_counter()
        yield
        if time.perf_counter() - start < KEPT_SECONDS:
            self.overall.skip(share)
        else:
            self.overall.advance(share, name)


def fetch_all(study: Study, *, progress: Progress) -> None:
    """Get every model, task and scorer that later steps need, so that what is missing shows now.

    Raises:
        AssetError, ModelError, DataError: something could not be fetched or read.
    """
    from mores.measure.capability.tasks import load_tasks
    from mores.measure.gates.run import check_prompts
    from mores.measure.toxicity.run import scorer_of
    from mores.tune.base import base_of

    for spec in study.config.models:
        base_of(spec, progress.say)
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
    from mores.consult import read_consultation
    from mores.curate import as_text, check_study, failing

    read_consultation(study)  # its figures come last, its errors not
    errors = failing(check_study(study))
    if errors:
        leaks = any(e.rule.startswith("M21") for e in errors)
        raise (LeakError if leaks else DataError)(
            f"`mores check` finds {len(errors)} errors:\n{as_text(errors, many=5)}",
            path=study.folder,
            fix=f"see `mores check {study.folder}`; --no-check runs all the same",
        )
    progress.say("check: no errors")


callable_room(__name__)
