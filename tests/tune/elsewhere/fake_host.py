"""A host that tunes: real HTTP on this machine, with state, and faults when a test asks for them.

It accepts what the hosts' published schemas allow (their own Python clients carry these as types)
and answers in their form. Everything it was asked is kept in `requests`.
"""

from __future__ import annotations

import contextlib
import email.parser
import email.policy
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]


class Cut(Exception):
    """Breaks the connection without an answer, as a kill in between looks from the other side."""


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any = None
    form: dict[str, Any] = field(default_factory=dict)


class FakeHost:
    """Files and jobs, in the form of one contract: a subclass says how they look."""

    base = "/v1"

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.files: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.course: list[str] = []
        """States that a job goes through, one at each look; the last one stays."""
        self.faults: list[Callable[[Asked], Answer | None]] = []
        """Asked before a request is handled; an answer is given instead."""
        self.after: list[Callable[[Asked], Answer | None]] = []
        """Asked after it was handled: what was done stays done."""
        self.seen: dict[str, int] = {}
        self.url = ""

    def handle(self, asked: Asked) -> Answer:
        self.requests.append(asked)
        for fault in list(self.faults):
            if (answer := fault(asked)) is not None:
                return answer
        answer = self.route(asked)
        for fault in list(self.after):
            if (other := fault(asked)) is not None:
                return other
        return answer

    def route(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def posts(self, ending: str) -> list[Asked]:
        return [r for r in self.requests if r.method == "POST" and r.path.endswith(ending)]

    def word(self, job_id: str) -> str:
        """The state of a job, one further at each look."""
        look = self.seen.get(job_id, 0)
        self.seen[job_id] = look + 1
        return self.course[min(look, len(self.course) - 1)]


class FakeOpenAI(FakeHost):
    """``/files`` and ``/fine_tuning/jobs`` by the types of the package openai."""

    models = ("gpt-4o-mini-2024-07-18", "gpt-4o-mini", "meta/llama")

    def __init__(self) -> None:
        super().__init__()
        self.snapshot = {"gpt-4o-mini": "gpt-4o-mini-2024-07-18"}
        self.course = ["validating_files", "queued", "running", "succeeded"]
        self.table = (
            "step,train_loss,train_accuracy,valid_loss\n1,2.5,0.4,\n2,2.0,0.5,\n3,1.25,0.6,\n"
        )
        self.check_request: Callable[[str, Any], None] = lambda kind, body: None
        self.check_reply: Callable[[str, Any], None] = lambda kind, body: None
        self.fewest = 10

    def route(self, asked: Asked) -> Answer:
        path = asked.path.removeprefix(self.base)
        match (asked.method, *path.strip("/").split("/")):
            case ("GET", "files"):
                return self._page("files", list(self.files.values()), asked)
            case ("POST", "files"):
                return self._file(asked)
            case ("GET", "files", name, "content"):
                return 200, self.contents[name]
            case ("GET", "files", name):
                return (200, self.files[name]) if name in self.files else _missing(name)
            case ("GET", "fine_tuning", "jobs"):
                return self._page("jobs", list(self.jobs.values())[::-1], asked)
            case ("POST", "fine_tuning", "jobs"):
                return self._create(asked.body)
            case ("GET", "fine_tuning", "jobs", job_id):
                return self._look(job_id)
            case ("POST", "fine_tuning", "jobs", job_id, "cancel"):
                self.jobs[job_id]["status"] = "cancelled"
                return 200, self.jobs[job_id]
            case ("GET", "fine_tuning", "jobs", _, "events" | "checkpoints" as kind):
                return self._page(kind, [], asked)
        return 404, {"error": {"message": f"no {path}", "type": "invalid_request_error"}}

    def _page(self, kind: str, rows: list[dict[str, Any]], asked: Asked) -> Answer:
        """Two rows a page, so that every list is read to its end."""
        after = re.search(r"after=([^&]+)", asked.query)
        start = next((i + 1 for i, r in enumerate(rows) if after and r["id"] == after[1]), 0)
        part = rows[start : start + 2]
        body = {"object": "list", "data": part, "has_more": start + 2 < len(rows)}
        if kind == "files":
            ends = [part[0]["id"], part[-1]["id"]] if part else ["", ""]
            body |= {"first_id": ends[0], "last_id": ends[1]}
        self.check_reply(kind, body)
        return 200, body

    def _file(self, asked: Asked) -> Answer:
        self.check_request("file", asked.form)
        data = asked.form["file"]
        name, number = asked.form["file:name"], len(self.files) + 1
        file = {
            "id": f"file-{number}",
            "object": "file",
            "bytes": len(data),
            "created_at": 1_790_000_000 + number,
            "filename": name,
            "purpose": asked.form["purpose"],
            "status": "processed",
        }
        self.check_reply("file", file)
        self.files[file["id"]], self.contents[file["id"]] = file, data
        return 200, file

    def _create(self, body: dict[str, Any]) -> Answer:
        self.check_request("job", body)
        if body["model"] not in self.models:
            message = f"The model `{body['model']}` does not exist"
            return 404, {"error": {"message": message, "type": "invalid_request_error",
                                   "param": "model", "code": "model_not_found"}}  # fmt: skip
        if body["training_file"] not in self.files:
            return 400, {
                "error": {
                    "message": "invalid training_file",
                    "type": "x",
                    "param": None,
                    "code": None,
                }
            }
        number = len(self.jobs) + 1
        job = {
            "id": f"ftjob-{number}",
            "object": "fine_tuning.job",
            "created_at": 1_790_000_100 + number,
            "model": self.snapshot.get(body["model"], body["model"]),
            "fine_tuned_model": None,
            "finished_at": None,
            "hyperparameters": body["method"]["supervised"]["hyperparameters"],
            "method": body["method"],
            "organization_id": "org-1",
            "result_files": [],
            "seed": body["seed"],
            "status": self.course[0],
            "trained_tokens": None,
            "training_file": body["training_file"],
            "validation_file": None,
            "error": None,
            "metadata": body.get("metadata"),
        }
        self.check_reply("job", job)
        self.jobs[job["id"]] = job
        self.suffix = body["suffix"]
        return 200, job

    def _look(self, job_id: str) -> Answer:
        if job_id not in self.jobs:
            return _missing(job_id)
        job = self.jobs[job_id]
        if job["status"] != "cancelled":
            job["status"] = self.word(job_id)
        if job["status"] == "succeeded" and not job["fine_tuned_model"]:
            job |= {
                "fine_tuned_model": f"ft:{job['model']}:org::{job_id}",
                "trained_tokens": 4321,
                "finished_at": 1_790_001_000,
                "result_files": [f"file-result-{job_id}"],
            }
            name = f"file-result-{job_id}"
            self.contents[name] = self.table.encode()
            self.files[name] = {
                "id": name, "object": "file", "bytes": len(self.table), "created_at": 1_790_001_000,
                "filename": "step_metrics.csv", "purpose": "fine-tune-results",
                "status": "processed",
            }  # fmt: skip
        if job["status"] == "failed":
            job["error"] = {
                "code": "invalid_n",
                "message": "row 3: blocked",
                "param": "training_file",
            }
        self.check_reply("job", job)
        return 200, job


class FakeTogether(FakeHost):
    """``/files`` and ``/fine-tunes`` by Together's published schema."""

    models = ("meta/llama",)

    def __init__(self) -> None:
        super().__init__()
        self.course = ["pending", "queued", "running", "uploading", "completed"]
        self.check_request: Callable[[str, Any], None] = lambda kind, body: None
        self.check_reply: Callable[[str, Any], None] = lambda kind, body: None
        self.metrics = [
            {"global_step": 1, "train/loss": 2.5},
            {"global_step": 2, "train/loss": 2.0},
        ]
        self.archive = b""
        self.limits = {
            "model_name": "meta/llama",
            "max_num_epochs": 20,
            "max_num_evals": 10,
            "max_learning_rate": 0.1,
            "min_learning_rate": 1e-8,
            "supports_vision": False,
            "supports_tools": True,
            "supports_reasoning": False,
            "merge_output_lora": True,
            "lora_training": {
                "max_batch_size": 64, "max_batch_size_dpo": 32, "min_batch_size": 2, "max_rank": 64,
                "target_modules": ["q_proj"],
            },
        }  # fmt: skip

    def route(self, asked: Asked) -> Answer:
        path = asked.path.removeprefix(self.base)
        match (asked.method, *path.strip("/").split("/")):
            case ("GET", "fine-tunes", "models", "limits"):
                if "meta%2Fllama" not in asked.query and "meta/llama" not in asked.query:
                    return 404, {"message": "model is not available"}
                self.check_reply("limits", self.limits)
                return 200, self.limits
            case ("GET", "files"):
                body = {"data": list(self.files.values())}
                self.check_reply("files", body)
                return 200, body
            case ("POST", "files", "upload"):
                return self._file(asked)
            case ("GET", "fine-tunes"):
                body = {"data": [self._short(job) for job in self.jobs.values()]}
                self.check_reply("jobs", body)
                return 200, body
            case ("POST", "fine-tunes"):
                return self._create(asked.body)
            case ("GET", "fine-tunes", _, "metrics"):
                return 200, {"metrics": self.metrics}
            case ("GET", "fine-tunes", job_id):
                return self._look(job_id)
            case ("POST", "fine-tunes", job_id, "cancel"):
                self.jobs[job_id]["status"] = "cancelled"
                return 200, self._short(self.jobs[job_id])
            case ("GET", "finetune", "download"):
                return 200, self.archive
        return 404, {"error": {"message": f"no {path}", "type": "not_found"}}

    def _file(self, asked: Asked) -> Answer:
        self.check_request("file", asked.form)
        number = len(self.files) + 1
        file = {
            "id": f"file-{number}",
            "object": "file",
            "created_at": 1_790_000_000 + number,
            "filename": asked.form["file_name"],
            "bytes": len(asked.form["file"]),
            "purpose": asked.form["purpose"],
            "FileType": asked.form["file_type"],
            "Processed": True,
        }
        self.check_reply("file", file)
        self.files[file["id"]], self.contents[file["id"]] = file, asked.form["file"]
        return 200, file

    def _create(self, body: dict[str, Any]) -> Answer:
        self.check_request("job", body)
        number = len(self.jobs) + 1
        job = {
            **body,
            "id": f"ft-{number:08d}-0000-4000-8000-000000000000",
            "status": self.course[0],
            "created_at": f"2026-11-20T10:00:{number:02d}Z",
            "updated_at": f"2026-11-20T10:00:{number:02d}Z",
            "model_output_name": f"acct/{body['model'].split('/')[-1]}-{body['suffix']}",
        }
        self.jobs[job["id"]] = job
        short = self._short(job)
        self.check_reply("job short", short)
        return 200, short

    def _short(self, job: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in job.items() if k not in ("events", "trainingfile_numlines")}

    def _look(self, job_id: str) -> Answer:
        if job_id not in self.jobs:
            return _missing(job_id)
        job = self.jobs[job_id]
        if job["status"] != "cancelled":
            job["status"] = self.word(job_id)
        if job["status"] == "completed":
            job["token_count"] = 4321
        if job["status"] == "error":
            job["events"] = [_event("job_error", "row 3: blocked")]
        long = {
            k: v
            for k, v in job.items()
            if k not in ("suffix", "packing", "max_seq_length", "random_seed")
        }
        self.check_reply("job", long)
        return 200, long


def _event(kind: str, message: str) -> dict[str, Any]:
    return {
        "object": "fine-tune-event", "created_at": "2026-11-20T10:01:00Z", "message": message,
        "type": kind, "param_count": 0, "token_count": 0, "total_steps": 0, "wandb_url": "",
        "step": 0, "checkpoint_path": "", "model_path": "", "training_offset": 0, "hash": "",
        "level": "error",
    }  # fmt: skip


def _missing(name: str) -> Answer:
    return 404, {"error": {"message": f"no {name}", "type": "invalid_request_error"}}


def form_of(headers: Any, data: bytes) -> dict[str, Any]:
    """Fields of a form (multipart), files as bytes with their names beside them."""
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + data)
    fields: dict[str, Any] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        raw = part.get_payload(decode=True)
        if part.get_filename():
            fields[name], fields[f"{name}:name"] = raw, part.get_filename()
        else:
            fields[name] = raw.decode()
    return fields


@contextlib.contextmanager
def serving(fake: FakeHost) -> Iterator[FakeHost]:
    """Serve a fake host on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            asked = Asked(self.command, path, query, dict(self.headers))
            if "multipart" in (self.headers.get("Content-Type") or ""):
                asked.form = form_of(self.headers, data)
            elif data:
                asked.body = json.loads(data)
            try:
                status, body = fake.handle(asked)
            except Cut:
                self.close_connection = True
                return
            except Exception as error:  # noqa: BLE001  # a broken contract: the test finds it in `broken`
                fake.broken.append(error)
                status, body = 418, {"error": {"message": f"contract: {error}", "type": "x"}}
            out = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        do_GET = do_POST = do_DELETE = _any

        def log_message(self, *_: Any) -> None:
            pass

    fake.broken = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        fake.url = f"http://127.0.0.1:{server.server_port}{fake.base}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
    assert fake.broken == []
