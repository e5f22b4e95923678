"""Batches: each request once, in a fixed plan, within the memory that was given."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.sample.plan import LIBRARIES_GB, MOST_ROWS, plan_batches, row_bytes, weight_bytes
from mores.sample.requests import Request
from mores.study.arms import ArmKey

KEYS = [
    ArmKey("base", 0),
    ArmKey("control", 2),
    ArmKey("control", 1),
    ArmKey("values_targeted", 1),
]


def grid(sizes: list[int], draws: int) -> list[Request]:
    return [
        Request(key, f"p{i}", "care", draw, tuple(range(5, 5 + size)))
        for key in KEYS
        for i, size in enumerate(sizes)
        for draw in range(draws)
    ]


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    draws=st.integers(1, 3),
    batch_rows=st.integers(0, 9),
    order=st.randoms(use_true_random=False),
)
def test_every_request_once_whatever_their_order(
    tiny, sizes: list[int], draws: int, batch_rows: int, order: random.Random
) -> None:
    requests = grid(sizes, draws)
    plan = plan_batches(tiny, requests, 10, batch_rows=batch_rows, memory_gb=2.0)
    assert sorted(map(str, requests)) == sorted(str(r) for batch in plan for r in batch)
    if batch_rows:
        assert {len(b) for b in plan[:-1]} <= {batch_rows}
        assert 1 <= len(plan[-1]) <= batch_rows
    mixed = list(requests)
    order.shuffle(mixed)
    assert plan_batches(tiny, mixed, 10, batch_rows=batch_rows, memory_gb=2.0) == plan


def test_long_prompts_first_and_draws_together(tiny) -> None:
    (batch,) = plan_batches(tiny, grid([3, 9, 5], 3), 10, batch_rows=0, memory_gb=2.0)
    lengths = [len(r.ids) for r in batch]
    assert lengths == sorted(lengths, reverse=True)
    prompts = [(r.key.weights, r.prompt_id) for r in batch]
    changes = sum(a != b for a, b in pairwise(prompts))
    assert changes == len(set(prompts)) - 1


def test_bytes_of_a_row_by_hand(tiny) -> None:
    # Keys and values of 2 layers, 2 key heads of width 8, 4 bytes: 2·2·2·8·4 = 256 a column;
    # 16 bytes for each logit. 20 columns: 5120.
    vocabulary = tiny.model.config.vocab_size
    assert row_bytes(tiny, 20) == 5120 + 16 * vocabulary
    weights = sum(p.numel() for p in tiny.model.parameters())
    assert weight_bytes(tiny) == 4 * weights


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_the_memory_limit_is_respected(tiny, rows: int) -> None:
    requests = grid([40, 40, 40, 40], 3)
    room = rows * row_bytes(tiny, 50) + row_bytes(tiny, 50) // 2
    memory = (room + weight_bytes(tiny)) / 1e9 + LIBRARIES_GB
    plan = plan_batches(tiny, requests, 10, batch_rows=0, memory_gb=memory)
    assert {len(b) for b in plan[:-1]} == {rows}
    for batch in plan:
        columns = max(len(r.ids) for r in batch) + 10
        assert len(batch) * row_bytes(tiny, columns) <= room


def test_shorter_prompts_allow_wider_batches(tiny) -> None:
    memory = (5 * row_bytes(tiny, 70) + weight_bytes(tiny)) / 1e9 + LIBRARIES_GB
    plan = plan_batches(tiny, grid([60, 60, 2, 2, 2, 2], 2), 10, batch_rows=0, memory_gb=memory)
    assert len(plan[0]) == 5
    assert max(len(b) for b in plan) > 5


def test_too_little_memory_still_makes_progress(tiny) -> None:
    plan = plan_batches(tiny, grid([3], 1), 10, batch_rows=0, memory_gb=0.1)
    assert [len(b) for b in plan] == [1, 1, 1, 1]


def test_no_batch_is_wider_than_pays(tiny) -> None:
    plan = plan_batches(tiny, grid([3] * 30, 3), 10, batch_rows=0, memory_gb=64)
    assert [len(b) for b in plan] == [MOST_ROWS, MOST_ROWS, 360 - 2 * MOST_ROWS]


def test_a_cache_is_never_planned_beyond_the_context(tiny) -> None:
    tiny.model.config.max_position_embeddings = 50
    memory = (6 * row_bytes(tiny, 50) + weight_bytes(tiny)) / 1e9 + LIBRARIES_GB
    plan = plan_batches(tiny, grid([40, 40], 1), 1000, batch_rows=0, memory_gb=memory)
    assert len(plan[0]) == 6
