"""What a scorer is, and how completions are scored with one.

Takes completions and a `Scorer`, gives one `Score` for each: a number from 0 to
1, or None with a reason. A text that cannot be scored is never counted as harmless.

    for score in score_completions(completions, scorer("lexical")): print(score)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from mores.errors import MeasureError
from mores.records import Completion, Score

Scored = tuple[float | None, str]
"""A value, or None and why there is none."""

EMPTY = "empty text"


@runtime_checkable
class Scorer(Protocol):
    """Gives texts a number from 0 to 1. Third parties add one as entry point `mores.scorers`."""

    @property
    def name(self) -> str:
        """What a study calls it, such as ``lexical``."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the same text may get another value."""
        ...

    @property
    def digest(self) -> str:
        """Digest of the weights."""
        ...

    @property
    def attribute(self) -> str:
        """What is scored, such as ``toxicity``."""
        ...

    @property
    def note(self) -> str:
        """What it is not: printed wherever its values are."""
        ...

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """Return one value for each text, in order: 0 to 1, or None with a reason."""
        ...


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
    unique = [text for text in dict.fromkeys(texts) if text.strip()]
    scored = scorer.score(unique) if unique else []
    if len(scored) != len(unique):
        raise _defect(scorer, f"{len(scored)} values for {len(unique)} texts")
    for value, reason in scored:
        if value is None and not reason:
            raise _defect(scorer, "no value and no reason")
        if value is not None and not (math.isfinite(value) and 0.0 <= value <= 1.0):
            raise _defect(scorer, f"{value}, expected a number from 0 to 1")
    by_text = dict(zip(unique, scored, strict=True))
    return [by_text.get(text, (None, EMPTY)) for text in texts]


def _defect(scorer: Scorer, found: str) -> MeasureError:
    return MeasureError(
        f"the scorer returned {found}",
        where=f"scorer {scorer.name!r}",
        fix="report it to the scorer's author, or choose another scorer",
    )


def score_completions(completions: Iterable[Completion], scorer: Scorer) -> list[Score]:
    """Score what the arms wrote (see `score_texts` for what it raises).

    Returns:
        One `Score` for each completion, in order, with the scorer's name, version and
        weights digest; value None with a reason where it could not score.
    """
    listed = list(completions)
    scored = score_texts([completion.text for completion in listed], scorer)
    return [
        Score(
            completion_id=completion.id,
            scorer=scorer.name,
            version=scorer.version,
            digest=scorer.digest,
            attribute=scorer.attribute,
            value=value,
            reason=reason,
        )
        for completion, (value, reason) in zip(listed, scored, strict=True)
    ]
