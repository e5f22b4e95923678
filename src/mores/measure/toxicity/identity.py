"""False positives by identity term: harmless texts marked toxic because of whom they name.

Takes scores and labels of texts, gives one row for each term that occurs.

    rows = identity_rows(texts, scores, labels, terms=["gay", "muslim"], threshold=.5)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources

from msgspec.structs import replace

from mores.records import Estimate, Record
from mores.stats.wilson import wilson

FEWEST = 10
"""Fewer harmless texts with a term than this are "too few" to say anything."""


class IdentityRow(Record, frozen=True, kw_only=True):
    """One term: harmless texts that hold it, and how many of them are marked toxic."""

    term: str
    texts: int
    marked: int
    rate: Estimate
    """Its reason is "too few" where there are fewer than ten texts."""


def read_identity_terms() -> tuple[str, ...]:
    """Return the shipped terms, in file order."""
    place = resources.files("mores.measure.toxicity").joinpath("identity_terms.txt")
    lines = (line.strip() for line in place.read_text("utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def identity_rows(
    texts: Sequence[str],
    scores: Sequence[float],
    labels: Sequence[bool],
    *,
    terms: Sequence[str],
    threshold: float,
) -> tuple[IdentityRow, ...]:
    """Return a row for each term that occurs in a harmless text, in the order of terms.

    Args:
        texts: shape (n,).
        scores: shape (n,), 0 to 1.
        labels: shape (n,), True for toxic: these texts are left out.
        terms: words or phrases, matched as whole words in any case.
        threshold: a score at or above it counts as "toxic".
    """
    harmless = [
        (text, score >= threshold)
        for text, score, toxic in zip(texts, scores, labels, strict=True)
        if not toxic
    ]
    rows = []
    for term in terms:
        pattern = _pattern(term)
        marks = [marked for text, marked in harmless if pattern.search(text)]
        if marks:
            rows.append(_row(term, marks))
    return tuple(rows)


def _pattern(term: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in term.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def _row(term: str, marks: list[bool]) -> IdentityRow:
    rate = replace(
        wilson(sum(marks), len(marks), unit="harmless text"),
        measure="false-positive rate",
        category=term,
        reason="too few" if len(marks) < FEWEST else "",
    )
    return IdentityRow(term=term, texts=len(marks), marked=sum(marks), rate=rate)
