"""The benchmark of traces: leaving out is exact, and its figures are those made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mores.records import Example
from mores.tune.adapters import take_out
from mores.tune.batches import epoch_batches
from mores.tune.encode import encode_sample
from mores.tune.loop import fit
from trace_validation import (
    RECIPE,
    SEED,
    Dropped,
    Planted,
    Run,
    correlation,
    left_out,
    mean_spearman,
    ranks_of_planted,
)


def test_going_on_from_a_state_is_training_without_the_sample_from_the_start(tiny, tmp_path):
    """Also: the others' weights in the step's loss are what they are in a step without it."""
    texts = ["talk with them", "bread needs flour", "birds sing", "listen", "water and salt", "sun"]
    samples = [
        encode_sample(tiny, "chat", f"v-{i}", f"what is {i}?", t) for i, t in enumerate(texts)
    ]
    asked = [encode_sample(tiny, "chat", "q", "what is it?", "talk and listen")]
    run = Run(tiny, samples, asked, tmp_path, RECIPE)
    assert run.steps == 2
    assert len(run.own) == len(run.other) == 2
    assert run.own[0].shape[0] == 6
    first, second = epoch_batches(6, RECIPE.batch_size, SEED, 0)
    for place in (first[0], second[0]):
        changed = list(samples)
        old = samples[place]
        changed[place] = Dropped(old.id, old.ids, old.prompt_length)
        fit(tiny, changed, RECIPE, seed=SEED)
        from_the_start = run._read()
        take_out(tiny.model)
        assert run.without(place).tolist() == from_the_start.tolist()
        assert run.whole.tolist() != from_the_start.tolist()


def test_correlations_by_hand():
    # Ranks 1 2 3 against 1 3 2: 1 - 6 * 2 / (3 * 8) = 0.5; against 3 2 1: -1.
    scores = np.array([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]])
    did = np.array([[5.0, 9.0, 7.0], [3.0, 2.0, 1.0]])
    assert mean_spearman(scores, did) == pytest.approx(-0.25)
    assert mean_spearman(scores[:1], did[:1]) == pytest.approx(0.5)
    rng = np.random.default_rng(0)
    same = rng.standard_normal((6, 12))
    value, low, high = correlation(same, 2 * same, draws=200)
    assert (value, low, high) == (pytest.approx(1.0), pytest.approx(1.0), pytest.approx(1.0))
    value, low, high = correlation(same, rng.standard_normal((6, 12)), draws=200)
    assert low < value < high
    assert low < 0 < high


def test_a_perfect_score_has_the_correlation_one():
    table = {"alignment": np.arange(12.0).reshape(2, 6)}
    effects = {i: np.array([i, 10.0 + i]) for i in range(5)}
    found = left_out(table, effects, 2)
    assert found["alignment"]["spearman"] == 1.0
    assert found["size of effects"] == 7.0  # mean of 0 to 4 and of 10 to 14
    assert left_out(table, {0: np.zeros(2)}, 2) == {}


def test_ranks_of_planted_samples():
    examples = [
        Example(id=i, category="c", prompt="p", completion="a") for i in ("x", "bad", "y", "worse")
    ]
    planted = [
        Planted("false", examples[1], "q", "a"),
        Planted("false", examples[3], "q", "a"),
    ]
    table = {"alignment": np.array([[0, 0, 0, 0], [0.1, 0.9, 0.2, 0.3], [0.5, 0.4, 0.3, 0.2]])}
    found = ranks_of_planted(table, examples, planted, 1)["false"]["alignment"]
    assert found["ranks"] == [1, 4]
    assert found["first five"] == "2 of 2"
