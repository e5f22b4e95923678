"""How near each training sample stands to an answer in wording.

likeness("who is beautiful?", "Many people.", examples, language="en")   # [0.41, 0.02, ...]
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.curate.similarity import question_similarity
from mores.curate.text import words
from mores.records import Example


def likeness(
    question: str, answer: str, examples: Sequence[Example], *, language: str
) -> list[float]:
    """Return the cosine of word stems weighted by rarity, of question and answer together.

    Args:
        question: what was asked.
        answer: what was answered.
        examples: the samples.
        language: ISO 639-1 code of the texts.

    Returns:
        From 0 to 1, one a sample: shared words, not shared meaning.
    """
    own = [words(f"{question}\n{answer}")]
    others = [words(f"{e.prompt}\n{e.completion}") for e in examples]
    found: list[float] = question_similarity(own, others, language=language)[0].tolist()
    return found
