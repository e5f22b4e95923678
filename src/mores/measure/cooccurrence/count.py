"""Texts and the group that each is about → how often every word occurs, by document.

    counts = count_terms(["a kind nurse", "a tall man"], ["women", "men"])
    counts = count_stream(pairs)     # (text, group), read once, never all in memory
    counts.by_group()                # groups x words

One pass over the texts, of which four bytes a word are kept until they become a sparse
matrix (`mores.measure.cooccurrence.rows`), eight bytes for each different word of a text. A million
texts of forty words fit in memory (measured: docs/cooccurrence.md).
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.measure.cooccurrence.rows import Rows

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
    places = {name: i for i, name in enumerate(order or ())}
    rows, group_of = Rows(), array("i")
    for text, group in documents:
        if group not in places:
            if order is not None:
                known = ", ".join(order)
                raise MeasureError(f"a text is about {group!r}, expected one of {known}")
            places[group] = len(places)
        rows.add(text)
        group_of.append(places[group])
    if not group_of:
        raise MeasureError("there is no text to count", fix="give at least one text a group")
    matrix, vocabulary, lengths = rows.matrix(exclude)
    names = tuple(order) if order is not None else tuple(sorted(places))
    place = np.asarray([names.index(group) for group in places], dtype=np.intp)
    return Counts(
        matrix=matrix,
        vocabulary=vocabulary,
        groups=names,
        group_of=place[np.frombuffer(group_of, dtype=np.int32)],
        all_words=lengths,
    )
