"""Answers from an OpenAI-compatible service: vLLM, SGLang, llama.cpp, Ollama, a hosted one.

Where the model's tokenizer is at hand, token ids are sent (`/v1/completions`), so that the service
reads the very prompt that was trained, and its count of tokens is checked on every answer. Else
messages are sent, and the service writes the prompt.

What is kept: each answer as it arrives (`sample.grid`), and an account of every request in the
model's folder (`ledger`), written before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mores.errors import ServiceError
from mores.records import FinishReason
from mores.sample.draws import seed_of
from mores.sample.endpoint import wire
from mores.sample.endpoint.asker import Asker, bytes_of
from mores.sample.endpoint.probe import probe_arms
from mores.sample.engine import SEEDED, Job, Unit
from mores.sample.requests import Request
from mores.sample.row import Drawn
from mores.study import folders
from mores.tune.tuner import served_name
from mores.weights.reader import UNKNOWN, Reader, open_reader

BY_CHANCE = 3
"""So many answers that came twice are no chance: some services number answers below 1,000."""
UNCHECKED = "not checked: a chat service gives no log-probabilities of a prompt"
FRAME = 16
"""Tokens that a chat template puts around a message, at most."""


class OpenAi:
    """Asks a service, several requests at a time."""

    name = "openai"

    def __init__(self, job: Job) -> None:
        endpoint = job.spec.endpoint
        assert endpoint is not None  # seen to by ModelSpec
        self.job, self.endpoint = job, endpoint
        if job.spec.here:
            self._reader = open_reader(job.resolved)
        else:
            self._reader = Reader(job.spec.name, context=endpoint.context or UNKNOWN)
        own = self._reader.tokenizer is not None
        self.api: wire.Api = (
            ("completions" if own else "chat") if endpoint.api == "auto" else endpoint.api
        )
        folder = folders.model_folder(job.study, job.spec.name)
        self.asker = Asker(endpoint, folder)
        self._twice = 0
        self._seen: dict[tuple[str, str], Request] = {}
        self._probe: tuple[str, ...] = ()

    @property
    def reader(self) -> Reader:
        """The model as something that reads prompts; of one elsewhere only the name is known."""
        return self._reader

    @property
    def facts(self) -> dict[str, Any]:
        """How it was asked, who answered, whose random numbers, what was spent."""
        spent = self.asker.ledger.spent
        found = (UNCHECKED,) if self.job.tuned and self.api == "chat" else self._probe
        return {
            "name": self.name,
            "api": self.api,
            "random_numbers": SEEDED,
            "answered_by": sorted(self.asker.models),
            "fingerprints": sorted(self.asker.fingerprints),
            "spent_tokens": spent.tokens,
            "spent_money": round(spent.money(self.endpoint.prices), 6),
            **({"probe": found} if found else {}),
        }

    def units(self, requests: Sequence[Request]) -> list[Unit]:
        """Each request by itself."""
        return [[request] for request in requests]

    def draw(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, list[Drawn]]]:
        """Ask; see `mores.sample.engine.Engine.draw`.

        Raises:
            ServiceError: the service refuses, stops answering, is another than was asked for, reads
                another prompt, or the budget is used; what came is handed over before.
        """
        if not units:
            return
        if self.api == "completions" and self.job.tuned and self._reader.tokenizer is not None:
            needed = {r.key.weights for unit in units for r in unit} - {"base"}
            self._probe = probe_arms(self.job, self.asker, self._served, needed)
        for unit, drawn in self.asker.each(self._answer, units):
            yield unit, [drawn]

    def _served(self, weights: str) -> str:
        """What the service calls an arm's weights."""
        named = self.endpoint.served
        if weights == "base":
            return named.get("base", self.job.spec.name)
        arm = weights.rpartition("-s")[0]
        known = served_name(self.job.tuned[weights]) if weights in self.job.tuned else None
        return named.get(weights) or named.get(arm) or known or weights

    def _answer(self, unit: Unit) -> Drawn | str:
        """Ask for one answer; a text says why there is none yet."""
        (request,) = unit
        most = self.job.decoding.max_new_tokens
        room = min(most, self._reader.context - len(request.ids)) if request.ids else most
        asked = wire.payload(
            request,
            self._served(request.key.weights),
            self.api,
            self.job.decoding,
            seed=seed_of(self.job.seed, self._reader.name, request.prompt_id, request.draw),
            room=room,
            extra=self.endpoint.extra,
            own_names=self.endpoint.url.startswith("https://api.openai.com/"),
        )
        reply = self.asker.post(
            wire.PATHS[self.api],
            asked,
            read=len(request.ids) or _at_most(asked),
            drawn=wire.most_drawn(asked, room),
            used=wire.usage,
        )
        said = wire.Said() if reply.reason else wire.read(reply.body, self.api)
        self.asker.note(reply, asked=asked["model"], fault=said.fault)
        if reply.again or said.fault:
            return said.fault or reply.reason
        if reply.reason:
            return absent(f"the service would not answer: {reply.reason}")
        if said.ended == "content_filter":
            return absent("the service withheld the answer")
        self._check_prompt(request, said)
        self._no_duplicate(request, said)
        return self._drawn(request, said, room < most)

    def _check_prompt(self, request: Request, said: wire.Said) -> None:
        """Refuse answers to another prompt than the one that was trained."""
        if request.ids and said.read is not None and said.read != len(request.ids):
            raise ServiceError(
                f"the service read {said.read} tokens where the prompt has {len(request.ids)}",
                where=f"prompt {request.prompt_id!r}",
                fix='set api = "completions" in [models.endpoint], which sends token ids'
                if self.api == "chat"
                else "it serves another model or tokenizer; check [models.endpoint.served]",
            )

    def _no_duplicate(self, request: Request, said: wire.Said) -> None:
        """Refuse one answer to two requests: a cache between us and the model."""
        other = self._seen.setdefault((said.id, said.text), request)
        self._twice += bool(said.id and said.text and other is not request)
        if self._twice >= BY_CHANCE:
            raise ServiceError(
                f"the service gave one answer twice (id {said.id!r}): to {_name(other)} and to "
                f"{_name(request)}",
                where=self.endpoint.url,
                fix="a cache stands between: turn it off, or draws are not independent",
            )

    def _drawn(self, request: Request, said: wire.Said, cramped: bool) -> Drawn:
        text = said.text.split(request.stop, maxsplit=1)[0] if request.stop else said.text
        reason: FinishReason = "stop" if wire.ENDED[said.ended] == "stop" else "length"
        if reason == "length" and cramped:
            reason = "context"
        drawn = said.drawn
        if drawn is None:
            tokenizer = self._reader.tokenizer
            drawn = len(tokenizer(text)["input_ids"]) if tokenizer else len(text.encode()) // 4
        return Drawn((), reason, text.strip(), read=said.read or len(request.ids), drawn=drawn)

    def close(self) -> None:
        """Nothing is held."""


def absent(why: str) -> Drawn:
    """No answer, and why."""
    return Drawn((), "absent", "", drawn=0, absent=why)


def _name(request: Request) -> str:
    return f"{request.prompt_id!r} of {request.key.name}, draw {request.draw}"


def _at_most(asked: dict[str, Any]) -> int:
    """Most tokens that a text can have: its bytes, and a few for each message's frame."""
    texts = [m["content"] for m in asked.get("messages", ())] or [str(asked.get("prompt", ""))]
    return bytes_of(texts, FRAME)
