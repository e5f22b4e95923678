"""Do two sets of samples differ in form? Effect sizes, permutation p-values, Holm.

Takes a `Subject`, gives one `Difference` for each measure. Everything is
non-parametric: the unit is a sample, the null hypothesis is that set membership
says nothing about form.

    compare(subject)["answer-length-match"].effect     # Cliff's delta
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from mores.curate.lint.subject import Item, Subject
from mores.curate.style import measures
from mores.curate.style.measures import Features, Measure
from mores.stats import holm

Array = npt.NDArray[np.float64]

PERMUTATIONS = 2000
EFFECT = 0.33
"""|Cliff's delta| of a medium effect (Romano et al. 2006): .147 small, .33 medium, .474 large."""
LEVEL = 0.05
RARE = 0.05
"""Openers that fewer than this share of all samples have are left out."""

MEASURES: Mapping[str, Measure] = {
    "answer-length-match": measures.answer_length,
    "sentence-length-match": measures.sentence_length,
    "type-token-match": measures.type_token,
    "punctuation-match": measures.punctuation,
    "layout-match": measures.layout,
    "opener-match": measures.openers,
}


@dataclass(frozen=True)
class Difference:
    """How far the values set differs from the control set in one measure."""

    feature: str
    """The feature with the largest effect."""
    effect: float
    """Cliff's delta of that feature, -1 to 1; above 0 the values set has more of it."""
    p: float
    """Permutation p of the largest |effect| over the measure's features."""
    p_adjusted: float
    """The same after Holm over the six measures."""
    means: tuple[float, float]
    """Mean of the feature in the values and in the control set."""
    n: tuple[int, int]
    """Samples of each set that have the feature."""

    @property
    def differs(self) -> bool:
        """Whether the sets differ enough to be told: large enough and not by chance."""
        return abs(self.effect) > EFFECT and self.p_adjusted < LEVEL


@lru_cache(maxsize=1)  # six rules ask for the same subject in a row
def compare(subject: Subject) -> dict[str, Difference]:
    """Compare the form of values and control samples (six measures, Holm-adjusted).

    Returns:
        Rule name → difference; a measure that fewer than two samples of a set
        have is absent.
    """
    raw = {
        name: difference
        for name, measure in MEASURES.items()
        if (difference := _difference(subject, measure)) is not None
    }
    adjusted = holm([d.p for d in raw.values()])
    return {
        name: replace(d, p_adjusted=p)
        for (name, d), p in zip(raw.items(), adjusted, strict=True)
        if p is not None
    }


def _difference(subject: Subject, measure: Measure) -> Difference | None:
    from scipy.stats import rankdata

    rows, n_values = _present(subject, measure)
    n_control = len(rows) - n_values
    names = _common(rows)
    if min(n_values, n_control) < 2 or not names:
        return None
    table = np.array([[row.get(name) or 0.0 for name in names] for row in rows])
    ranks = rankdata(table, axis=0)
    observed = cliffs_deltas(ranks, _mask(n_values, len(rows)))[0]
    best = int(np.argmax(np.round(np.abs(observed), 9)))  # ties go to the first, on any machine
    drawn = cliffs_deltas(ranks, _shuffled(n_values, len(rows), subject.seed))
    # Max over the features in each permutation: one p for the measure, not one a feature.
    extreme = np.abs(drawn).max(axis=1) >= abs(observed[best]) - 1e-9
    p = float((1 + extreme.sum()) / (1 + PERMUTATIONS))
    means = float(table[:n_values, best].mean()), float(table[n_values:, best].mean())
    return Difference(names[best], float(observed[best]), p, p, means, (n_values, n_control))


def _present(subject: Subject, measure: Measure) -> tuple[list[Features], int]:
    """Return the features of the samples that have them, values first, and how many are values."""

    def of(items: Sequence[Item]) -> list[Features]:
        rows = [measure(item) for item in items]
        return [row for row in rows if None not in row.values()]

    values = of(subject.values)
    return values + of(subject.control), len(values)


def _common(rows: Sequence[Features]) -> list[str]:
    """Return the features that enough of all samples have; labels do not enter the choice."""
    counts = Counter(name for row in rows for name in row)
    return [name for name, count in counts.items() if count >= max(2, RARE * len(rows))]


def cliffs_deltas(ranks: Array, chosen: Array) -> Array:
    """Return Cliff's delta of each row of `chosen` (0/1 by sample) against the rest.

    With the rank sum R of the m chosen of n samples: U = R - m(m + 1)/2 and
    delta = 2U / (m(n - m)) - 1.
    """
    n = ranks.shape[0]
    m = chosen.sum(axis=1, keepdims=True)
    u = chosen @ ranks - m * (m + 1) / 2
    deltas: Array = 2 * u / (m * (n - m)) - 1
    return deltas


def _mask(chosen: int, n: int) -> Array:
    return (np.arange(n) < chosen).astype(np.float64)[None, :]


@lru_cache(maxsize=2)  # the measures share their permutations, so this is drawn once
def _shuffled(chosen: int, n: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    return rng.permuted(np.repeat(_mask(chosen, n), PERMUTATIONS, axis=0), axis=1)
