"""Raw answers: kept as they come, so that nothing is asked twice and all can be read again.

What a scorer that asks (a service, a guard model) is told becomes one line of ``raw.jsonl``
beside the scores: a digest of the text, the request without text and key, and the response.

    readings = scorer.readings(items, raw=Path("raw.jsonl"))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mores import store
from mores.errors import DataError
from mores.measure.toxicity.scorer import Advance, Item, Reading, Scored
from mores.records import Record
from mores.step import Journal

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


def text_digest(item: Item) -> str:
    """Return the digest under which an item's answer is kept."""
    return store.digest([item.prompt, item.text])


class AskingScorer(ABC):
    """A `ReadingScorer` that asks somebody and reads the answers; a subclass says how."""

    kind: str
    name: str
    version: str
    attribute: str
    note: str

    @property
    @abstractmethod
    def request(self) -> dict[str, Any]:
        """As `RawAnswer.request`; another request means other answers."""

    @abstractmethod
    def ready(self) -> None:
        """Raise MeasureError if nothing can be asked."""

    @abstractmethod
    def ask(self, items: Sequence[Item]) -> Iterator[tuple[Item, RawAnswer]]:
        """Give answers as they come; may stop early if it is of no use to go on."""

    @abstractmethod
    def read(self, answer: RawAnswer) -> Reading:
        """Return what an answer says."""

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """Return one value for each text, asked without its question and kept nowhere."""
        return [(r.value, r.reason) for r in self.readings([Item(text) for text in texts])]

    def readings(
        self, items: Sequence[Item], *, raw: Path | None = None, advance: Advance | None = None
    ) -> list[Reading]:
        """Ask what is not known yet, keep each answer, and read them all.

        Args:
            items: texts.
            raw: where answers are kept and looked up; None keeps nothing.
            advance: told how many different texts are done.

        Raises:
            MeasureError: something has to be asked and the scorer is not ready for it.
            DataError: the file of raw answers is damaged.
        """
        advance = advance or (lambda _: None)
        book = RawBook(raw)
        asked = store.digest([self.kind, self.request])
        answers = {item: book.get(text_digest(item), asked) for item in items}
        missing = [item for item, answer in answers.items() if answer is None or answer.again]
        advance(len(answers) - len(missing))
        why = "no answer"
        if missing:
            self.ready()
            answers |= dict.fromkeys(missing)
            for item, answer in self.ask(missing):
                book.add(answer)
                answers[item] = answer
                why = answer.reason or why
                advance(1)
        reason = f"not asked, for the service had stopped answering ({why})"
        read = {
            item: self.read(answer) if answer else Reading(None, reason, again=True)
            for item, answer in answers.items()
        }
        return [read[item] for item in items]

    def answer(
        self, item: Item, response: Any, *, status: int = 0, reason: str = "", again: bool = False
    ) -> RawAnswer:
        """Return what was answered about one item as it is kept."""
        return RawAnswer(
            text=text_digest(item),
            kind=self.kind,
            request=self.request,
            status=status,
            response=response,
            reason=reason,
            again=again,
        )


class RawBook:
    """The answers in a file, by text and request; the last one of each counts."""

    def __init__(self, path: Path | None) -> None:
        self._answers: dict[tuple[str, str], RawAnswer] = {}
        for answer in iter_raw(path) if path is not None and path.exists() else ():
            self._remember(answer)
        self._journal = Journal(path) if path is not None else None

    def get(self, text: str, asked: str) -> RawAnswer | None:
        """Return the answer to a request of that digest, if there is one."""
        return self._answers.get((text, asked))

    def add(self, answer: RawAnswer) -> None:
        """Keep an answer; it is in the file when this returns."""
        self._remember(answer)
        if self._journal is not None:
            self._journal.append(answer)

    def _remember(self, answer: RawAnswer) -> None:
        self._answers[answer.text, store.digest([answer.kind, answer.request])] = answer


def iter_raw(path: Path) -> Iterator[RawAnswer]:
    """Read a file of raw answers one after another; an unfinished last line counts for nothing.

    Raises:
        DataError: missing, or a line that is not such an answer.
    """
    decode = msgspec.json.Decoder(RawAnswer).decode
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield _raw(line, path, number, decode)
    except OSError as error:
        raise DataError(
            f"cannot be read: {error.strerror}",
            path=path,
            fix="give a raw.jsonl that mores wrote, or its folder",
        ) from None


def _raw(line: bytes, path: Path, number: int, decode: Callable[[bytes], RawAnswer]) -> RawAnswer:
    try:
        return decode(line)
    except (msgspec.DecodeError, ValueError) as error:
        raise DataError(
            f"not a raw answer: {store.readable(str(error))}",
            path=path,
            line=number,
            fix="give a raw.jsonl that mores wrote, or move this one away to ask again",
        ) from None
