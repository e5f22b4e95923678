"""What is known of an arm's job at its host: ``job.json`` in the arm's folder.

It is written before and after everything that costs money, so that a run that was killed
anywhere goes on with the job that it has begun:

    uploading → uploaded → creating → created → succeeded

A job that failed or was cancelled is moved to ``job.failed.json``: as long as that lies there,
nothing is submitted again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from mores import store
from mores.errors import TuneError
from mores.records import Record, to_plain
from mores.tune.tuner import TuneJob

STATE = "job.json"
FAILED = "job.failed.json"


class JobState(Record, frozen=True, kw_only=True):
    """How far an arm has come at its host."""

    tag: str
    """Digest of all that the job is made from; the host keeps it in the names of file and job."""
    host: str
    """The host's address."""
    step: Literal["uploading", "uploaded", "creating", "created", "succeeded"] = "uploading"
    file: str = ""
    """The host's id of the training file."""
    job: str = ""
    """The host's id of the job."""
    model: str = ""
    """What the host calls the tuned model."""
    passed_over: tuple[str, ...] = ()
    """Jobs with this tag that had failed or been cancelled before this one was asked for."""
    said: str = ""
    """The host's own words about a job that failed."""


def tag_of(job: TuneJob, host: str, data: bytes, settings: dict[str, Any]) -> str:
    """Return the mark of an arm's job: equal for equal work, 17 letters and digits.

    Some hosts allow no more than 18 characters in the name of a tuned model.

    Args:
        job: gives recipe, arm and training seed.
        host: the host's address.
        data: the training file.
        settings: what is asked of the host, base model included.
    """
    made_from = [
        store.digest_bytes(data),
        to_plain(job.recipe),
        settings,
        host,
        job.key.arm,
        job.key.seed,
    ]
    return "mores" + store.digest(made_from).removeprefix("sha256:")[:12]


def read_state(folder: Path, tag: str, host: str, say: store.Say) -> JobState | None:
    """Return how far the job with this tag has come; None where it is to be begun.

    Raises:
        TuneError: it has failed before.
        DataError: the file is damaged.
    """
    path, failed = folder / STATE, folder / FAILED
    if path.exists():
        state = store.as_record(store.read_json(path), JobState, path=path)
        if state.tag == tag:
            return state
        path.replace(folder / f"job.{state.tag}.json")
        if state.job and state.step != "succeeded":
            say(
                f"the arm's samples or settings have changed: its earlier job {state.job} at "
                f"{state.host} is left alone; cancel it there if it still runs"
            )
    earlier = folder / f"job.{tag}.json"
    if earlier.exists():
        earlier.replace(path)
        return store.as_record(store.read_json(path), JobState, path=path)
    if failed.exists():
        state = store.as_record(store.read_json(failed), JobState, path=failed)
        if state.tag == tag:
            raise TuneError(
                f"job {state.job} of this arm came to nothing: {state.said}",
                path=failed,
                fix=f"to pay for a new one, remove this file and run again; or look at {host}",
            )
    return None


def write_state(folder: Path, state: JobState) -> JobState:
    """Keep how far the job has come; on disk when it returns."""
    store.write_json(folder / STATE, state)
    return state


def set_aside(folder: Path, state: JobState) -> None:
    """Note that a job failed, so that nothing is submitted again unasked."""
    store.write_json(folder / FAILED, state)
    (folder / STATE).unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """Remove what another tuner or an earlier job left in the arm's folder, but not its states."""
    for path in folder.glob("*") if folder.exists() else ():
        if path.is_file() and not path.match("job.*"):
            path.unlink()
