"""Jobs at hosts that are no longer wanted.

from mores.tune.elsewhere.cancel import cancel

cancel(study)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mores import store
from mores.progress import Progress
from mores.remote.reply import Clock
from mores.study import Study, folders
from mores.tune.base import base_of
from mores.tune.elsewhere import openai, together
from mores.tune.elsewhere.client import HostApi
from mores.tune.elsewhere.state import STATE, JobState
from mores.tune.run import tuned_keys
from mores.tune.tuner import TuneJob


def cancel(study: Study, model: str | None = None, *, progress: Progress | None = None) -> int:
    """Cancel the jobs that a study has under way at hosts; what they made so far is the host's.

    The next run says that they were cancelled, and submits nothing before the file that it names
    is removed. Arms at Tinker are trained step by step by the run itself: stopping it stops them.

    Args:
        study: gives the models.
        model: only this one's; by default those of all.
        progress: where to say what was done.

    Returns:
        How many jobs were cancelled.

    Raises:
        ServiceError: a host refuses the key or does not answer.
        TuneError: a host would not cancel.
    """
    progress, count = progress or Progress(quiet=True), 0
    makers: dict[str, Callable[[TuneJob, Clock], HostApi]] = {
        "openai": openai.api_of,
        "together": together.api_of,
    }
    for spec in study.config.models:
        if spec.tuner not in makers or (model and spec.name != model):
            continue
        for key in tuned_keys(study):
            folder = folders.tune_folder(study, spec.name, key)
            job = TuneJob(study, spec, base_of(spec), key, folder, progress)
            for state in _under_way(folder):
                if state.step == "creating":
                    progress.say(
                        f"{key.name}: a job was being created at {state.host} when the run ended; "
                        "run `mores tune` once, which finds it, or look there"
                    )
                    continue
                remote = makers[spec.tuner](job, Clock()).cancel(state.job)
                progress.say(f"{key.name}: job {state.job} is {remote.word!r} at {state.host}")
                count += 1
    return count


def _under_way(folder: Path) -> list[JobState]:
    """Jobs of an arm that may still run: of its samples now, and of earlier ones."""
    paths = [folder / STATE, *sorted(folder.glob("job.mores*.json"))]
    states = [
        store.as_record(store.read_json(path), JobState, path=path)
        for path in paths
        if path.exists()
    ]
    return [state for state in states if state.step in ("creating", "created")]
