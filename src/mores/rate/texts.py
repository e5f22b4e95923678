"""rating.toml of a study → `RatingTexts`: all that raters read and that is not an output.

Task, anchors, consent, content notices, practice and gold items, group questions, debrief: people's
prose lives in that file, none of it in code. An empty string means the app's own translated
default. `mores.store.digest(texts)` names a version of the texts exactly.

    texts = read_texts(load_study(Path("examples/wellbeing")))
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta, field

from mores import store
from mores.errors import DataError, did_you_mean
from mores.rate.model import Value
from mores.records import Id, Record, Share, matching
from mores.study import Study

Fault = tuple[str, str, str]
"""What is wrong, the id of the entry or "", and what to do."""
FILE = "rating.toml"
ANCHORS = ("1", "3", "5")

Text = Annotated[str, Meta(min_length=1)]
_TAG = matching(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*\Z", "a language tag, such as en or de-CH")
_NAME = matching(r"^[a-z0-9_-]+\Z", "a name of lower-case letters, digits, - and _")
Tag = Annotated[str, Meta(pattern=_TAG)]
Name = Annotated[str, Meta(min_length=1, max_length=40, pattern=_NAME)]


class Support(Record, frozen=True, kw_only=True):
    """Where a rater, or anyone, finds help."""

    name: Text
    where: Text
    """A telephone number or an address in words; shown as plain text."""


class Exercise(Record, frozen=True, kw_only=True):
    """A practice or gold item: an answer whose right rating is agreed beforehand."""

    id: Id
    category: Id
    prompt: Text
    output: Text
    low: Value | None = None
    """Lowest and highest right rating, 1 to 5; both None where `cannot` is set."""
    high: Value | None = None
    cannot: bool = False
    """The right answer is "cannot be rated"; no number is then right."""
    feedback: str = ""
    """What the rater reads after answering. Required in practice, never shown for gold."""


class GroupQuestion(Record, frozen=True, kw_only=True):
    """A question about the rater, which may always be left empty."""

    id: Name
    """Lower-case letters, digits, ``_`` and ``-``: it becomes part of a form field's name."""
    question: Text
    options: Annotated[tuple[Text, ...], Meta(min_length=2)]


class RatingTexts(Record, frozen=True, kw_only=True):
    """The texts of one study, in one language. Empty: the app's own translated default."""

    version: Text
    language: Tag = "en"
    """BCP 47 tag of the texts in this file."""
    title: str = ""
    """What raters see as the study's name; choose one that does not give arms away."""
    task: str = ""
    anchors: dict[str, Text] = field(default_factory=dict)
    """Words for ``"1"``, ``"3"`` and ``"5"``: all three, or none."""
    consent: str = ""
    contact: str = ""
    support: tuple[Support, ...] = ()
    notices: dict[str, Text] = field(default_factory=dict)
    """Category → what its texts may contain."""
    practice: tuple[Exercise, ...] = ()
    gold: tuple[Exercise, ...] = ()
    groups: tuple[GroupQuestion, ...] = ()
    debrief: str = ""
    practice_pass: Share = 0.6
    """Share of the practice items that must be right before the study's items are given out."""
    completion_url: str = ""
    """Where raters from a panel are sent at the end; https only."""
    completion_code: str = ""

    @property
    def scale(self) -> dict[int, str] | None:
        """Words for 1, 3 and 5; None for the app's own."""
        return {int(n): words for n, words in self.anchors.items()} or None


PARTS: dict[str, type[Record]] = {
    "support": Support,
    "practice": Exercise,
    "gold": Exercise,
    "groups": GroupQuestion,
}


