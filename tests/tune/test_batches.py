"""Every sample once an epoch, every pass within its limit, every step at its rate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.records import Recipe
from mores.tune.batches import epoch_batches, learning_rate, micro_batches, steps_per_epoch


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 5), st.integers(0, 3))
def test_every_sample_comes_once_an_epoch_and_the_tail_is_kept(samples, size, seed, epoch):
    batches = epoch_batches(samples, size, seed, epoch)
    assert sorted(i for batch in batches for i in batch) == list(range(samples))
    assert all(len(batch) == size for batch in batches[:-1])
    assert 1 <= len(batches[-1]) <= size
    assert len(batches) == steps_per_epoch(samples, size) == -(-samples // size)
    assert batches == epoch_batches(samples, size, seed, epoch)


def test_order_depends_on_seed_and_epoch_but_not_on_batch_size():
    def order(size, seed, epoch):
        return [i for batch in epoch_batches(40, size, seed, epoch) for i in batch]

    assert order(8, 1, 0) == order(3, 1, 0)
    assert len({tuple(order(8, seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4


@given(st.lists(st.integers(1, 50), max_size=20), st.integers(1, 80))
def test_passes_cover_a_step_exactly_and_keep_the_limit(sizes, limit):
    passes = micro_batches(sizes, limit)
    assert sorted(i for part in passes for i in part) == list(range(len(sizes)))
    for part in passes:
        assert sum(sizes[i] for i in part) <= limit or len(part) == 1
    # no two passes could have been one: the first fit leaves none that fit together
    loads = [sum(sizes[i] for i in part) for part in passes]
    assert all(a + b > limit for n, a in enumerate(loads) for b in loads[n + 1 :])


def test_passes_by_hand():
    # 7 opens the first pass (room 3), 5 the second (room 5), 4 fits the second (room 1), 3 the
    # first (room 0), 12 is longer than the limit and stands alone.
    assert micro_batches([3, 7, 4, 12, 5], 10) == [[3], [1, 0], [4, 2]]


def rates(steps: int, **recipe) -> list[float]:
    made = Recipe(learning_rate=0.8, **recipe)
    return [learning_rate(made, step, steps) for step in range(steps)]


def test_rates_by_hand():
    # warm-up over ceil(0.25 * 8) = 2 steps: 1/2 and 2/2, then 6 steps down to 0 at step 8
    assert rates(8, schedule="linear", warmup=0.25) == pytest.approx(
        [0.4, 0.8, 0.8, 0.8 * 5 / 6, 0.8 * 4 / 6, 0.8 * 3 / 6, 0.8 * 2 / 6, 0.8 * 1 / 6]
    )
    # cosine: 0.8 * (1 + cos(pi k / 6)) / 2 with cos = 1, .8660, .5, 0, -.5, -.8660
    assert rates(8, schedule="cosine", warmup=0.25) == pytest.approx(
        [0.4, 0.8, 0.8, 0.746410, 0.6, 0.4, 0.2, 0.0535898], rel=1e-5
    )
    assert rates(4, schedule="constant", warmup=0.5) == pytest.approx([0.4, 0.8, 0.8, 0.8])
    assert rates(3, schedule="constant", warmup=0.0) == [0.8, 0.8, 0.8]
    assert rates(4, schedule="cosine", warmup=1.0) == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert rates(1, schedule="cosine", warmup=0.1) == [0.8]


@pytest.mark.parametrize(("warmup", "steps", "warm"), [(0.07, 100, 7), (0.1, 11, 2), (0.28, 25, 7)])
def test_warm_up_is_rounded_up_and_float_noise_is_not_a_step(warmup, steps, warm):
    found = rates(steps, schedule="linear", warmup=warmup)
    # the first `warm` steps rise evenly to the full rate
    assert found[:warm] == pytest.approx([0.8 * (k + 1) / warm for k in range(warm)])


@given(
    st.integers(1, 200),
    st.floats(0, 1),
    st.sampled_from(["cosine", "linear", "constant"]),
)
def test_rates_are_positive_rise_and_then_never_rise_again(steps, warmup, schedule):
    found = rates(steps, schedule=schedule, warmup=warmup)
    assert all(0 < rate <= 0.8 * (1 + 1e-12) and math.isfinite(rate) for rate in found)
    top = found.index(max(found))
    assert found[:top] == sorted(found[:top])
    assert found[top:] == sorted(found[top:], reverse=True)
