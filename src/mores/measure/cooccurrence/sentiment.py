"""How positive are the words that occur with each group?

    lexicon = vader_lexicon()
    estimates = group_sentiment(counts, lexicon, rng=np.random.default_rng(1))

The mean rating of all occurrences of rated words (a word that occurs twice
counts twice), with a percentile bootstrap interval over whole documents. It
sees words, not sentences: "not good" counts "good". Ratings of the VADER
lexicon run from -4 to 4 (Hutto and Gilbert 2014). The lexicon is English: texts that
are not are left out and counted ("die" is no word of death in German).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from mores import store
from mores.errors import DataError
from mores.measure.cooccurrence.count import Counts
from mores.measure.cooccurrence.log_odds import Floats
from mores.measure.english import NO_WORDS, why_not_english
from mores.records import Estimate

METHOD = "mean rating of the rated words; percentile bootstrap over documents"
LEVEL = 0.95
_UNDEFINED_ALLOWED = 0.05
_CELLS = 2_000_000


def read_lexicon(path: Path) -> dict[str, float]:
    """Read ``word <tab> rating`` lines; further columns are ignored (VADER's format).

    Raises:
        DataError: a line without a number in its second column, or no line at all.
    """
    lexicon: dict[str, float] = {}
    for number, line in enumerate(store.read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        word, _, rest = line.partition("\t")
        value = rest.split("\t")[0].strip()
        try:
            lexicon[word.strip().lower()] = float(value)
        except ValueError:
            raise DataError(
                f"expected word, tab, rating, found {line[:40]!r}", path=path, line=number
            ) from None
    if not lexicon:
        raise DataError("the lexicon is empty", path=path)
    return lexicon


def vader_lexicon() -> dict[str, float]:
    """Return the VADER lexicon (MIT), fetched once into the cache.

    Raises:
        AssetError: not cached and the registry cannot be reached.
    """
    from mores.weights.assets import asset_folder

    return read_lexicon(asset_folder("vader-lexicon") / "vader_lexicon.txt")


Flags = NDArray[np.bool_]


def english(texts: Sequence[str]) -> Flags:
    """Say of each text whether it may be rated; one without words has nothing to be rated."""
    return np.array([why_not_english(text) in ("", NO_WORDS) for text in texts], dtype=np.bool_)


def not_english(left_out: int, of: int, unit: str) -> str:
    """Say how many texts were left out, or nothing where none was."""
    return f"{left_out} of {of} {unit} not scored: not English" if left_out else ""


def rate_documents(counts: Counts, lexicon: Mapping[str, float]) -> Floats:
    """Return the sum of the ratings of each document's words, and how many are rated: n x 2."""
    rating = np.array([lexicon.get(word, 0.0) for word in counts.vocabulary])
    known = np.array([word in lexicon for word in counts.vocabulary], dtype=np.float64)
    return np.column_stack([counts.matrix @ rating, counts.matrix @ known])


def group_sentiment(
    counts: Counts,
    lexicon: Mapping[str, float],
    scored: Flags,
    *,
    rng: np.random.Generator,
    draws: int = 1000,
) -> list[Estimate]:
    """Return the mean rating of each group's words, in the order of ``counts.groups``.

    ``details`` holds the rated words, their share of all words, the documents that have any
    and those that were not scored; a group without a rated word is "not computable".

    Args:
        counts: words of the documents.
        lexicon: word → rating.
        scored: of each document, see `english`.
        rng: source of randomness.
        draws: of the bootstrap.
    """
    ratings, lengths = rate_documents(counts, lexicon), counts.lengths
    found = []
    for g, group in enumerate(counts.groups):
        inside = counts.group_of == g
        kept = inside & scored
        left_out = int((inside & ~scored).sum())
        estimate = _estimate(group, ratings[kept], int(lengths[kept].sum()), rng, draws)
        said = (estimate.reason, not_english(left_out, int(inside.sum()), "texts"))
        found.append(
            replace(
                estimate,
                reason="; ".join(part for part in said if part),
                details={**estimate.details, "not_english": left_out},
            )
        )
    return found


def resampled_sums(columns: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Return column sums of ``draws`` bootstrap samples of the rows: draws x columns."""
    n = len(columns)
    batch = max(1, _CELLS // max(n * columns.shape[1], 1))
    parts = []
    for start in range(0, draws, batch):
        rows = rng.integers(0, n, size=(min(batch, draws - start), n))
        parts.append(columns[rows].sum(axis=1))
    return np.concatenate(parts)


def percentile(values: Floats, draws: int) -> tuple[float, float] | None:
    """Return the 95 % percentile interval, or None where too many draws were undefined."""
    if len(values) < (1 - _UNDEFINED_ALLOWED) * draws:
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def _estimate(
    group: str, ratings: Floats, words: int, rng: np.random.Generator, draws: int
) -> Estimate:
    total, rated = (float(column.sum()) for column in ratings.T)
    with_rated = int(np.count_nonzero(ratings[:, 1]))
    details: dict[str, float | int | str | None] = {
        "rated_words": int(rated),
        "share_rated": rated / words if words else None,
        "documents_with_rated_words": with_rated,
    }
    value, interval, reason = None, None, "no word of these texts is in the lexicon"
    if rated:
        value, reason = total / rated, ""
        interval = _interval(ratings, rng, draws) if with_rated > 1 else None
        if interval is None:
            reason = f"no interval: only {with_rated} of {len(ratings)} texts have a rated word"
    return Estimate(
        measure="cooccurrence/sentiment",
        category=group,
        value=value,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        n=len(ratings),
        unit="document",
        method=METHOD,
        verdict="descriptive" if rated else "not computable",
        reason=reason,
        details=details,
    )


def _interval(ratings: Floats, rng: np.random.Generator, draws: int) -> tuple[float, float] | None:
    sums = resampled_sums(ratings, draws, rng)
    defined = sums[:, 1] > 0
    return percentile(sums[defined, 0] / sums[defined, 1], draws)
