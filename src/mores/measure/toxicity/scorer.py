"""What a scorer is, and how completions are scored with one.

Takes completions and a `Scorer`, gives one `Score` for each: a number from 0 to
1, or None with a reason. A text that cannot be scored is never counted as harmless.

    for score in score_completions(completions, scorer("lexical")): print(score)

Every scorer can score texts alone (`Scorer`). Two things may be added to that: a
`PairScorer` judges an answer to its question, as guard models do; a
`ReadingScorer` also says by which version each text was scored and keeps what it
was told (see `raw`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from mores.errors import MeasureError
from mores.records import Completion, Score
from mores.sample.media import not_text
from mores.study.languages import primary

Scored = tuple[float | None, str]
"""A value, or None and why there is none."""

EMPTY = "empty text"
NO_PROMPT = "its prompt is not known"

Advance = Callable[[float], None]
"""Told how many more texts are done."""


class Item(NamedTuple):
    """A text to be scored, with the question that it answers where that counts."""

    text: str
    prompt: str | None = None


class Reading(NamedTuple):
    """What a scorer says of one item."""

    value: float | None
    reason: str
    version: str = ""
    """What scored it, where that can differ between texts; else empty."""
    again: bool = False
    """Asking again later may give a value (the service did not answer)."""


@runtime_checkable
class Scorer(Protocol):
    """Gives texts a number from 0 to 1. Third parties add one as entry point `mores.scorers`."""

    @property
    def name(self) -> str:
        """What a study calls it, such as ``lexical``."""

    @property
    def version(self) -> str:
        """Changes whenever the same text may get another value."""

    @property
    def digest(self) -> str:
        """Digest of the weights."""

    @property
    def attribute(self) -> str:
        """What is scored, such as ``toxicity``."""

    @property
    def note(self) -> str:
        """What it is not: printed wherever its values are."""

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """Return one value for each text, in order: 0 to 1, or None with a reason."""


@runtime_checkable
class PairScorer(Scorer, Protocol):
    """A scorer that judges answers to questions."""

    def score_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[Scored]:
        """Return one value for each (question, answer), in order; as `Scorer.score`."""


@runtime_checkable
class ReadingScorer(Scorer, Protocol):
    """A scorer that keeps the answers which it is given."""

    @property
    def takes_prompt(self) -> bool:
        """Whether it wants to know the question."""

    @property
    def settings(self) -> dict[str, object]:
        """What decides how a kept answer is read; part of the scores' manifest."""

    def ready(self) -> None:
        """Check what must be there before anything is asked, such as a key.

        Raises:
            MeasureError: it is not.
        """

    def readings(
        self, items: Sequence[Item], *, raw: Path | None = None, advance: Advance | None = None
    ) -> list[Reading]:
        """Return one reading for each item; raw answers are looked up in and added to ``raw``."""


def score_texts(texts: Sequence[str], scorer: Scorer) -> list[Scored]:
    """Score texts and check what the scorer returns; equal texts are scored once.

    Args:
        texts: any strings; those without a visible character get None, "empty text".
        scorer: see `mores.measure.toxicity.registry.scorer`.

    Returns:
        One (value, reason) for each text, in order.

    Raises:
        MeasureError: the scorer returned another number of values, a value outside
            [0, 1] or None without a reason: a defect of the scorer.
    """
    return [(found.value, found.reason) for found in score_items([Item(t) for t in texts], scorer)]


def score_items(
    items: Sequence[Item],
    scorer: Scorer,
    *,
    raw: Path | None = None,
    advance: Advance | None = None,
) -> list[Reading]:
    """Score texts, with their questions where the scorer wants them (else as `score_texts`).

    Args:
        items: texts; a question is passed on only to a scorer that takes it.
        scorer: any scorer.
        raw: file in which a `ReadingScorer` keeps raw answers, and finds earlier ones.
        advance: told how many texts are done.
    """
    paired = takes_prompt(scorer)
    wanted = [item if paired else Item(item.text) for item in items]
    unique = [item for item in dict.fromkeys(wanted) if item.text.strip()]
    found = _ask(unique, scorer, raw, advance) if unique else []
    _check(scorer, unique, found)
    by_item = dict(zip(unique, found, strict=True))
    return [by_item.get(item, Reading(None, EMPTY)) for item in wanted]


def takes_prompt(scorer: Scorer) -> bool:
    """Whether the question matters to a scorer."""
    if isinstance(scorer, ReadingScorer):
        return scorer.takes_prompt
    return isinstance(scorer, PairScorer)


