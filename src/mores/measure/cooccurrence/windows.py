"""Texts and lists of group words → how often each word stands near a word of each list.

    counts = window_counts(texts, {"female": ["she", "her"], "male": ["he", "his"]}, window=5)
    counts.together            # groups x words

The rest of this measure knows from its stem whom a text is about. Other
implementations search the text for words that name a group, and count what
stands around them. This is their definition, with one door for all of them:

| implementation | window | decay | exclude |
|---|---|---|---|
| GenBit (`window_bias`) | 5 or 30 words | 0.95 | function words, before distances are taken |
| LangFair, after Bordia and Bowman (2019) | the text | 0.95 | none |
| HELM (`helm_association`) | the text | 1 | none |
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mores.errors import MeasureError
from mores.measure.cooccurrence.count import Numbering
from mores.measure.cooccurrence.log_odds import Floats
from mores.measure.cooccurrence.tokens import words


@dataclass(frozen=True, eq=False)
class WindowCounts:
    """How often words occur, and how often near the words of each group's list."""

    vocabulary: tuple[str, ...]
    """The words of the texts, sorted; columns of the arrays."""
    groups: tuple[str, ...]
    frequency: NDArray[np.int64]
    """Occurrences of each word, near a group word or not."""
    together: Floats
    """Groups x words: each pair of a group word and another token, weighted by distance."""
    members: NDArray[np.bool_]
    """Groups x words: is the word in the group's list?"""
    list_lengths: tuple[int, ...]
    """Words in each group's list, in the texts or not."""
    documents: int

    @property
    def mentions(self) -> NDArray[np.int64]:
        """Occurrences of all words of each group's list."""
        return np.asarray(self.members @ self.frequency, dtype=np.int64)


def window_counts(
    documents: Iterable[str | Sequence[str]],
    lists: Mapping[str, Collection[str]],
    *,
    window: int | None = 5,
    decay: float = 1.0,
    exclude: Collection[str] = (),
) -> WindowCounts:
    """Count the words around group words.

    A token at a distance of d words from a group word, in the same text and on either
    side, counts ``decay ** d``; once for every group word that it is near. A group
    word does not count with itself, but does with another occurrence of itself.

    Args:
        documents: texts, or lists of tokens (which are made lower-case, no more).
        lists: the words that name each group, lower-case, one token each. A word in two
            lists counts for both.
        window: greatest distance in words, at least 1; None: the whole text.
        decay: weight of each step of distance, above 0 and at most 1.
        exclude: words to take out before distances are measured; group words stay.

    Raises:
        MeasureError: no text, no list or an empty one, a window or decay out of range.
    """
    _check(lists, window, decay)
    named = {group: frozenset(word.lower() for word in own) for group, own in lists.items()}
    every = frozenset[str]().union(*named.values())
    numbering = Numbering(frozenset(word.lower() for word in exclude) - every)
    numbers, ends = _number(documents, numbering)
    if len(ends) == 1:
        raise MeasureError("there is no text to count", fix="give at least one text")
    vocabulary, column = numbering.vocabulary()
    tokens = column[numbers]
    members = np.asarray([[w in own for w in vocabulary] for own in named.values()], dtype=bool)
    members = members.reshape(len(named), len(vocabulary))
    bounds = np.repeat(ends[:-1], np.diff(ends)), np.repeat(ends[1:], np.diff(ends))
    return WindowCounts(
        vocabulary=vocabulary,
        groups=tuple(named),
        frequency=np.bincount(tokens, minlength=len(vocabulary)).astype(np.int64),
        together=np.stack([_around(tokens, bounds, own, window, decay) for own in members]),
        members=members,
        list_lengths=tuple(len(own) for own in lists.values()),
        documents=len(ends) - 1,
    )


def _check(lists: Mapping[str, Collection[str]], window: int | None, decay: float) -> None:
    if not lists:
        raise MeasureError("there is no group", fix="give a list of words for each group")
    for group, own in lists.items():
        if isinstance(own, str) or not own:
            found = repr(own) if own else "none"
            raise MeasureError(f"expected a list of words that name {group!r}, found {found}")
    if window is not None and window < 1:
        raise MeasureError(f"expected a window of at least 1 word, found {window}")
    if not 0 < decay <= 1:
        raise MeasureError(f"expected a decay above 0 and at most 1, found {decay}")


def _number(
    documents: Iterable[str | Sequence[str]], numbering: Numbering
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the numbers of all counted tokens in a row, and where each document ends."""
    numbers, ends = array("i"), array("q", [0])
    for document in documents:
        found = words(document) if isinstance(document, str) else map(str.lower, document)
        known = map(numbering.__getitem__, found)
        numbers.extend(n for n in known if n >= numbering.excluded)
        ends.append(len(numbers))
    kept = np.array(numbers, dtype=np.int32) - np.int32(numbering.excluded)
    return kept, np.frombuffer(ends, dtype=np.int64)


def _around(
    tokens: NDArray[np.int32],
    bounds: tuple[NDArray[np.int64], NDArray[np.int64]],
    own: NDArray[np.bool_],
    window: int | None,
    decay: float,
) -> Floats:
    """Return the weighted number of each word around the words of one group."""
    total = np.zeros(len(own))
    places = np.flatnonzero(own[tokens])
    first, end = bounds[0][places], bounds[1][places]
    distance, weight = 0, 1.0
    while len(places) and (window is None or distance < window):
        distance, weight = distance + 1, weight * decay
        left, right = places - distance >= first, places + distance < end
        near = np.concatenate([places[left] - distance, places[right] + distance])
        total += weight * np.bincount(tokens[near], minlength=len(own))
        going = left | right
        places, first, end = places[going], first[going], end[going]
    return total
