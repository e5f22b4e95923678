"""The whole process in one call: check, tune, sample, measure, report. Resumable at any point.

result = run(load_study(Path("examples/wellbeing"), preset="quick"))
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mores import store
from mores.errors import DataError, LeakError
from mores.progress import Progress, duration
from mores.report.model import Report
from mores.step import callable_room, log_timing
from mores.study import Study


@dataclass(frozen=True)
class RunResult:
    """Where the report is and what it says."""

    page: Path
    report: Report
    seconds: float
    peak_memory_gb: float


def run(study: Study, *, check: bool = True, progress: Progress | None = None) -> RunResult:
    """Do everything: check, tune, sample, measure, report. Goes on where it was stopped.

    Args:
        study: a loaded study.
        check: refuse a study in which `mores check` finds errors.
        progress: where to show how far it is.

    Raises:
        DataError: the check found errors (LeakError where training data leak into evaluation).
        MoresError: what the steps raise.
    """
    from mores.measure.capability import capability
    from mores.measure.coherence import coherence
    from mores.measure.cooccurrence import cooccurrence
    from mores.measure.gates import gates
    from mores.measure.stance import stance
    from mores.measure.toxicity import toxicity
    from mores.report import report
    from mores.sample import sample, sample_rejected, sample_stems
    from mores.tune import tune
    from mores.weights.machine import peak_memory_gb

    progress = progress or Progress(quiet=True)
    way = _Way(study, progress)
    with store.lock(study.run_folder):
        if check:
            refuse_errors(study, progress)
        # The numbers are each step's share of the time, roughly, for the display of time left.
        with way.step("fetch", 2):
            fetch_all(study, progress=progress)
        with way.step("tune", 50):
            sample_rejected(study, progress=progress)
            tune(study, progress=progress)
        if study.pairs("test"):
            with way.step("measure stance", 4):
                stance(study, progress=progress)
        with way.step("sample", 20):
            sample(study, progress=progress)
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
        with way.step("report", 1):
            written = report(study, progress=progress)
        seconds, peak = way.seconds, peak_memory_gb()
        log_timing(study.run_folder, "run", seconds, peak_memory_gb=round(peak, 2))
    progress.say(f"finished in {duration(seconds)}, peak memory {peak:.1f} GB")
    return RunResult(written.page, written.report, seconds, peak)


class _Way:
    """How far a run has come, said before each step."""

    def __init__(self, study: Study, progress: Progress) -> None:
        self.progress = progress
        self.steps = 9 + bool(study.pairs("test")) + study.config.gates.enabled
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
        yield
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


callable_room(__name__)
