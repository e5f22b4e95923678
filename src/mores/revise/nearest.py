"""Which training samples stand nearest to a prompt, and whether any stands near at all.

    near = nearest(prompts, examples)     for each prompt the samples most alike
    usual = usual_similarity(examples)    how near samples stand to each other

Likeness is the cosine of word stems weighted by rarity (`mores.curate.similarity`), of the
questions: it sees shared words, not shared meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mores.curate.similarity import question_similarity
from mores.curate.text import words
from mores.records import Example, Prompt

MOST = 3


@dataclass(frozen=True)
class Neighbours:
    """The samples most alike to one prompt, best first."""

    prompt: Prompt
    samples: tuple[tuple[str, float], ...]
    """(sample id, similarity from 0 to 1)."""

    @property
    def best(self) -> float:
        """Similarity of the nearest sample; 0 where there is none."""
        return self.samples[0][1] if self.samples else 0.0


def nearest(
    prompts: Sequence[Prompt], examples: Sequence[Example], *, language: str = "en"
) -> list[Neighbours]:
    """Return for each prompt the samples most alike, of its own category."""
    found = []
    for prompt in prompts:
        own = [e for e in examples if e.category == prompt.category]
        row = question_similarity(
            [words(prompt.text)], [words(e.prompt) for e in own], language=language
        )
        order = [int(i) for i in np.argsort(-row[0], kind="stable")[:MOST]] if own else []
        samples = tuple((own[i].id, round(float(row[0, i]), 4)) for i in order)
        found.append(Neighbours(prompt, samples))
    return found


def usual_similarity(examples: Sequence[Example], *, language: str = "en") -> float | None:
    """Return the lower quartile of each sample's similarity to its nearest neighbour.

    A prompt whose nearest sample is farther than that stands outside of what the samples cover.

    Returns:
        From 0 to 1, or None with fewer than four samples.
    """
    if len(examples) < 4:
        return None
    texts = [words(e.prompt) for e in examples]
    table = question_similarity(texts, texts, language=language)
    np.fill_diagonal(table, 0.0)
    return float(np.quantile(table.max(axis=1), 0.25))


def new_words(prompt: Prompt, examples: Sequence[Example]) -> tuple[str, ...]:
    """Return the first five longer words of a prompt that no sample of its category holds."""
    held = {
        word
        for e in examples
        if e.category == prompt.category
        for word in (*words(e.prompt), *words(e.completion))
    }
    fresh = [word for word in words(prompt.text) if len(word) > 4 and word not in held]
    return tuple(dict.fromkeys(fresh))[:5]
