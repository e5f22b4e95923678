"""The seam of sampling: whatever can answer the requests of one model.

An engine is made from a `Job` and closed when all is drawn. It says what is drawn and kept together
(`units`), and hands the answers over as they come (`draw`); the `Grid` builds the requests, keeps
what came, and asks a resumed run for the rest only.

    with closing(engine_of(spec.engine)(job)) as engine:
        for unit, answers in engine.draw(engine.units(requests)): ...

A third party adds one through an entry point of the group `mores.engines`: a callable that takes a
`Job` and returns such an object. `tests/sample/contract.py` is what every engine must pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from mores.errors import ModelError
from mores.plugins import plugin
from mores.progress import Progress
from mores.records import Decoding
from mores.sample.requests import Request
from mores.sample.row import Drawn
from mores.study import ModelSpec, Study
from mores.weights.reader import Reader

if TYPE_CHECKING:
    from mores.weights.resolve import ResolvedModel

GROUP = "mores.engines"
BUILT_IN = {
    "torch": "mores.sample.here:Here",
    "plain": "mores.sample.here:Plain",
    "vllm": "mores.sample.vllm.engine:Vllm",
    "openai": "mores.sample.endpoint.engine:OpenAi",
}
OWN = "own draws: study seed, model, prompt and draw decide each token"
SEEDED = "the engine's, from a seed that follows from study seed, model, prompt and draw"
Unit = Sequence[Request]
"""Requests that are drawn and kept together."""


@dataclass(frozen=True)
class Job:
    """What an engine is to draw from."""

    study: Study
    spec: ModelSpec
    resolved: ResolvedModel
    tuned: Mapping[str, Path]
    """Weights' name → folder of the tuned arm."""
    decoding: Decoding
    folder: Path
    """Of the step; an engine may keep a ledger of its own there."""
    progress: Progress
    on_tokens: Callable[[int], None] = lambda _: None
    """Told how many tokens were drawn, where the engine knows before an answer is complete."""

    @property
    def seed(self) -> int:
        """Of the study."""
        return self.study.config.seed


class Engine(Protocol):
    """Answers the requests of one model."""

    @property
    def reader(self) -> Reader:
        """The model as something that reads prompts."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """Name, version, whose random numbers: for the manifest, read when all is drawn."""
        ...

    def units(self, requests: Sequence[Request]) -> list[Unit]:
        """Divide requests into what is drawn together."""
        ...

    def draw(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, list[Drawn]]]:
        """Answer units, each once, in any order; an answer is handed over as soon as it is there.

        Raises:
            ModelError, ServiceError: the rest will not come; what was handed over stays.
        """
        ...

    def close(self) -> None:
        """Let go of what is held, also where drawing has failed."""
        ...


def engine_of(name: str) -> Callable[[Job], Engine]:
    """Return what makes an engine of that name.

    Raises:
        ModelError: there is none, or what an installed package gives cannot be loaded.
    """
    found = plugin("engine", name, BUILT_IN, GROUP, ModelError, where="models.engine")
    return cast("Callable[[Job], Engine]", found)
