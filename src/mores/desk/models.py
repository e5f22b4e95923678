"""What the study's own models are asked on the desk: how natural a text is, and for a first answer.

    natural(study, fields)          nats a token of an answer, beside plain everyday answers
    first_answer(study, fields)     what a model would write, for a person to change

Both may take a while the first time, since a model is loaded; nothing is fetched.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mores import store
from mores.curate.foreign import of_model
from mores.records import Example, Record
from mores.revise.draft import draft
from mores.study import Study
from mores.weights.special_tokens import folder_here


class Natural(Record, frozen=True, kw_only=True):
    """How a model finds an answer, before any training."""

    model: str
    loss: float | None
    """Mean negative log-likelihood of its tokens, in nats; None where it does not fit."""
    neutral: float
    """The same of plain everyday answers."""


def natural(study: Study, fields: Mapping[str, Any]) -> tuple[Natural, ...]:
    """Let every model of the study that is on this machine read an answer.

    Raises:
        ModelError: a model that is here cannot be loaded.
    """
    text = ("typed", str(fields.get("prompt", "")), str(fields.get("completion", "")))
    found = [
        of_model(spec, [text]) for spec in study.config.models if folder_here(spec.name) is not None
    ]
    return tuple(
        Natural(model=one.model, loss=one.losses.get("typed"), neutral=one.neutral) for one in found
    )


def can_draft(study: Study) -> bool:
    """Whether the study's first model can write here: it is on this machine, or has a service."""
    first = study.config.models[0]
    return first.engine == "openai" or folder_here(first.name) is not None


def first_answer(study: Study, fields: Mapping[str, Any]) -> dict[str, str]:
    """Let the study's first model answer a question from its position, as `mores draft` does.

    Returns:
        The answer and its source, which `mores check` refuses until somebody has read it (M505).

    Raises:
        MoresError: the model or service cannot write.
    """
    with tempfile.TemporaryDirectory() as work:
        asked, told = Path(work) / "asked.csv", Path(work) / "drafts.jsonl"
        with asked.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["prompt", "category"])
            rows.writerow([fields.get("prompt", ""), fields.get("category", "")])
        draft(study, asked, candidates=1, output=told)
        found = store.read_jsonl(told, Example) if told.exists() else []
    return {"completion": found[0].completion, "source": found[0].source} if found else {}
