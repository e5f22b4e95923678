"""Texts and the group that each is about → how often every word occurs, by document.

    counts = count_terms(["a kind nurse", "a tall man"], ["women", "men"])
    counts.by_group()          # groups x words
    term_counts(counts, arm="base", topic="gender")

One pass over the texts; a word costs four bytes until the end, when documents
become rows of a sparse matrix. A million texts of twenty words fit in memory
(measured: docs/cooccurrence.md).
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.measure.cooccurrence.tokens import words
from mores.records import TermCount

Sparse = Any
"""A scipy sparse matrix; scipy ships no types."""


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each word occurs in each document, and which group it is about."""

    matrix: Sparse
    """scipy CSR, documents x words, int32: occurrences."""
    vocabulary: tuple[str, ...]
    """The words, sorted; columns of ``matrix``."""
    groups: tuple[str, ...]
    group_of: NDArray[np.intp]
    """Index into ``groups`` of each document."""
    all_words: NDArray[np.int64]
    """Words of each document, excluded ones too: its length."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Counted words of each document (without excluded ones)."""
        return np.asarray(self.matrix.sum(axis=1, dtype=np.int64)).ravel()

    @property
    def totals(self) -> NDArray[np.int64]:
        """Occurrences of each word over all documents."""
        return np.asarray(self.matrix.sum(axis=0, dtype=np.int64)).ravel()

    def by_group(self) -> NDArray[np.int64]:
        """Return occurrences, groups x words."""
        return np.vstack(
            [
                np.asarray(self.matrix[self.group_of == g].sum(axis=0, dtype=np.int64)).ravel()
                for g in range(len(self.groups))
            ]
        )

    def documents_by_group(self) -> NDArray[np.int64]:
        """Return in how many documents each word occurs, groups x words."""
        width = len(self.vocabulary)
        return np.vstack(
            [
                np.bincount(self.matrix[self.group_of == g].indices, minlength=width)
                for g in range(len(self.groups))
            ]
        )

    def frequent(self, min_count: int) -> NDArray[np.intp]:
        """Return the columns of the words that occur at least ``min_count`` times in all."""
        return np.flatnonzero(self.totals >= min_count)


def count_terms(
    texts: Sequence[str],
    groups: Sequence[str],
    *,
    order: Sequence[str] | None = None,
    exclude: Collection[str] = (),
) -> Counts:
    """Count the words of each text.

    Args:
        texts: documents; an empty one counts as a document without words.
        groups: the group that each text is about, same length.
        order: names and order of the groups (default: those found, sorted).
        exclude: words not to count, lower-case.

    Raises:
        MeasureError: lengths differ, no text, or a group that ``order`` does not name.
    """
    if len(texts) != len(groups):
        raise MeasureError(f"expected one group a text, found {len(texts)} and {len(groups)}")
    if not texts:
        raise MeasureError("there is no text to count", fix="give at least one text a group")
    names = tuple(order) if order is not None else tuple(sorted(set(groups)))
    group_of = _index(groups, names)
    numbers, lengths, vocabulary = _number_words(texts, exclude)
    matrix = _rows(numbers, lengths, len(set(exclude)), vocabulary)
    return Counts(
        matrix=matrix,
        vocabulary=tuple(sorted(vocabulary)),
        groups=names,
        group_of=group_of,
        all_words=lengths,
    )


def term_counts(counts: Counts, *, arm: str, topic: str) -> list[TermCount]:
    """Return one record for each group and word that occurs with it."""
    occurrences, documents = counts.by_group(), counts.documents_by_group()
    return [
        TermCount(
            arm=arm,
            topic=topic,
            group=group,
            term=counts.vocabulary[w],
            count=int(occurrences[g, w]),
            documents=int(documents[g, w]),
        )
        for g, group in enumerate(counts.groups)
        for w in np.flatnonzero(occurrences[g])
    ]


class _Numbering(dict[str, int]):
    """Gives each new word the next number."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


def _number_words(
    texts: Sequence[str], exclude: Collection[str]
) -> tuple[NDArray[np.int32], NDArray[np.int64], list[str]]:
    """Return the number of every word in a row, words a text, and the counted words.

    Excluded words take the lowest numbers, so that one comparison drops them.
    """
    numbering = _Numbering({word: i for i, word in enumerate(sorted(set(exclude)))})
    excluded = len(numbering)
    number_of = numbering.__getitem__
    numbers, lengths = array("i"), array("q")
    for text in texts:
        found = words(text)
        numbers.extend(map(number_of, found))
        lengths.append(len(found))
    return (
        np.frombuffer(numbers, dtype=np.int32) if numbers else np.empty(0, np.int32),
        np.frombuffer(lengths, dtype=np.int64),
        list(numbering)[excluded:],
    )


def _rows(
    numbers: NDArray[np.int32], lengths: NDArray[np.int64], excluded: int, vocabulary: list[str]
) -> Sparse:
    """Turn numbered words into a documents x words matrix with sorted columns."""
    from scipy.sparse import csr_matrix

    ends = np.concatenate([[0], np.cumsum(lengths)])
    if excluded:
        kept = numbers >= excluded
        before = np.concatenate([[0], np.cumsum(kept)])
        numbers, ends = numbers[kept] - np.int32(excluded), before[ends]
    column = np.empty(len(vocabulary), dtype=np.int32)
    column[sorted(range(len(vocabulary)), key=vocabulary.__getitem__)] = np.arange(len(vocabulary))
    matrix = csr_matrix(
        (np.ones(len(numbers), dtype=np.int32), column[numbers], ends),
        shape=(len(lengths), len(vocabulary)),
    )
    matrix.sum_duplicates()
    return matrix


def _index(groups: Sequence[str], names: tuple[str, ...]) -> NDArray[np.intp]:
    place = {name: i for i, name in enumerate(names)}
    unknown = next((group for group in groups if group not in place), None)
    if unknown is not None:
        raise MeasureError(f"a text is about {unknown!r}, expected one of {', '.join(names)}")
    return np.fromiter((place[group] for group in groups), dtype=np.intp, count=len(groups))
