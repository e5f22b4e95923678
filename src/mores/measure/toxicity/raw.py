"""Raw answers: kept as they come, so that nothing is asked twice and all can be read again.

Takes items and a scorer that asks (a service, a guard model), gives readings; every
answer is one line of ``raw.jsonl`` beside the scores: a digest of the text, the
request without text and key, and the response.

    readings = read_with(scorer, items, raw=Path("raw.jsonl"))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from mores import store
from mores.errors import DataError
from mores.measure.toxicity.scorer import Advance, Item, Reading
from mores.records import Record

RAW = "raw.jsonl"


class RawAnswer(Record, frozen=True, kw_only=True):
    """What was answered of one text."""

    text: str
    """`text_digest` of the item: the text itself is among the completions."""
    kind: str
    """``perspective``, ``moderation`` or ``guard``: how the response is read."""
    request: dict[str, Any]
    """All that was asked, without the text and without a key."""
    status: int = 0
    """HTTP status; 0 where nothing was sent or nothing came back."""
    response: Any = None
    """As it came."""
    reason: str = ""
    """Why there is no response."""
    again: bool = False
    """Asking again may help: a service that was busy, an answer that broke off."""


class Asking(Protocol):
    """The part of a scorer that `read_with` needs."""

    kind: str

    @property
    def request(self) -> dict[str, Any]:
        """As `RawAnswer.request`; another request means other answers."""
        ...

    def ready(self) -> None:
        """Raise MeasureError if nothing can be asked."""
        ...

    def ask(self, items: Sequence[Item]) -> Iterator[tuple[Item, RawAnswer]]:
        """Give answers as they come; may stop early if it is of no use to go on."""
        ...

    def read(self, answer: RawAnswer) -> Reading:
        """Return what an answer says."""
        ...


def text_digest(item: Item) -> str:
    """Return the digest under which an item's answer is kept."""
    return store.digest([item.prompt, item.text])


def read_with(
    scorer: Asking,
    items: Sequence[Item],
    *,
    raw: Path | None = None,
    advance: Advance | None = None,
) -> list[Reading]:
    """Ask what is not known yet, keep each answer, and read them all.

    Args:
        scorer: what asks and reads.
        items: texts, all different.
        raw: where answers are kept and looked up; None keeps nothing.
        advance: told how many texts are done.

    Raises:
        MeasureError: something has to be asked and the scorer is not ready for it.
        DataError: the file of raw answers is damaged.
    """
    advance = advance or (lambda _: None)
    book = RawBook(raw)
    asked = store.digest([scorer.kind, scorer.request])
    found = {item: book.get(text_digest(item), asked) for item in items}
    missing = [item for item, answer in found.items() if answer is None or answer.again]
    advance(len(items) - len(missing))
    why = "no answer"
    if missing:
        scorer.ready()
        for item in missing:
            found[item] = None
        for item, answer in scorer.ask(missing):
            book.add(answer)
            found[item] = answer
            why = answer.reason or why
            advance(1)
    return [
        scorer.read(answer)
        if answer
        else Reading(None, f"not asked, for the service had stopped answering ({why})", again=True)
        for answer in found.values()
    ]


class RawBook:
    """The answers in a file, by text and request; the last one of each counts."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._answers: dict[tuple[str, str], RawAnswer] = {}
        if path is not None and path.exists():
            for answer in read_raw(path):
                self._remember(answer)
            with store.disk_errors(path):
                _cut_unfinished(path)

    def get(self, text: str, asked: str) -> RawAnswer | None:
        """Return the answer to a request of that digest, if there is one."""
        return self._answers.get((text, asked))

    def add(self, answer: RawAnswer) -> None:
        """Keep an answer; it is in the file when this returns."""
        self._remember(answer)
        if self.path is None:
            return
        with store.disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(msgspec.json.encode(answer) + b"\n")

    def _remember(self, answer: RawAnswer) -> None:
        self._answers[answer.text, store.digest([answer.kind, answer.request])] = answer


def read_raw(path: Path) -> list[RawAnswer]:
    """Read a file of raw answers; an unfinished last line counts for nothing.

    Raises:
        DataError: missing, or a line that is not such an answer.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror}",
            path=path,
            fix="give a raw.jsonl that mores wrote, or its folder",
        ) from None
    answers = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            answers.append(msgspec.json.decode(line, type=RawAnswer))
        except (msgspec.DecodeError, ValueError) as error:
            raise DataError(
                f"not a raw answer: {store.readable(str(error))}",
                path=path,
                line=number,
                fix="give a raw.jsonl that mores wrote, or move this one away to ask again",
            ) from None
    return answers


def _cut_unfinished(path: Path) -> None:
    """Remove a last line whose writer was killed, so that the next one starts afresh."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole != len(data):
        with path.open("r+b") as file:
            file.truncate(whole)
