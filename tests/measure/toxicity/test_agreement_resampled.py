"""Agreement from counts of how often each prompt was drawn equals that of the drawn values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import rankdata

from mores.measure.toxicity import agreement
from mores.measure.toxicity.agreement import spearman, verdict_alpha, verdict_kappa
from mores.stats import cluster_bootstrap, krippendorff_alpha

Table = np.ndarray


def ranks(chosen: Sequence[Table]) -> float:
    ranked = rankdata(np.concatenate(chosen), axis=0)
    centred = ranked - ranked.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    if not spread.all():
        return math.nan
    return float(np.clip(centred[:, 0] @ centred[:, 1] / spread.prod(), -1.0, 1.0))


def kappa(chosen: Sequence[Table]) -> float:
    marks = np.concatenate(chosen)
    observed = float((marks[:, 0] == marks[:, 1]).mean())
    p, q = (float(share) for share in marks.mean(axis=0))
    expected = p * q + (1 - p) * (1 - q)
    return (observed - expected) / (1 - expected) if expected < 1 else math.nan


def alpha(chosen: Sequence[Table]) -> float:
    found = krippendorff_alpha(np.concatenate(chosen).T, "nominal", interval=False).value
    return math.nan if found is None else found


@pytest.mark.parametrize("seed", range(8))
def test_the_same_to_the_last_digit_as_with_copies_of_the_values(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "DRAWS", 150)
    rng = np.random.default_rng(seed)
    many = int(rng.integers(20, 90))
    prompts = [f"p{k}" for k in rng.integers(0, 12, many)]
    scorers = [
        [None if rng.random() < 0.1 else round(float(x), 1) for x in rng.beta(1, 2, many)]
        for _ in range(3)
    ]
    limits = (0.5, 0.4, 0.6)
    two = agreement._by_prompt(scorers[:2], prompts)
    marked = [agreement._marked(part, limits[:2]) for part in two]
    every = [agreement._marked(p, limits) for p in agreement._by_prompt(scorers, prompts, least=1)]
    pairs = (
        (spearman(*scorers[:2], prompts, rng=seed), two, ranks),
        (verdict_kappa(*scorers[:2], prompts, thresholds=limits[:2], rng=seed), marked, kappa),
        (verdict_alpha(scorers, prompts, thresholds=limits, rng=seed), every, alpha),
    )
    for found, clusters, statistic in pairs:
        wanted = cluster_bootstrap(clusters, statistic, draws=150, rng=seed, unit="prompt")
        assert (found.value, found.low, found.high) == (wanted.value, wanted.low, wanted.high)
        assert found.details["undefined"] == wanted.details["undefined"]