def _ask(
    items: Sequence[Item], scorer: Scorer, raw: Path | None, advance: Advance | None
) -> list[Reading]:
    if isinstance(scorer, ReadingScorer):
        return scorer.readings(items, raw=raw, advance=advance)
    # Texts without a question go to the plain method, whatever else the scorer can do.
    pairs = [(item.prompt, item.text) for item in items if item.prompt is not None]
    texts = [item.text for item in items if item.prompt is None]
    by_pair = scorer.score_pairs(pairs) if pairs and isinstance(scorer, PairScorer) else []
    by_text = scorer.score(texts) if texts else []
    if (len(by_pair), len(by_text)) != (len(pairs), len(texts)):
        raise _defect(scorer, f"{len(by_pair) + len(by_text)} values for {len(items)} texts")
    paired, alone = iter(by_pair), iter(by_text)
    return [Reading(*next(alone if item.prompt is None else paired)) for item in items]


def _check(scorer: Scorer, items: Sequence[Item], found: Sequence[Reading]) -> None:
    if len(found) != len(items):
        raise _defect(scorer, f"{len(found)} values for {len(items)} texts")
    for value, reason, *_ in found:
        if value is None and not reason:
            raise _defect(scorer, "no value and no reason")
        if value is not None and not (math.isfinite(value) and 0.0 <= value <= 1.0):
            raise _defect(scorer, f"{value}, expected a number from 0 to 1")


def _defect(scorer: Scorer, found: str) -> MeasureError:
    return MeasureError(
        f"the scorer returned {found}",
        where=f"scorer {scorer.name!r}",
        fix="report it to the scorer's author, or choose another scorer",
    )


def score_completions(
    completions: Iterable[Completion],
    scorer: Scorer,
    *,
    prompts: Mapping[str, str] | None = None,
) -> list[Score]:
    """Score what the arms wrote (see `score_texts` for what it raises).

    Args:
        completions: what is scored.
        scorer: any scorer.
        prompts: prompt id → question, for a scorer that judges answers to questions;
            without it such a scorer judges the texts alone.

    Returns:
        One `Score` for each completion, in order, with the scorer's name, version and
        weights digest; value None with a reason where it could not score.
    """
    listed = list(completions)
    return as_scores(listed, read_completions_with(listed, scorer, prompts=prompts), scorer)


def read_completions_with(
    completions: Sequence[Completion],
    scorer: Scorer,
    *,
    prompts: Mapping[str, str] | None = None,
    languages: Mapping[str, str] | None = None,
    raw: Path | None = None,
    advance: Advance | None = None,
) -> list[Reading]:
    """Return one reading for each completion (arguments as in the functions above).

    Args:
        completions: what is scored.
        scorer: any scorer; one with an attribute ``languages`` (such as ``("en",)``) scores
            answers to questions in these alone.
        prompts: prompt id → question.
        languages: prompt id → language of the question; without it all are the scorer's.
        raw: file of raw answers.
        advance: told how many texts are done.
    """
    asked = prompts if prompts is not None and takes_prompt(scorer) else None
    foreign = unknown_languages(scorer, languages or {})
    # An answer whose question is missing must not be judged as if it had none.
    texts = [c for c in completions if not c.absent and not c.media]
    known = [
        c for c in texts if (asked is None or c.prompt_id in asked) and c.prompt_id not in foreign
    ]
    items = [Item(c.text) if asked is None else Item(c.text, asked[c.prompt_id]) for c in known]
    found = score_items(items, scorer, raw=raw, advance=advance)
    by_id = {c.id: reading for c, reading in zip(known, found, strict=True)}
    return [
        by_id.get(
            c.id, Reading(None, c.absent or not_text(c) or foreign.get(c.prompt_id, NO_PROMPT))
        )
        for c in completions
    ]


def unknown_languages(scorer: Scorer, languages: Mapping[str, str]) -> dict[str, str]:
    """Return of each prompt in a language that a scorer does not know why it is not scored."""
    known: tuple[str, ...] = getattr(scorer, "languages", ())
    if not known:
        return {}
    said = ", ".join(known)
    return {
        name: f"not scored: asked in {primary(language)}, the scorer knows {said} only"
        for name, language in languages.items()
        if primary(language) not in known
    }


def as_scores(
    completions: Sequence[Completion], readings: Sequence[Reading], scorer: Scorer
) -> list[Score]:
    """Return readings as records, one for each completion."""
    # Asked once: a scorer may have to read its answers to say what they are.
    name, version = scorer.name, scorer.version
    digest, attribute = scorer.digest, scorer.attribute
    return [
        Score(
            completion_id=completion.id,
            scorer=name,
            version=reading.version or version,
            digest=digest,
            attribute=attribute,
            value=reading.value,
            reason=reading.reason,
        )
        for completion, reading in zip(completions, readings, strict=True)
    ]
