"""Scores from raw answers that were kept: ``replay:<file or folder>``. Nothing is asked.

Takes texts, looks up what was answered of each, gives the value; with other
attributes than then, if wished.

    ReplayScorer(Path("runs/.../toxicity/perspective"), attributes=["INSULT"]).score(["text"])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mores import store
from mores.errors import MeasureError
from mores.measure.toxicity import guard_read, moderation, perspective
from mores.measure.toxicity.raw import RAW, RawAnswer, read_raw, text_digest
from mores.measure.toxicity.scorer import Advance, Item, Reading, Scored

NOT_STORED = "no stored answer"
NOTE = "stored answers of another scorer, read again; what that scorer is not, this is not either"

Read = Callable[[RawAnswer, Sequence[str]], Reading]
READERS: dict[str, tuple[Read, tuple[str, ...]]] = {
    perspective.KIND: (perspective.read_perspective, (perspective.ATTRIBUTE,)),
    moderation.KIND: (moderation.read_moderation, moderation.CATEGORIES),
    guard_read.KIND: (guard_read.read_guard, ()),
}
"""Kind → how its answers are read, and what counts unless something else is named."""


class ReplayScorer:
    """Kept answers of one scorer."""

    note = NOTE

    def __init__(self, path: str | Path, *, attributes: Sequence[str] = ()) -> None:
        """Set up; the file is read when it is needed.

        Args:
            path: a ``raw.jsonl``, or the folder that holds it.
            attributes: what counts, as for the scorer that asked; its own choice if none.
        """
        path = Path(path)
        self.path = path / RAW if path.is_dir() else path
        self._wanted = tuple(attributes)
        # Only the last two parts: no place on this machine.
        self.name = f"replay:{'/'.join(self.path.parts[-2:])}"

    @cached_property
    def _answers(self) -> list[RawAnswer]:
        answers = read_raw(self.path)
        if not answers:
            raise MeasureError("no stored answers", where=self.name, fix="give another file")
        kinds = sorted({answer.kind for answer in answers})
        if len(kinds) > 1 or kinds[0] not in READERS:
            raise MeasureError(
                f"expected answers of one kind, found {', '.join(kinds)}",
                where=self.name,
                fix=f"kinds: {', '.join(READERS)}; keep each in its own file",
            )
        # Where something else was asked later, earlier answers are to another question.
        request = store.digest(answers[-1].request)
        return [answer for answer in answers if store.digest(answer.request) == request]

    @cached_property
    def _by_text(self) -> dict[str, RawAnswer]:
        return {answer.text: answer for answer in self._answers}

    @property
    def attributes(self) -> tuple[str, ...]:
        """What counts."""
        return self._wanted or READERS[self._answers[0].kind][1]

    @property
    def attribute(self) -> str:
        """What counts, in words."""
        return " or ".join(self.attributes) or self._answers[0].kind

    @property
    def version(self) -> str:
        """Of the answers; a service's own version goes with each score."""
        request: dict[str, Any] = self._answers[0].request
        return str(request.get("form_name") or request.get("model") or self._answers[0].kind)

    @property
    def digest(self) -> str:
        """Digest of the file."""
        return store.digest(self._answers)

    @property
    def takes_prompt(self) -> bool:
        """Whether the answers are to questions with answers."""
        return self._answers[0].kind == guard_read.KIND

    @property
    def settings(self) -> dict[str, object]:
        """What counts."""
        return {"attributes": list(self.attributes)}

    def ready(self) -> None:
        """Read the file.

        Raises:
            DataError, MeasureError: it is missing, damaged, empty or mixed.
        """
        _ = self._answers

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """Return the stored value of each text."""
        return [(r.value, r.reason) for r in self.readings([Item(text) for text in texts])]

    def readings(
        self,
        items: Sequence[Item],
        *,
        raw: Path | None = None,  # noqa: ARG002 (nothing new comes in)
        advance: Advance | None = None,
    ) -> list[Reading]:
        """Return what was answered of each item."""
        read, _ = READERS[self._answers[0].kind]
        found = []
        for item in items:
            answer = self._by_text.get(text_digest(item))
            reading = read(answer, self.attributes) if answer else Reading(None, NOT_STORED)
            # Asking again is not what a replay does.
            found.append(reading._replace(again=False))
        if advance:
            advance(len(items))
        return found
