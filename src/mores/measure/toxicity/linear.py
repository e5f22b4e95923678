"""A linear model over tf-idf weighted terms, as plain arrays.

Takes the folder of a converted asset and the terms of a text, gives the models'
decision values.

    model = LinearTerms.read(asset_folder("alt-profanity-check"))
    model.decisions(["you", "idiot"])   # shape (5,)

tf-idf with the l2 norm (scikit-learn's TfidfTransformer): x_j = n_j idf_j / ‖n idf‖₂
for the counts n_j of the known terms; decision_k = Σ_j x_j coef_kj + intercept_k.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mores import store

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LinearTerms:
    """K linear models that share V terms."""

    columns: dict[str, int]
    """Term → column, V entries."""
    idf: Floats
    """Shape (V,)."""
    coef: Floats
    """Shape (V, K): a term's weights lie side by side."""
    intercept: Floats
    """Shape (K,)."""
    slope: Floats | None
    """Shape (K,); with ``offset`` the sigmoids of calibrated models, else None."""
    offset: Floats | None
    digest: str

    @classmethod
    def read(cls, folder: Path) -> LinearTerms:
        """Read ``vocabulary.json`` and ``weights.npz`` of an asset folder."""
        files = ("vocabulary.json", "weights.npz")
        words: list[str] = store.read_json(folder / files[0])
        with np.load(folder / files[1], allow_pickle=False) as arrays:
            weights = {name: arrays[name] for name in arrays.files}
        return cls(
            columns={word: column for column, word in enumerate(words)},
            idf=weights["idf"],
            coef=np.ascontiguousarray(weights["coef"].T),
            intercept=weights["intercept"],
            slope=weights.get("slope"),
            offset=weights.get("offset"),
            digest=store.digest({name: store.digest_file(folder / name) for name in files}),
        )

    def decisions(self, terms: Iterable[str]) -> Floats | None:
        """Return the K decision values, or None where no term is known."""
        counts = Counter(self.columns[term] for term in terms if term in self.columns)
        if not counts:
            return None
        columns = np.array(sorted(counts))
        weights = np.array([counts[int(column)] for column in columns]) * self.idf[columns]
        weights /= np.sqrt(weights @ weights)
        decided: Floats = weights @ self.coef[columns] + self.intercept
        return decided

    def probability(self, terms: Iterable[str]) -> float | None:
        """Return the mean probability of the models, or None where no term is known.

        Calibrated models (Platt 1999): 1 / (1 + exp(slope · d + offset)); plain
        logistic regression: 1 / (1 + exp(−d)).
        """
        decided = self.decisions(terms)
        if decided is None:
            return None
        if self.slope is None or self.offset is None:
            return float(_logistic(decided).mean())
        return float(_logistic(-(self.slope * decided + self.offset)).mean())


def _logistic(x: Floats) -> Floats:
    # exp of a negative number only: no overflow.
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)), dtype=np.float64)
