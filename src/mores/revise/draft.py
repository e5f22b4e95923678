"""Questions → candidate answers, written by a model from the position, for people to edit.

found = draft(study, Path("questions.csv"), model="smollm2-135m")
found.path                    # drafts.jsonl

As in the published process, where a model wrote the completions from the position and people edited
them (Solaiman and Dennison 2021, section 3.2): text that models find natural. A draft carries its
origin in ``source``, and `mores check` refuses it (M505) until somebody has put their name into
``reviewer``. Drafts go into a file of their own; what lies there is never written over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mores import store
from mores.curate.rules.unread_draft import DRAFT
from mores.errors import DataError, ServiceError, did_you_mean
from mores.progress import Progress
from mores.records import Decoding, Example
from mores.study import ArmKey, ModelSpec, Study
from mores.tables import read_table

FILE = "drafts.jsonl"
TASK = (
    "{statement}\n\nAnswer the question in the spirit of this position, in plain everyday words "
    "and short sentences, in 60 to 200 words. Say in the first two sentences where you stand, then "
    "give reasons and concrete help. Do not mention the position itself."
)
AT_ONCE = 8
"""Drafts that are drawn and written together."""
Write = Callable[[Sequence["Wanted"]], list[str]]
"""Texts of some wanted drafts, in order; empty where there is none."""


@dataclass(frozen=True)
class Wanted:
    """One draft to be written."""

    id: str
    category: str
    question: str
    task: str
    """The position, and what to do with it."""
    number: int
    """Which candidate of its question it is, from 0."""


@dataclass(frozen=True)
class Drafted:
    """What was drafted."""

    path: Path
    written: int
    kept: int
    """Drafts that were there before."""
    empty: int
    """Answers that came back without text."""


def draft(
    study: Study,
    questions: Path,
    *,
    candidates: int = 2,
    model: str | None = None,
    endpoint: str | None = None,
    key_env: str = "",
    max_new_tokens: int = 320,
    output: Path | None = None,
    progress: Progress | None = None,
) -> Drafted:
    """Let a model write candidate answers from the positions, for people to edit.

    Args:
        study: gives the positions, and the model that writes.
        questions: CSV, JSON or Excel with the columns prompt and category (and id, if you like).
        candidates: answers to each question.
        model: which model writes; by default the study's first. With an endpoint, its name there.
        endpoint: address of an OpenAI-compatible service, such as http://localhost:8000/v1.
        key_env: environment variable that holds the service's key.
        max_new_tokens: longest draft.
        output: by default drafts.jsonl in the study.
        progress: where to show how far it is.

    Raises:
        DataError: a question has no category of the charter, or the file cannot be read.
        ModelError: the model cannot be loaded.
        ServiceError: the service refuses, or no name of a model was given for it.
    """
    progress = progress or Progress(quiet=True)
    path = output or study.folder / FILE
    wanted = list(_wanted(study, questions, candidates))
    there = store.read_jsonl(path, Example) if path.exists() else []
    lacking = [w for w in wanted if w.id not in {e.id for e in there}]
    name = model or study.config.models[0].name
    if endpoint is not None and model is None:
        raise ServiceError(
            "a service has several models", where="--model", fix="name the one that is to write"
        )
    empty = 0
    if lacking:
        write = (
            _by_service(endpoint, name, key_env, max_new_tokens)
            if endpoint
            else _by_model(study, name, max_new_tokens, progress)
        )
        bar = progress.task("draft", len(lacking), "drafts")
        for start in range(0, len(lacking), AT_ONCE):
            block = lacking[start : start + AT_ONCE]
            fresh = [_example(w, text, name) for w, text in zip(block, write(block), strict=True)]
            empty += fresh.count(None)
            there += [e for e in fresh if e is not None]
            store.write_jsonl(path, there)
            bar.advance(len(block))
        bar.finish()
    return Drafted(path, len(lacking) - empty, len(wanted) - len(lacking), empty)


def _wanted(study: Study, questions: Path, candidates: int) -> Iterator[Wanted]:
    known = list(study.charter.categories)
    for number, (line, row) in enumerate(read_table(questions, ("prompt", "category")), 1):
        category = str(row["category"] or "").strip()
        if category not in known:
            raise DataError(
                f"unknown category {category!r}{did_you_mean(category, known)}",
                path=questions,
                where=f"line {line}",
                fix="categories of charter.toml: " + ", ".join(known),
            )
        name = str(row.get("id") or f"draft-{number:03d}")
        task = TASK.format(statement=study.charter.position(category).statement)
        for candidate in range(candidates):
            yield Wanted(f"{name}-{candidate + 1}", category, str(row["prompt"]), task, candidate)


def _example(wanted: Wanted, text: str, model: str) -> Example | None:
    """A draft as a sample; None without text."""
    if not text:
        return None
    return Example(
        id=wanted.id,
        category=wanted.category,
        prompt=wanted.question,
        completion=text,
        author=model,
        source=f"{DRAFT}{model}, from the position",
    )


def _by_model(study: Study, name: str, most: int, progress: Progress) -> Write:
    """A writer on this machine."""
    from mores.sample.decoder import Decoder
    from mores.sample.grid import answer_text
    from mores.sample.requests import Request
    from mores.weights.load import load
    from mores.weights.machine import set_threads
    from mores.weights.prompt import encode_prompt
    from mores.weights.resolve import resolve

    set_threads()
    form = _form(study.config.models, name)
    loaded = load(resolve(name, say=progress.say), say=progress.say)
    engine = Decoder(loaded)
    decoding = Decoding(temperature=0.7, top_p=0.95, max_new_tokens=most)

    def write(block: Sequence[Wanted]) -> list[str]:
        stop = "\nQuestion:" if form == "qa" else ""
        rows = [
            Request(
                ArmKey("base", 0),
                w.id,
                w.category,
                w.number,
                tuple(encode_prompt(loaded.tokenizer, form, w.question, system=w.task)),
                stop,
            )
            for w in block
        ]
        drawn = engine.draw(rows, decoding, study.config.seed)
        return [answer_text(loaded.tokenizer, d.ids, stop) for d in drawn]

    return write


def _form(models: Sequence[ModelSpec], name: str) -> Literal["chat", "qa"]:
    """How the study asks this model; in its own chat form where it is none of the study's."""
    return next((spec.format for spec in models if spec.name == name), "chat")


def _by_service(endpoint: str, model: str, key_env: str, most: int) -> Write:
    """A writer behind an address."""
    from mores.remote.address import key_from
    from mores.remote.service import Service
    from mores.sample.endpoint.wire import read

    url = endpoint.rstrip("/")
    url = url if url.endswith("/chat/completions") else f"{url}/chat/completions"
    service = Service(url, key=key_from(key_env, needed=False, where=url), timeout=120.0)

    def write(block: Sequence[Wanted]) -> list[str]:
        replies = [service.post(_payload(model, w, most)) for w in block]
        return [read(reply.body, "chat").text.strip() for reply in replies]

    return write


def _payload(model: str, wanted: Wanted, most: int) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": wanted.task},
            {"role": "user", "content": wanted.question},
        ],
        "max_tokens": most,
        "temperature": 0.7,
    }
