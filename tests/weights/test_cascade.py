"""Beginnings kept once give what each row's own copy gives."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mores.weights import cascade
from mores.weights.cascade import KeyValueStore, Shared, Step, merged, part

HEADS, KEPT, WIDTH, SCALE = 4, 2, 8, 0.3


def plain(query, key, value, seen) -> torch.Tensor:
    """One query over all keys, in double precision: (query heads, width)."""
    key, value = (x.double().repeat_interleave(HEADS // KEPT, 0) for x in (key, value))
    scores = (query.double()[:, None] @ key.transpose(1, 2))[:, 0] * SCALE
    scores = scores.masked_fill(~seen, float("-inf"))
    return (scores.softmax(-1)[:, None] @ value)[:, 0]


@pytest.mark.parametrize("window", [None, 3, 6, 9])
@pytest.mark.parametrize("kernel", ["flash", "products"])
def test_steps_over_shared_beginnings_equal_plain_attention(
    window, kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kernel == "products":  # what a GPU gets
        monkeypatch.setattr(cascade, "_FLASH", None)
    torch.manual_seed(3)
    # Rows 0, 2 and 3 begin with 6 shared tokens, row 4 and 5 with 4 others; row 1 shares nothing.
    begun, prompts = [6, 0, 6, 6, 4, 4], [8, 5, 7, 6, 9, 4]
    blocks = [Shared([(6, (0, 2, 3)), (4, (4, 5))])]
    store = KeyValueStore(6, 12, blocks)
    texts = {}
    first = {6: torch.randn(2, 1, KEPT, 6, WIDTH), 4: torch.randn(2, 1, KEPT, 4, WIDTH)}
    for row, (shared, size) in enumerate(zip(begun, prompts, strict=True)):
        own = torch.randn(2, 1, KEPT, size - shared, WIDTH)
        texts[row] = torch.cat([first[shared], own], 3) if shared else own
        store.put(0, row, *texts[row])
    store.lengths = torch.tensor(prompts)
    assert store.begun.tolist() == begun
    left = list(range(6))
    for number in range(4):
        query = torch.randn(len(left), HEADS, 1, WIDTH)
        fresh = torch.randn(2, len(left), KEPT, 1, WIDTH)
        found = Step(store).attend(0, query, *fresh, SCALE, window)
        store.lengths += 1
        for place, row in enumerate(left):
            texts[row] = torch.cat([texts[row], fresh[:, place, None]], 3)
            size = texts[row].shape[3]
            seen = torch.arange(size) >= (0 if window is None else size - window)
            expected = plain(query[place, :, 0], texts[row][0, 0], texts[row][1, 0], seen)
            torch.testing.assert_close(found[place, 0].double(), expected, atol=1e-5, rtol=1e-5)
        if number == 1:  # one of a group leaves, and the row that wrote the other's beginning
            store.keep(torch.tensor([1, 2, 3, 5]))
            left = [left[i] for i in (1, 2, 3, 5)]
        if number == 2:  # and a whole group
            store.keep(torch.tensor([0, 3]))
            left = [left[0], left[3]]
            assert [b.lengths.tolist() for b in store.shared] == [[4]]


@given(cut=st.integers(1, 11), seed=st.integers(0, 99))
def test_two_parts_are_the_whole(cut: int, seed: int) -> None:
    torch.manual_seed(seed)
    query, key, value = (torch.randn(2, 3, n, WIDTH) for n in (4, 12, 12))
    whole, total = part(query, key, value, None, None)
    parts = [
        part(query, key[:, :, s], value[:, :, s], None, None)
        for s in (slice(cut), slice(cut, None))
    ]
    torch.testing.assert_close(merged(*parts[0], *parts[1]), whole, atol=1e-5, rtol=1e-5)
    sums = torch.stack([p[1] for p in parts]).logsumexp(0)
    torch.testing.assert_close(sums, total, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kernel", ["flash", "products"])
def test_a_query_that_sees_nothing_counts_for_nothing(kernel, monkeypatch) -> None:
    if kernel == "products":
        monkeypatch.setattr(cascade, "_FLASH", None)
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 1, n, WIDTH) for n in (2, 5, 5))
    mask = torch.zeros(1, 1, 2, 5)
    mask[:, :, 1] = float("-inf")
    out, total = part(query, key, value, mask, None)
    assert total[0, 0, 1] == float("-inf")
    other, other_total = part(query, key, value, None, None)
    both = merged(other, other_total, out, total)
    torch.testing.assert_close(both[0, 0, 1], other[0, 0, 1])
    assert torch.isfinite(both).all()


@pytest.mark.parametrize("kernel", ["flash", "products"])
def test_causal_parts(kernel, monkeypatch) -> None:
    if kernel == "products":
        monkeypatch.setattr(cascade, "_FLASH", None)
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, 5, WIDTH) for _ in range(3))
    out, total = part(query, key, value, None, SCALE, causal=True)
    for i in range(5):
        own, sums = part(
            query[:, :, i : i + 1], key[:, :, : i + 1], value[:, :, : i + 1], None, SCALE
        )
        torch.testing.assert_close(out[:, :, i : i + 1], own, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(total[:, :, i : i + 1], sums, atol=1e-6, rtol=1e-5)
