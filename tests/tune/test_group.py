"""How one step is shared out among processes."""

from __future__ import annotations

import numpy as np
import pytest

from mores.tune.batches import micro_batches, shares
from mores.tune.group import Group


class One(Group):
    """One of several, as far as sharing out goes."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size


def test_shares_written_out():
    """Longest first, each to the process with fewest tokens so far."""
    assert shares([10, 40, 20, 30, 5], 2) == [[1, 0, 4], [3, 2]]  # 55 tokens, 50 tokens
    assert shares([7], 3) == [[0], [], []]
    assert shares([3, 9, 6], 1) == [[0, 1, 2]]


def test_passes_written_out():
    """50 tokens at most: one process needs two passes, so the other makes one that counts not."""
    sizes = [10, 40, 20, 30, 5]
    assert One(0, 2).passes(sizes, 50) == [([1, 0], True), ([4], True)]
    assert One(1, 2).passes(sizes, 50) == [([3, 2], True), ([4], False)]
    assert One(1, 2).passes([7], 50) == [([0], False)]


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
def test_every_sample_counts_once_and_every_process_makes_as_many_passes(processes):
    random = np.random.default_rng(5)
    for _ in range(100):
        sizes = random.integers(1, 200, random.integers(1, 12)).tolist()
        limit = int(random.integers(1, 400))
        each = [One(rank, processes).passes(sizes, limit) for rank in range(processes)]
        assert len({len(passes) for passes in each}) == 1
        counted = [i for passes in each for part, counts in passes if counts for i in part]
        assert sorted(counted) == list(range(len(sizes)))
        for part, _ in (one for passes in each for one in passes):
            assert len(part) == 1 or sum(sizes[i] for i in part) <= limit
        tokens = [sum(sizes[i] for i in own) for own in shares(sizes, processes)]
        assert max(tokens) - min(tokens) <= max(sizes)


def test_alone_all_is_as_it_was():
    sizes = [30, 20, 50, 10]
    assert [part for part, _ in Group().passes(sizes, 60)] == micro_batches(sizes, 60)
