"""What every host that tunes by itself must be able to answer, and how it is asked.

Questions are repeated until there is an answer. What costs money or leaves something behind is
sent once: whether a request without an answer has been accepted is found out by asking.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from mores.errors import TuneError
from mores.remote.reply import Clock, Reply
from mores.remote.service import Service, Upload

Stage = Literal["running", "succeeded", "failed", "cancelled", "unknown"]


@dataclass(frozen=True)
class Remote:
    """A job as its host describes it."""

    id: str
    word: str
    """The host's own word for its state."""
    stage: Stage
    file: str = ""
    """Id of the training file."""
    base: str = ""
    """The model that is tuned, as the host calls it."""
    tag: str = ""
    made: str = ""
    """What the tuned model is called."""
    tokens: int | None = None
    """Tokens that were billed."""
    said: str = ""
    """The host's words about what went wrong."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Hyperparameters, as the host reports them."""
    results: tuple[str, ...] = ()
    """Ids of files with its losses."""


class HostApi(Protocol):
    """One host's contract."""

    service: Asking

    def find_file(self, name: str, size: int) -> str:
        """Return the id of an uploaded file of that name and size; "" where there is none."""
        ...

    def send_file(self, name: str, data: bytes) -> Reply:
        """Upload a training file, once."""
        ...

    def jobs(self) -> list[Remote]:
        """Return the account's jobs, the newest first."""
        ...

    def create(self, settings: Mapping[str, Any], file: str, tag: str) -> Reply:
        """Create a job, once."""
        ...

    def job(self, job_id: str) -> Remote | None:
        """Return a job; None where the host does not know it."""
        ...

    def read(self, body: Any) -> Remote:
        """Read a job out of what the host has sent."""
        ...

    def cancel(self, job_id: str) -> Remote:
        """Cancel a job."""
        ...

    def log(self, remote: Remote) -> list[dict[str, Any]]:
        """Return a row with ``step`` and ``loss`` for each step that the host tells of."""
        ...

    def weights(self, remote: Remote, folder: Path) -> list[str]:
        """Fetch the adapter into a folder; return the files' names."""
        ...


class Asking:
    """A host's address, asked with patience, or once."""

    def __init__(
        self,
        url: str,
        key: str,
        clock: Clock,
        *,
        key_header: tuple[str, str] = ("Authorization", "Bearer "),
        query: Mapping[str, str] | None = None,
    ) -> None:
        self.clock, self.query = clock, dict(query or {})
        self._patient = Service(url, key, key_header=key_header, timeout=120.0, clock=clock)
        self._once = Service(
            url, key, key_header=key_header, timeout=120.0, clock=clock, attempts=1
        )
        self.url = self._patient.url

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        raw: bool = False,
        expected: Collection[int] = (),
    ) -> Reply:
        """Ask until there is an answer.

        Raises:
            TuneError: there is none after all attempts.
            ServiceError: see `mores.remote.service.Service.call`.
        """
        reply = self._patient.call(
            "GET", path, query={**self.query, **(query or {})}, raw=raw, expected=expected
        )
        if reply.reason and reply.status not in expected:
            raise TuneError(
                f"asked for {path}: {reply.reason}",
                where=self.url,
                fix="run the same command again: it goes on where it was",
            )
        return reply

    def post(self, path: str, payload: Any = None, *, upload: Upload | None = None) -> Reply:
        """Send something once."""
        return self._once.call("POST", path, payload, query=self.query, upload=upload)


def cancelled(host: HostApi, path: str, job_id: str) -> Remote:
    """Cancel a job and return what the host then says of it.

    Raises:
        TuneError: it was not cancelled.
    """
    reply = host.service.post(path)
    if reply.reason:
        raise TuneError(
            f"job {job_id} was not cancelled: {reply.reason}",
            where=host.service.url,
            fix="look there whether it still runs",
        )
    return host.read(reply.body)


def dicts(body: Any, name: str = "data") -> list[dict[str, Any]]:
    """Return the objects of a list in an answer; what is none of these is left out."""
    rows = body.get(name) if isinstance(body, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def text(body: Any, name: str) -> str:
    """Return a text out of an answer; "" where there is none."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""


def number(body: Any, name: str) -> int | None:
    """Return a whole number out of an answer; None where there is none."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
