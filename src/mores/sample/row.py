"""One completion while it is being drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mores.records import Decoding, FinishReason
from mores.sample.draws import uniforms
from mores.sample.requests import Request
from mores.study.arms import slug

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel


@dataclass(frozen=True)
class Drawn:
    """What one row became."""

    ids: tuple[int, ...]
    """Drawn tokens, without the one that ended the answer; empty where only text came."""
    finish_reason: FinishReason
    text: str | None = None
    """What came where no ids did."""
    read: int | None = None
    """Tokens of the prompt as the service counts them."""
    drawn: int | None = None
    """Tokens of the answer as the service counts them."""
    absent: str = ""
    """Why there is no answer."""


class Row:
    """A request, its random numbers, and what has been drawn of it."""

    def __init__(
        self, request: Request, decoding: Decoding, seed: int, loaded: LoadedModel
    ) -> None:
        self.request = request
        self.limit = decoding.max_new_tokens
        model = slug(loaded.name)
        self.numbers = uniforms(seed, model, request.prompt_id, request.draw, self.limit + 1)
        self.loaded = loaded
        self.ends = loaded.ends
        self.ids: list[int] = []
        self.reason: FinishReason | None = None

    @property
    def room(self) -> int:
        """Tokens that may still be drawn: the last one need not be read."""
        return self.loaded.context + 1 - len(self.request.ids) - len(self.ids)

    def next_uniform(self) -> float:
        """The random number that decides its next token."""
        return float(self.numbers[min(len(self.ids), self.limit)])

    def take(self, token: int) -> None:
        """Add a token, or finish. Finished rows that are still carried along change nothing."""
        if self.reason:
            return
        if token in self.ends:
            self.reason = "stop"
            return
        self.ids.append(token)
        if self.request.stop and self.request.stop in self.loaded.tokenizer.decode(self.ids[-16:]):
            self.reason = "stop"
        elif len(self.ids) >= self.limit:
            self.reason = "length"
        elif self.room <= 0:
            self.reason = "context"

    def result(self) -> Drawn:
        """What it became."""
        return Drawn(tuple(self.ids), self.reason or "length")
