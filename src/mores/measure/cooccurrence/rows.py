"""The words of texts as numbers, four bytes each, one text after another → a sparse matrix.

    rows = Rows()
    rows.add("a kind nurse")
    matrix, vocabulary, lengths = rows.matrix()

Texts are cut thousands at a time, at whatever is neither a letter, an apostrophe nor a hyphen: a
third of the time that the pattern of `tokens` takes. A piece such as ``well-read--`` is made into
words by that pattern, once for all its occurrences.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mores.measure.cooccurrence.tokens import words

Ints = NDArray[np.int64]
_AT_ONCE = 100_000
"""Texts whose pieces become words together."""
_TEXTS, _CHARACTERS = 2_000, 1_000_000
"""How many are cut together, whichever comes first."""
_END = b"A"
"""Stands after each text: texts are in lower case by then."""
_CUT = bytes(
    code if code >= 128 or 97 <= code <= 122 or code in b"'-" + _END else 32 for code in range(256)
)
"""Bytes of other characters are those of words that `tokens` has found."""


class Rows:
    """Pieces of texts, numbered in order of their first occurrence."""

    def __init__(self) -> None:
        self._numbers, self._sizes = array("i"), array("q")
        self._number_of: defaultdict[bytes, int] = defaultdict()
        self._number_of.default_factory = self._number_of.__len__  # a new piece gets the next one
        self._number_of[_END] = 0
        self._texts: list[str] = []
        self._characters = 0

    def add(self, text: str) -> None:
        """Add the words of one text."""
        self._texts.append(text.lower() if text.isascii() else " ".join(words(text)))
        self._characters += len(text)
        if len(self._texts) >= _TEXTS or self._characters >= _CHARACTERS:
            self._cut()

    def _cut(self) -> None:
        joined = " A ".join([*self._texts, ""]).encode()
        pieces = joined.translate(_CUT).split()
        number = self._number_of.__getitem__
        found = np.fromiter(map(number, pieces), dtype=np.int32, count=len(pieces))
        ends = np.flatnonzero(found == 0)
        # Of each text the places between two ends.
        self._sizes.frombytes((np.diff(ends, prepend=-1) - 1).astype(np.int64).tobytes())
        self._numbers.frombytes(found[found != 0].tobytes())
        self._texts.clear()
        self._characters = 0

    def matrix(self, exclude: Collection[str] = ()) -> tuple[Any, tuple[str, ...], Ints]:
        """Return what was added, which is given up for it.

        Args:
            exclude: words not to count, lower-case.

        Returns:
            scipy CSR, texts x words, int32, occurrences; its words, sorted; and how many words each
            text has, excluded ones too.
        """
        from scipy.sparse import csr_matrix

        self._cut()
        said = [_words_of(piece.decode()) for piece in self._number_of]
        said[0] = ()  # the end of a text
        vocabulary = sorted(set(chain.from_iterable(said)).difference(exclude))
        place = {word: column for column, word in enumerate(vocabulary)}
        width = np.array([len(words) for words in said], dtype=np.int64)
        column = np.array([place.get(w, -1) for w in chain.from_iterable(said)], dtype=np.int32)
        first = width.cumsum() - width
        numbers = np.asarray(self._numbers)
        ends = np.concatenate([[0], np.asarray(self._sizes).cumsum()])
        lengths, kept, columns = [], [], []
        for at in range(0, len(ends) - 1, _AT_ONCE):
            bounds = ends[at : at + _AT_ONCE + 1]
            own = numbers[bounds[0] : bounds[-1]]
            found, bounds = _spread(own, bounds - bounds[0], width, first)
            own = column[found]
            counted = own >= 0
            lengths.append(np.diff(bounds))
            kept.append(np.diff(np.concatenate([[0], counted.cumsum()])[bounds]))
            columns.append(own[counted])
        self._numbers, self._sizes = array("i"), array("q")
        del numbers
        indices = np.concatenate(columns)
        columns.clear()
        starts = np.concatenate([[0], np.concatenate(kept).cumsum()])
        shape = (len(starts) - 1, len(vocabulary))
        matrix = csr_matrix((np.ones(len(indices), dtype=np.int32), indices, starts), shape=shape)
        matrix.sum_duplicates()
        return matrix, tuple(vocabulary), np.concatenate(lengths)


def _words_of(piece: str) -> tuple[str, ...]:
    """Return the words of a piece: mostly itself; ``well-read--`` has one, ``--`` none."""
    return (piece,) if piece.isalpha() or not piece.isascii() else tuple(words(piece))


def _spread(numbers: NDArray[Any], ends: Ints, width: Ints, first: Ints) -> tuple[Ints, Ints]:
    """Pieces of some texts → places of their words in the list of all pieces' words, with ends."""
    many = width[numbers]
    if (many == 1).all():
        return first[numbers], ends
    last = np.concatenate([[0], many.cumsum()])
    nth = np.arange(last[-1]) - np.repeat(last[:-1], many)
    return np.repeat(first[numbers], many) + nth, last[ends]
