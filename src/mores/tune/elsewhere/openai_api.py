"""OpenAI's contract for tuning: ``/files`` and ``/fine_tuning/jobs`` at one address.

It follows the published schema. What a host leaves out is read as absent, what it adds is not
looked at, and a state that is not known here is one to wait in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mores.errors import TuneError
from mores.remote.reply import Reply
from mores.remote.service import Upload
from mores.tune.elsewhere.client import Asking, Remote, Stage, cancelled, dicts, number, text
from mores.tune.elsewhere.results import by_step, losses

STAGES: dict[str, Stage] = {
    "validating_files": "running",
    "queued": "running",
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
}
MOST_TABLE = 8_000_000
"""Bytes of a result file that is read."""
PAGES = 100
"""Most pages that are read of a list: an account with more than 10,000 jobs is not searched on."""


class OpenAI:
    """``/files`` and ``/fine_tuning/jobs`` at one address."""

    def __init__(self, service: Asking, *, metadata: bool) -> None:
        self.service, self.metadata = service, metadata

    def find_file(self, name: str, size: int) -> str:
        """Return the id of an uploaded file of that name and size; "" where there is none."""
        for row in self._pages("files", {"purpose": "fine-tune"}):
            same = text(row, "filename") == name and number(row, "bytes") in (size, None)
            if same and text(row, "status") not in ("error", "deleted"):
                return text(row, "id")
        return ""

    def send_file(self, name: str, data: bytes) -> Reply:
        """Upload a training file, once."""
        return self.service.post("files", upload=Upload(name, data, {"purpose": "fine-tune"}))

    def jobs(self) -> list[Remote]:
        """Return the account's jobs, the newest first."""
        return [self.read(row) for row in self._pages("fine_tuning/jobs", {"limit": "100"})]

    def create(self, settings: Mapping[str, Any], file: str, tag: str) -> Reply:
        """Create a job, once; file, name of the tuned model and metadata hold its tag."""
        marked = {"metadata": {"mores": tag}} if self.metadata else {}  # not all hosts know it
        body = {**settings, "training_file": file, "suffix": tag, **marked}
        return self.service.post("fine_tuning/jobs", body)

    def job(self, job_id: str) -> Remote | None:
        """Return a job; None where the host does not know it."""
        reply = self.service.get(f"fine_tuning/jobs/{job_id}", expected=(404, 410))
        return None if reply.reason else self.read(reply.body)

    def read(self, body: Any) -> Remote:
        """Read a job out of what the host has sent; states that are new are kept as they are."""
        parts = body if isinstance(body, dict) else {}
        word, error = text(parts, "status"), parts.get("error")
        method = _dict(_dict(parts.get("method")).get("supervised"))
        files = parts.get("result_files")
        return Remote(
            id=text(parts, "id"),
            word=word,
            stage=STAGES.get(word, "unknown"),
            file=text(parts, "training_file"),
            base=text(parts, "model"),
            tag=text(parts, "suffix") or text(parts.get("metadata"), "mores"),
            made=text(parts, "fine_tuned_model"),
            tokens=number(parts, "trained_tokens"),
            said=" ".join(filter(None, (text(error, "code"), text(error, "message")))),
            settings=_dict((method or parts).get("hyperparameters")),
            results=tuple(f for f in files if isinstance(f, str))
            if isinstance(files, list)
            else (),
        )

    def cancel(self, job_id: str) -> Remote:
        """Cancel a job."""
        return cancelled(self, f"fine_tuning/jobs/{job_id}/cancel", job_id)

    def log(self, remote: Remote) -> list[dict[str, Any]]:
        """Losses by step: from the result files; where there are none, of events or checkpoints."""
        for file in filter(self._small, remote.results):
            reply = self.service.get(f"files/{file}/content", raw=True, expected=(404,))
            if isinstance(reply.body, bytes) and (rows := losses(reply.body)):
                return rows
        job = f"fine_tuning/jobs/{remote.id}"
        events, checkpoints = (
            self._pages(f"{job}/{kind}", {"limit": "100"}, expected=(404, 405))
            for kind in ("events", "checkpoints")
        )
        return _rows(e.get("data") for e in events) or _rows(c.get("metrics") for c in checkpoints)

    def weights(self, remote: Remote, folder: Path) -> list[str]:
        """Refuse: the published schema has no weights."""
        raise TuneError(f"the weights of job {remote.id} cannot be fetched", path=folder)

    def _small(self, file: str) -> bool:
        """Whether a result may be a table: some hosts list weights among their results."""
        reply = self.service.get(f"files/{file}", expected=(404, 405))
        size = None if reply.reason else number(reply.body, "bytes")
        return size is not None and size <= MOST_TABLE

    def _pages(
        self, path: str, query: dict[str, str], expected: tuple[int, ...] = ()
    ) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        for _ in range(PAGES):
            reply = self.service.get(path, {**query, **after}, expected=expected)
            rows = dicts(reply.body) if not reply.reason else []
            yield from rows
            last = text(rows[-1], "id") if rows else ""
            if not last or last == after.get("after") or reply.body.get("has_more") is not True:
                return
            after = {"after": last}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(metrics: Any) -> list[dict[str, Any]]:
    """Rows of the log out of what a host calls its metrics, first step first."""
    rows = [each for each in metrics if isinstance(each, dict)]
    return by_step((each.get("step"), each.get("train_loss")) for each in rows)
