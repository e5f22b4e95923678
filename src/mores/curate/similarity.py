"""How alike two texts are: every pair compared, as a matrix.

Takes texts as words, gives matrices of similarities from 0 to 1. `mores.curate.alike` finds the
pairs at or above a threshold without the matrix, for which ten thousand texts are too many.

    question_similarity(asked, prompts, language="en")   # shape (len(asked), len(prompts))
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mores.curate.text import Run, runs
from mores.study.languages import primary

Matrix = npt.NDArray[np.float64]

QUESTION_THRESHOLD = 0.5
"""Chosen on pairs of question and paraphrase; see docs/check-rates.md."""

ANSWER_RUN = 3
ANSWER_THRESHOLD = 0.3
"""Jaccard of 3-word runs: a copy with a random fifth of its words replaced has
.8³ / (2 - .8³) = 0.34."""

_LANGUAGES = {
    "ar": "arabic", "da": "danish", "de": "german", "en": "english", "es": "spanish",
    "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch",
    "nb": "norwegian", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sv": "swedish", "tr": "turkish",
}  # fmt: skip

NO_STEMS = "there is no stemmer for it, so questions are compared by words as they are written"


def question_similarity(a: Sequence[Run], b: Sequence[Run], *, language: str = "en") -> Matrix:
    """Return the cosine of the questions' word stems, each stem weighted by its rarity.

    The weight of a stem is its smoothed inverse document frequency over all
    questions of both lists, log((1 + n) / (1 + df)) + 1 (as in scikit-learn's
    `TfidfVectorizer`), so that "how do I" counts for little and "brioche" for much.

    Args:
        a: questions as words.
        b: questions as words.
        language: ISO 639-1 code; words of an unknown language are compared unstemmed.

    Returns:
        Similarities from 0 to 1, shape (len(a), len(b)); 0 for a question without words.
    """
    if not a or not b:
        return np.zeros((len(a), len(b)))
    weighted, length = stem_weights((*a, *b), language)
    product = (weighted[: len(a)] @ weighted[len(a) :].T).toarray()
    scale = np.outer(length[: len(a)], length[len(a) :])
    similarity: Matrix = np.divide(product, scale, out=np.zeros_like(product), where=scale > 0)
    return similarity


def run_jaccard(a: Sequence[Run], b: Sequence[Run]) -> Matrix:
    """Return |A ∩ B| / |A ∪ B| of the sets of 3-word runs of every pair of texts.

    Args:
        a: texts as words.
        b: texts as words.

    Returns:
        Similarities from 0 to 1, shape (len(a), len(b)); 0 where a text is shorter than a run.
    """
    if not a or not b:
        return np.zeros((len(a), len(b)))
    table = incidence([runs(text, ANSWER_RUN) for text in (*a, *b)])
    size = np.asarray(table.sum(axis=1)).ravel()
    shared: Matrix = (table[: len(a)] @ table[len(a) :].T).toarray()
    union = size[: len(a), None] + size[None, len(a) :] - shared
    jaccard: Matrix = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return jaccard


def pairs_above(similarity: Matrix, threshold: float) -> list[tuple[int, int, float]]:
    """Return (row, column, similarity) of all pairs at or above a threshold, in order."""
    rows, columns = np.nonzero(similarity >= threshold)
    return [(int(i), int(j), float(similarity[i, j])) for i, j in zip(rows, columns, strict=True)]


def stem_weights(texts: Sequence[Run], language: str) -> tuple[Any, npt.NDArray[np.float64]]:
    """Return a sparse table of texts by stems, each weighted by its rarity, and rows' lengths."""
    table = incidence([_stems(text, language) for text in texts])
    frequency = np.asarray(table.sum(axis=0)).ravel()
    weighted = table.multiply(np.log((1 + table.shape[0]) / (1 + frequency)) + 1).tocsr()
    return weighted, np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())


def has_stemmer(language: str) -> bool:
    """Say whether words of a language are compared by their stems, and not as they are."""
    return primary(language) in _LANGUAGES


def _stems(text: Run, language: str) -> Run:
    name = _LANGUAGES.get(primary(language))
    return text if name is None else tuple(_stem(word, name) for word in text)


@lru_cache(maxsize=100_000)
def _stem(word: str, language: str) -> str:
    stem: str = _stemmer(language).stemWord(word)
    return stem


@cache
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(language)


def incidence(texts: Sequence[Sequence[Hashable]]) -> Any:
    """Return a sparse table of 0 and 1: does text (row) hold feature (column)?"""
    from scipy.sparse import csr_array

    columns: dict[Hashable, int] = {}
    cells = [{columns.setdefault(feature, len(columns)) for feature in text} for text in texts]
    index = [column for row in cells for column in sorted(row)]
    starts = np.cumsum([0, *(len(row) for row in cells)])
    shape = (len(texts), max(1, len(columns)))
    return csr_array((np.ones(len(index)), index, starts), shape=shape)
