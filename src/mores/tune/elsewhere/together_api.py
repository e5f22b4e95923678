"""Together's contract for tuning: ``/files`` and ``/fine-tunes``, by its published schema."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mores.errors import TuneError
from mores.remote.reply import Reply
from mores.remote.service import Upload
from mores.tune.elsewhere.archive import unpack_adapter
from mores.tune.elsewhere.client import Asking, Remote, Stage, cancelled, dicts, number, text
from mores.tune.elsewhere.results import by_step

STAGES: dict[str, Stage] = {
    "pending": "running",
    "queued": "running",
    "running": "running",
    "compressing": "running",
    "uploading": "running",
    "cancel_requested": "running",
    "completed": "succeeded",
    "error": "failed",
    "user_error": "failed",
    "cancelled": "cancelled",
}
STEP, LOSS = (
    ("global_step", "train/global_step", "step"),
    ("train/loss", "loss", "train_loss"),
)
"""What metrics may call them: the schema names none."""
REPORTED = (
    "n_epochs",
    "batch_size",
    "learning_rate",
    "lr_scheduler",
    "warmup_ratio",
    "weight_decay",
    "packing",
    "max_seq_length",
    "random_seed",
    "training_type",
    "training_method",
)
"""What of a job is kept as the host reports it."""


class Together:
    """``/files`` and ``/fine-tunes``."""

    def __init__(self, service: Asking) -> None:
        self.service = service

    def check_limits(self, settings: Mapping[str, Any]) -> None:
        """Compare what will be asked with what the host says a model allows; this costs nothing.

        Raises:
            TuneError: the model is not tuned there, or a setting is outside its limits.
        """
        model = settings["model"]
        reply = self.service.get("fine-tunes/models/limits", {"model_name": model}, expected=(404,))
        if reply.reason:
            said = text(reply.body, "message") or "not known"
            raise TuneError(
                f"{model!r} is not tuned at this host: {said}",
                where=self.service.url,
                fix="set host.model to a name that the host lists; nothing was sent",
            )
        for problem in outside(settings, reply.body):
            raise TuneError(
                f"{model!r} at this host: {problem}",
                where=self.service.url,
                fix="change the recipe; nothing was sent",
            )

    def find_file(self, name: str, size: int) -> str:
        """Return the id of an uploaded file of that name and size; "" where there is none."""
        for row in dicts(self.service.get("files").body):
            if text(row, "filename") == name and number(row, "bytes") in (size, None):
                return text(row, "id")
        return ""

    def send_file(self, name: str, data: bytes) -> Reply:
        """Upload a training file, once."""
        form = {"purpose": "fine-tune", "file_name": name, "file_type": "jsonl"}
        return self.service.post("files/upload", upload=Upload(name, data, form))

    def jobs(self) -> list[Remote]:
        """Return the account's jobs, the newest first."""
        rows = dicts(self.service.get("fine-tunes").body)
        rows.sort(key=lambda row: text(row, "created_at"), reverse=True)
        return [self.read(row) for row in rows]

    def create(self, settings: Mapping[str, Any], file: str, tag: str) -> Reply:
        """Create a job, once; file and name of the tuned model hold its tag."""
        body = {**settings, "training_file": file, "suffix": tag}
        return self.service.post("fine-tunes", body)

    def job(self, job_id: str) -> Remote | None:
        """Return a job; None where the host does not know it."""
        reply = self.service.get(f"fine-tunes/{job_id}", expected=(404, 410))
        return None if reply.reason else self.read(reply.body)

    def read(self, body: Any) -> Remote:
        """Read a job out of what the host has sent; states that are new are kept as they are."""
        parts = body if isinstance(body, dict) else {}
        word = text(parts, "status")
        errors = [e for e in dicts(parts, "events") if text(e, "type") in ("job_error", "warning")]
        made = text(parts, "model_output_name") or text(parts, "x_model_output_name")
        return Remote(
            id=text(parts, "id"),
            word=word,
            stage=STAGES.get(word, "unknown"),
            file=text(parts, "training_file"),
            base=text(parts, "model"),
            tag=text(parts, "suffix"),
            made=made,
            tokens=number(parts, "token_count"),
            said="; ".join(filter(None, (text(e, "message") for e in errors))),
            settings={name: parts[name] for name in REPORTED if name in parts},
        )

    def cancel(self, job_id: str) -> Remote:
        """Cancel a job."""
        return cancelled(self, f"fine-tunes/{job_id}/cancel", job_id)

    def log(self, remote: Remote) -> list[dict[str, Any]]:
        """Losses by step, as the host's metrics tell them."""
        reply = self.service.get(f"fine-tunes/{remote.id}/metrics", expected=(404, 405, 500))
        return by_step(
            (_first(each, STEP), _first(each, LOSS))
            for each in (dicts(reply.body, "metrics") if not reply.reason else ())
        )

    def weights(self, remote: Remote, folder: Path) -> list[str]:
        """Fetch the adapter.

        Raises:
            TuneError: the host sends none, or not in PEFT's form.
        """
        query = {"ft_id": remote.id, "checkpoint": "adapter"}
        reply = self.service.get("finetune/download", query, raw=True)
        return unpack_adapter(reply.body, folder)


def outside(settings: Mapping[str, Any], limits: Any) -> list[str]:
    """Name the settings that a model does not allow, by the host's own limits.

    Args:
        settings: what will be asked.
        limits: the host's answer; what it does not say does not limit.
    """
    kind = "lora_training" if settings["training_type"]["type"] == "Lora" else "full_training"
    of_kind = limits.get(kind) if isinstance(limits, dict) else None
    if isinstance(limits, dict) and kind not in limits:
        return [f"no {kind.replace('_', ' ')}"]
    checks = (
        ("recipe.epochs", settings["n_epochs"], None, _value(limits, "max_num_epochs")),
        (
            "recipe.learning_rate",
            settings["learning_rate"],
            _value(limits, "min_learning_rate"),
            _value(limits, "max_learning_rate"),
        ),
        (
            "recipe.batch_size",
            settings["batch_size"],
            _value(of_kind, "min_batch_size"),
            _value(of_kind, "max_batch_size"),
        ),
        (
            "recipe.lora_rank",
            settings["training_type"].get("lora_r"),
            None,
            _value(of_kind, "max_rank"),
        ),
        (
            "the room for a sample, in tokens",
            settings["max_seq_length"],
            None,
            _value(limits, "max_seq_length_sft"),
        ),
    )
    problems = []
    for name, value, least, most in checks:
        if value is not None and least is not None and value < least:
            problems.append(f"{name} = {value:g}, and {least:g} is the least")
        if value is not None and most is not None and value > most:
            problems.append(f"{name} = {value:g}, and {most:g} is the most")
    return problems


def _value(body: Any, name: str) -> float | None:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    values = (_value(row, name) for name in names)
    return next((float(v) for v in values if v is not None), None)
