"""Scores from raw answers that were kept: ``replay:<file or folder>``. Nothing is asked.

Takes texts, looks up what was answered of each, gives the value; with other
attributes than then, if wished.

    ReplayScorer(Path("runs/.../toxicity/perspective"), attributes=["INSULT"]).score(["text"])
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from mores import store
from mores.errors import MeasureError
from mores.measure.toxicity import guard_read, moderation, perspective
from mores.measure.toxicity.raw import RAW, RawAnswer, iter_raw, text_digest
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
    def _last(self) -> RawAnswer:
        """The last answer: earlier ones may be to another question."""
        kinds: set[str] = set()
        last = None
        for last in iter_raw(self.path):
            kinds.add(last.kind)
        if last is None:
            raise MeasureError("no stored answers", where=self.name, fix="give another file")
        if len(kinds) > 1 or last.kind not in READERS:
            raise MeasureError(
                f"expected answers of one kind, found {', '.join(sorted(kinds))}",
                where=self.name,
                fix=f"kinds: {', '.join(READERS)}; keep each in its own file",
            )
        return last

    def _answers(self) -> Iterator[RawAnswer]:
        """Answers to the last question, one after another."""
        request, known = store.digest(self._last.request), self._last.request
        for answer in iter_raw(self.path):
            if answer.request == known or store.digest(answer.request) == request:
                yield answer

    @cached_property
    def _by_text(self) -> dict[str, Reading]:
        """What was said of each text; the answers themselves are not kept."""
        read, _ = READERS[self._last.kind]
        # Asking again is not what a replay does.
        return {a.text: read(a, self.attributes)._replace(again=False) for a in self._answers()}

    @property
    def attributes(self) -> tuple[str, ...]:
        """What counts."""
        return self._wanted or READERS[self._last.kind][1]

    @property
    def attribute(self) -> str:
        """What counts, in words."""
        return " or ".join(self.attributes) or self._last.kind

    @cached_property
    def version(self) -> str:
        """Of the answers; a service's own version goes with each score."""
        request: dict[str, Any] = self._last.request
        return str(request.get("form_name") or request.get("model") or self._last.kind)

    @cached_property
    def digest(self) -> str:
        """Digest of the answers, as `store.digest` makes it of their list."""
        found = hashlib.sha256(b"[")
        for number, answer in enumerate(self._answers()):
            found.update(b"," * (number > 0) + msgspec.json.encode(answer, order="deterministic"))
        found.update(b"]")
        return f"sha256:{found.hexdigest()}"

    @property
    def takes_prompt(self) -> bool:
        """Whether the answers are to questions with answers."""
        return self._last.kind == guard_read.KIND

    @property
    def settings(self) -> dict[str, object]:
        """What counts."""
        return {"attributes": list(self.attributes)}

    def ready(self) -> None:
        """Read the file.

        Raises:
            DataError, MeasureError: it is missing, damaged, empty or mixed.
        """
        _ = self._last

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
        absent = Reading(None, NOT_STORED)
        found = [self._by_text.get(text_digest(item), absent) for item in items]
        if advance:
            advance(len(items))
        return found
