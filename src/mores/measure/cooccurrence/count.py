"""Texts and the group that each is about → how often every word occurs, by document.

    counts = count_terms(["a kind nurse", "a tall man"], ["women", "men"])
    counts = count_stream(pairs)     # (text, group), read once, never all in memory
    counts.by_group()                # groups x words

One pass over the texts. A block of them at a time becomes rows of a sparse matrix,
eight bytes for each different word of a text; the texts themselves are not kept. A
million texts of forty words fit in memory (measured: docs/cooccurrence.md).
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.measure.cooccurrence.tokens import words

_BLOCK = 1_000_000
"""Words that become rows together."""

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
    return count_stream(zip(texts, groups, strict=True), order=order, exclude=exclude)


def count_stream(
    documents: Iterable[tuple[str, str]],
    *,
    order: Sequence[str] | None = None,
    exclude: Collection[str] = (),
) -> Counts:
    """Count the words of texts that come one after another and are not kept.

    Args:
        documents: pairs of a text and the group that it is about; read once. An empty
            text counts as a document without words.
        order: names and order of the groups (default: those found, sorted).
        exclude: words not to count, lower-case.

    Raises:
        MeasureError: no text, or a group that ``order`` does not name.
    """
    numbering = Numbering(exclude)
    places = {name: i for i, name in enumerate(order or ())}
    rows, group_of = _Rows(numbering), array("i")
    for text, group in documents:
        if group not in places:
            if order is not None:
                known = ", ".join(order)
                raise MeasureError(f"a text is about {group!r}, expected one of {known}")
            places[group] = len(places)
        rows.add(words(text))
        group_of.append(places[group])
    if not group_of:
        raise MeasureError("there is no text to count", fix="give at least one text a group")
    matrix, vocabulary = rows.matrix()
    names = tuple(order) if order is not None else tuple(sorted(places))
    place = np.asarray([names.index(group) for group in places], dtype=np.intp)
    return Counts(
        matrix=matrix,
        vocabulary=vocabulary,
        groups=names,
        group_of=place[np.frombuffer(group_of, dtype=np.int32)],
        all_words=np.frombuffer(rows.lengths, dtype=np.int64),
    )


class Numbering(dict[str, int]):
    """Gives each new word the next number.

    Excluded words take the lowest numbers, so that one comparison drops them.
    """

    def __init__(self, exclude: Collection[str] = ()) -> None:
        super().__init__({word: i for i, word in enumerate(sorted(set(exclude)))})
        self.excluded = len(self)
        """Numbers below this are excluded words."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number

    def vocabulary(self) -> tuple[tuple[str, ...], NDArray[np.int32]]:
        """Return the counted words, sorted, and the column of each by its number."""
        found = list(self)[self.excluded :]
        order = sorted(range(len(found)), key=found.__getitem__)
        column = np.empty(len(found), dtype=np.int32)
        column[order] = np.arange(len(found), dtype=np.int32)
        return tuple(found[i] for i in order), column


class _Rows:
    """Documents x words in compressed rows, grown block by block."""

    def __init__(self, numbering: Numbering) -> None:
        self.numbering = numbering
        self.lengths = array("q")
        self._numbers, self._from = array("i"), 0
        self._columns, self._data, self._ends = array("i"), array("i"), array("q", [0])

    def add(self, found: list[str]) -> None:
        """Add the words of one document."""
        self._numbers.extend(map(self.numbering.__getitem__, found))
        self.lengths.append(len(found))
        if len(self._numbers) >= _BLOCK:
            self._flush()

    def matrix(self) -> tuple[Sparse, tuple[str, ...]]:
        """Return the matrix with its columns in the order of the sorted words, and these."""
        from scipy.sparse import csr_matrix

        self._flush()
        vocabulary, place = self.numbering.vocabulary()
        columns = _array(self._columns)
        for start in range(0, len(columns), _BLOCK):  # in place: no second copy of them all
            part = slice(start, start + _BLOCK)
            columns[part] = place[columns[part]]
        found = csr_matrix(
            (_array(self._data), columns, np.frombuffer(self._ends, dtype=np.int64)),
            shape=(len(self.lengths), len(vocabulary)),
        )
        found.sort_indices()
        return found, vocabulary

    def _flush(self) -> None:
        """Turn the words since the last block into rows."""
        from scipy.sparse import csr_matrix

        lengths = np.asarray(self.lengths[self._from :], dtype=np.int64)
        numbers = np.array(self._numbers, dtype=np.int32)
        self._numbers, self._from = array("i"), len(self.lengths)
        kept = numbers >= self.numbering.excluded
        before = np.concatenate([[0], np.cumsum(kept)])
        ends = before[np.concatenate([[0], np.cumsum(lengths)])]
        numbers = numbers[kept] - np.int32(self.numbering.excluded)
        width = max(len(self.numbering) - self.numbering.excluded, 1)
        block = csr_matrix(
            (np.ones(len(numbers), dtype=np.int32), numbers, ends), shape=(len(lengths), width)
        )
        block.sum_duplicates()
        self._columns.frombytes(block.indices.astype(np.int32, copy=False).tobytes())
        self._data.frombytes(block.data.tobytes())
        self._ends.frombytes((block.indptr[1:].astype(np.int64) + self._ends[-1]).tobytes())


def _array(values: array[int]) -> NDArray[np.int32]:
    """Return a view, writable, of an array of 32-bit integers (which may be empty)."""
    return np.frombuffer(values, dtype=np.int32) if values else np.empty(0, np.int32)
