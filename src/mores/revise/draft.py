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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from mores import store
from mores.errors import ServiceError
from mores.progress import Progress
from mores.records import DRAFT, Decoding, Example
from mores.revise.wanted import Wanted, wanted_drafts
from mores.study import ArmKey, ModelSpec, Study
from mores.study.elsewhere import Endpoint

FILE = "drafts.jsonl"
AT_ONCE = 8
"""Drafts that are drawn and written together."""
Write = Callable[[Sequence[Wanted]], Iterator[tuple[Wanted, str]]]
"""Texts of some wanted drafts as they come; empty where there is none."""


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
    most_tokens: int = 0,
    most_money: float = 0.0,
    price_read: float = 0.0,
    price_drawn: float = 0.0,
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
        endpoint: address of an OpenAI-compatible service, such as http://localhost:8000/v1; by
            default that of the model in study.toml, with its budget and prices.
        key_env: environment variable that holds the service's key.
        most_tokens: budget of all drafts by this model in this preset, read and drawn together;
            asking stops before it could be passed. 0: none.
        most_money: the same in money, by the prices.
        price_read: what a million tokens of prompts cost.
        price_drawn: what a million tokens of answers cost.
        max_new_tokens: longest draft.
        output: by default drafts.jsonl in the study.
        progress: where to show how far it is.

    Raises:
        DataError: a question has no category of the charter, or the file cannot be read.
        ModelError: the model cannot be loaded.
        ServiceError: the service refuses or its answers stay away, its budget is used up, or no
            name of a model was given for it; what came is kept.
        StoreError: another process asks with the same account.
    """
    progress = progress or Progress(quiet=True)
    path = output or study.folder / FILE
    name = model or study.config.models[0].name
    limits = {"most_tokens": most_tokens, "most_money": most_money}
    settings = {"key_env": key_env, **limits, "prices": {"read": price_read, "drawn": price_drawn}}
    wanted = list(wanted_drafts(study, questions, candidates))
    job = _Drafts(path, name, progress)
    lacking = job.lacking(wanted)
    decoding = Decoding(temperature=0.7, top_p=0.95, max_new_tokens=max_new_tokens)
    empty = 0
    with writer_of(study, model, endpoint, decoding, progress, settings, lacking) as write:
        if lacking:
            empty = job.keep(lacking, write)
    return Drafted(path, len(lacking) - empty, len(wanted) - len(lacking), empty)


@contextmanager
def writer_of(
    study: Study,
    model: str | None,
    endpoint: str | None,
    decoding: Decoding,
    progress: Progress,
    settings: dict[str, object],
    wanted: Sequence[Wanted],
) -> Iterator[Write]:
    """Give a function that writes texts: a model here, or a service within its budget.

    Args:
        study: names the model where none is named.
        model: who writes; with an endpoint, its name there.
        endpoint: address of a service; by default that of the model in study.toml.
        decoding: how text is drawn.
        progress: where to say what it costs.
        settings: of the endpoint: key_env, budgets and prices.
        wanted: what will be asked, for the estimate; with nothing nobody is asked.

    Raises:
        ModelError, ServiceError, StoreError: see `draft`.
    """
    name = model or study.config.models[0].name
    service = _endpoint(study, model, endpoint, settings)
    if not wanted:
        yield lambda _: iter(())
    elif service is None:
        yield _by_model(study, name, decoding, progress)
    else:
        from mores.revise.draft_service import service_writer

        with service_writer(study, name, service, decoding) as writer:
            progress.say(writer.estimate(wanted))
            try:
                yield writer.write
                writer.forget()
            finally:
                progress.say(f"draft: {writer.spent()}")


def _endpoint(
    study: Study, model: str | None, url: str | None, settings: dict[str, object]
) -> Endpoint | None:
    """The service that writes: the one named, or the model's own; None for a model here."""
    if url is None:
        if any(settings.get(key) for key in ("most_tokens", "most_money")):
            raise ServiceError(
                "a budget without an address",
                where="--most-tokens, --most-money",
                fix="give --endpoint too; a model of the study has its budget in study.toml",
            )
        name = model or study.config.models[0].name
        served = (spec for spec in study.config.models if spec.engine == "openai")
        return next((spec.endpoint for spec in served if spec.name == name), None)
    if model is None:
        raise ServiceError(
            "a service has several models", where="--model", fix="name the one that is to write"
        )
    url = url.rstrip("/").removesuffix("/chat/completions")
    try:
        return msgspec.convert({"url": url, **settings}, Endpoint)
    except msgspec.ValidationError as error:
        raise ServiceError(
            store.readable(str(error)),
            where="options of --endpoint",
            fix="budgets and prices are at least 0; --most-money needs --price-read or "
            "--price-drawn",
        ) from None


class _Drafts:
    """The file of drafts, and those that come."""

    def __init__(self, path: Path, author: str, progress: Progress) -> None:
        self.path, self.author, self.progress = path, author, progress
        self.there = store.read_jsonl(path, Example) if path.exists() else []

    def lacking(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Those that are not there yet."""
        known = {example.id for example in self.there}
        return [one for one in wanted if one.id not in known]

    def keep(self, lacking: Sequence[Wanted], write: Write) -> int:
        """Write drafts into the file, some at a time; return how many came without text."""
        bar = self.progress.task("draft", len(lacking), "drafts")
        texts: dict[str, str] = {}
        try:
            for one, text in write(lacking):
                texts[one.id] = text
                if len(texts) % AT_ONCE == 0:
                    self._save(lacking, texts)
                bar.advance()
        finally:  # also what came before an error
            self._save(lacking, texts)
        bar.finish()
        return sum(not text for text in texts.values())

    def _save(self, lacking: Sequence[Wanted], texts: dict[str, str]) -> None:
        fresh = [
            Example(
                id=one.id,
                category=one.category,
                prompt=one.question,
                completion=texts[one.id],
                author=self.author,
                source=f"{DRAFT}{self.author}, from the position",
            )
            for one in lacking
            if texts.get(one.id)
        ]
        if fresh:
            store.write_jsonl(self.path, [*self.there, *fresh])


def _by_model(study: Study, name: str, decoding: Decoding, progress: Progress) -> Write:
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
    stop = "\nQuestion:" if form == "qa" else ""
    loaded = load(resolve(name, say=progress.say), say=progress.say)
    engine = Decoder(loaded)

    def request(one: Wanted) -> Request:
        ids = encode_prompt(loaded.tokenizer, form, one.question, system=one.task)
        return Request(ArmKey("base", 0), one.id, one.category, one.number, tuple(ids), stop)

    def write(wanted: Sequence[Wanted]) -> Iterator[tuple[Wanted, str]]:
        for start in range(0, len(wanted), AT_ONCE):
            block = wanted[start : start + AT_ONCE]
            drawn = engine.draw([request(one) for one in block], decoding, study.config.seed)
            for one, row in zip(block, drawn, strict=True):
                yield one, answer_text(loaded.tokenizer, row.ids, stop)

    return write


def _form(models: Sequence[ModelSpec], name: str) -> Literal["chat", "qa"]:
    """How the study asks this model; in its own chat form where it is none of the study's."""
    return next((spec.format for spec in models if spec.name == name), "chat")