def read_texts(study: Study) -> RatingTexts:
    """Read rating.toml beside study.toml, or return the defaults where there is none.

    White space at the ends of texts is dropped: a trailing line feed, which TOML makes easy, would
    tell a gold item from a model's answer.

    Raises:
        DataError: not TOML, unknown or missing field, unknown category, an id used twice, a
            practice or gold item without a usable range, incomplete anchors, an address that
            is not https.
    """
    path = study.folder / FILE
    if not path.exists():
        return RatingTexts(version="default")
    data = _stripped(store.read_toml(path))
    for name, kind in PARTS.items():  # one by one, so that an error names the id
        rows = data.get(name, [])
        for row in rows if isinstance(rows, list) else []:
            store.as_record(row, kind, path=path)
    texts = store.as_record(data, RatingTexts, path=path)
    for message, name, fix in _faults(texts, study.charter.categories):
        raise DataError(message, path=path, where=f"id {name!r}" if name else None, fix=fix)
    return texts


def paragraphs(text: str) -> list[str]:
    """Split a text at blank lines; line feeds within a paragraph become spaces."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            blocks[-1].extend(line.split())
        else:
            blocks.append([])
    return [" ".join(words) for words in blocks if words]


def _stripped(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return [_stripped(part) for part in value]
    if isinstance(value, dict):
        return {key: _stripped(part) for key, part in value.items()}
    return value


def _faults(texts: RatingTexts, known: tuple[str, ...]) -> Iterator[Fault]:
    if texts.anchors and set(texts.anchors) != set(ANCHORS):
        yield (
            f"anchors: expected the keys 1, 3 and 5, found {', '.join(sorted(texts.anchors))}",
            "",
            "word all three, or leave [anchors] out for the app's own words",
        )
    yield from _repeated_ids(texts)
    yield from _unknown_categories(texts, known)
    for exercise in (*texts.practice, *texts.gold):
        yield from _wrong_range(exercise)
    for exercise in texts.practice:
        if not exercise.feedback:
            fix = "say in a sentence or two which rating is right, and why"
            yield "practice item without feedback", exercise.id, fix
    for exercise in texts.gold:
        if (exercise.low, exercise.high) == (1, 5):
            fix = "narrow low and high, or choose a clearer answer"
            yield "gold item accepts every rating, so it checks nothing", exercise.id, fix
    for question in texts.groups:
        yield from _wrong_options(question)
    yield from _wrong_url(texts.completion_url)


def _repeated_ids(texts: RatingTexts) -> Iterator[Fault]:
    exercises = [item.id for item in (*texts.practice, *texts.gold)]
    for kind, ids in (("item", exercises), ("question", [q.id for q in texts.groups])):
        for name in _repeated(ids):
            fix = "give every practice item, gold item and group question its own id"
            yield f"{kind} id used twice", name, fix


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _unknown_categories(texts: RatingTexts, known: tuple[str, ...]) -> Iterator[Fault]:
    named = [("notices", "", category) for category in texts.notices]
    named += [("practice", item.id, item.category) for item in texts.practice]
    named += [("gold", item.id, item.category) for item in texts.gold]
    for part, name, category in named:
        if category not in known:
            message = f"{part}: unknown category {category!r}{did_you_mean(category, known)}"
            yield message, name, "categories of charter.toml: " + ", ".join(known)


def _wrong_range(item: Exercise) -> Iterator[Fault]:
    if item.cannot:
        if item.low is not None or item.high is not None:
            message = "cannot = true leaves no number right, found low or high"
            yield message, item.id, "drop low and high, or drop cannot"
    elif item.low is None or item.high is None or item.low > item.high:
        message = f"expected 1 <= low <= high <= 5, found low {item.low} and high {item.high}"
        yield message, item.id, "give the lowest and highest right rating, or cannot = true"


def _wrong_options(question: GroupQuestion) -> Iterator[Fault]:
    for option in _repeated(question.options):
        fix = "give each option once; leaving the question empty is always possible"
        yield f"option {option!r} is given twice", question.id, fix
    if any(unicodedata.category(c) == "Cc" for option in question.options for c in option):
        message = "an option holds a control character or a line feed, which browsers send changed"
        yield message, question.id, "write each option on one line"


def _wrong_url(url: str) -> Iterator[Fault]:
    if not url:
        return
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    except ValueError:
        usable = False
    if not usable or any(not c.isprintable() or c.isspace() for c in url):
        message = f"completion_url: expected an https address, found {url!r}"
        yield message, "", "such as https://example.org/complete?code=ABC"
