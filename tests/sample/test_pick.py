"""Token choice against a plain float64 reference that sorts everything."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mores.records import Decoding
from mores.sample.pick import FIRST, SECOND, pick

LAST = 1 - 2**-53
"""The largest number that numpy draws."""
SLACK = 2e-5
"""float32 log-probabilities against float64 ones."""


def choose(logits: np.ndarray, u: np.ndarray | list[float], **decoding: float) -> list[int]:
    chosen = pick(
        torch.tensor(logits, dtype=torch.float32),
        torch.tensor(u, dtype=torch.float64),
        Decoding(**decoding),
    )
    return chosen.tolist()


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    scaled = np.float32(logits).astype(np.float64) / temperature
    weights = np.exp(scaled - scaled.max())
    return weights / weights.sum()


def allowed(probabilities: np.ndarray, top_p: float, top_k: int) -> tuple[np.ndarray, np.ndarray]:
    """Reference: ids most likely first, and their renormalised probabilities."""
    order = np.argsort(-probabilities, kind="stable")
    if top_k:
        order = order[:top_k]
    kept = probabilities[order] / probabilities[order].sum()
    if top_p < 1.0:
        last = int(np.argmax(np.cumsum(kept) >= min(top_p, np.cumsum(kept)[-1])))
        order, kept = order[: last + 1], kept[: last + 1]
    return order, kept / kept.sum()


def test_temperature_zero_takes_the_most_likely() -> None:
    logits = np.random.default_rng(1).normal(size=(50, 3000))
    expected = logits.astype(np.float32).argmax(1).tolist()
    for u in (0.0, 0.5, LAST):
        assert choose(logits, [u] * 50, temperature=0.0) == expected
        assert choose(logits, [u] * 50, temperature=0.0, top_p=0.1, top_k=7) == expected


def test_by_hand() -> None:
    # p = 1/2, 1/4, 1/8, 1/8 for tokens 2, 0, 1, 3; cumulative .5, .75, .875, 1.
    logits = np.log([[0.25, 0.125, 0.5, 0.12499]])
    cases = [(0.0, 2), (0.499, 2), (0.501, 0), (0.749, 0), (0.751, 1), (0.874, 1), (0.876, 3)]
    for u, token in [*cases, (LAST, 3)]:
        assert choose(logits, [u], temperature=1.0) == [token]


def test_nucleus_by_hand() -> None:
    # top_p .6 ends with the token that crosses it: 2 and 0, renormalised to 2/3 and 1/3.
    logits = np.log([[0.25, 0.125, 0.5, 0.125]])
    cases = [(0.0, 2), (0.66, 2), (0.67, 0), (LAST, 0)]
    for u, token in cases:
        assert choose(logits, [u], temperature=1.0, top_p=0.6) == [token]
        assert choose(logits, [u], temperature=1.0, top_k=2) == [token]


def test_top_k_comes_before_top_p() -> None:
    # Of .4 .3 .2 .1, top-k 2 leaves 4/7 and 3/7; top-p .5 then keeps the first alone.
    # The other way round (nucleus of .5 = two tokens) the second would stay possible.
    logits = np.log([[0.4, 0.3, 0.2, 0.1]])
    assert choose(logits, [LAST], temperature=1.0, top_k=2, top_p=0.5) == [0]
    assert choose(logits, [LAST], temperature=1.0, top_p=0.5) == [1]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_shares_over_a_grid_are_the_probabilities(temperature: float) -> None:
    # Inverse cumulative probability: of N even grid points each token gets N·p, give or take one.
    n = 20_000
    logits = np.array([0.3, -1.2, 2.0, 0.0, 0.9, -3.0, 1.1])
    u = (np.arange(n) + 0.5) / n
    chosen = choose(np.tile(logits, (n, 1)), u, temperature=temperature)
    shares = np.bincount(chosen, minlength=7) / n
    assert np.abs(shares - softmax(logits, temperature)).max() <= 1.01 / n + 1e-6


def test_shares_beyond_the_sorted_tokens() -> None:
    # 300 tokens of which the first 64 hold about half: both paths are used.
    n = 20_000
    logits = np.random.default_rng(5).normal(scale=0.8, size=300)
    u = (np.arange(n) + 0.5) / n
    p = softmax(logits)
    assert 0.3 < np.sort(p)[-FIRST:].sum() < 0.7
    chosen = choose(np.tile(logits, (n, 1)), u, temperature=1.0)
    assert np.abs(np.bincount(chosen, minlength=300) / n - p).max() <= 1.01 / n + 1e-6


def test_nucleus_shares_beyond_the_sorted_tokens() -> None:
    n = 4_000
    logits = np.random.default_rng(6).normal(scale=0.5, size=2500)
    order, kept = allowed(softmax(logits), 0.95, 0)
    assert len(order) > FIRST
    u = (np.arange(n) + 0.5) / n
    chosen = choose(np.tile(logits, (n, 1)), u, temperature=1.0, top_p=0.95)
    expected = np.zeros(2500)
    expected[order] = kept
    assert set(chosen) <= set(order.tolist())
    assert np.abs(np.bincount(chosen, minlength=2500) / n - expected).max() <= 1.01 / n + 1e-6


SIZES = [1, 2, 5, FIRST - 1, FIRST, FIRST + 1, 300, SECOND - 1, SECOND, SECOND + 1, 3000]


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from(SIZES),
    scale=st.sampled_from([0.01, 0.3, 1.0, 3.0]),
    temperature=st.sampled_from([0.3, 0.7, 1.0, 1.7]),
    top_p=st.one_of(st.just(1.0), st.floats(0.01, 0.999)),
    top_k=st.sampled_from([0, 0, 1, 3, 40, FIRST, FIRST + 9, 5000]),
    u=st.lists(st.one_of(st.just(0.0), st.just(LAST), st.floats(0, LAST)), min_size=1, max_size=5),
)
def test_equals_the_reference(
    seed: int, size: int, scale: float, temperature: float, top_p: float, top_k: int, u: list[float]
) -> None:
    logits = np.random.default_rng(seed).normal(scale=scale, size=(len(u), size))
    chosen = choose(logits, u, temperature=temperature, top_p=top_p, top_k=top_k)
    for row, number, token in zip(logits, u, chosen, strict=True):
        p = softmax(row, temperature)
        if top_p == 1.0 and not top_k:
            order = np.argsort(-p, kind="stable")
            # Documented: beyond the most likely tokens, vocabulary order.
            order = np.concatenate([order[:FIRST], np.sort(order[FIRST:])])
            assert near(order, p[order], number, token)
        else:
            # A nucleus may end one token earlier or later where the sum meets top_p to rounding.
            limits = {min(1.0, max(1e-9, top_p + slack)) for slack in (-SLACK, 0.0, SLACK)}
            assert any(
                near(*allowed(p, limit if top_p < 1 else 1.0, top_k), number, token)
                for limit in limits
            )


def near(order: np.ndarray, kept: np.ndarray, u: float, token: int) -> bool:
    """Whether u lies in the token's interval of the cumulative distribution, up to rounding."""
    at = np.flatnonzero(order == token)
    if not len(at):
        return False
    upper = kept[: at[0] + 1].sum()
    return upper - kept[at[0]] - SLACK <= u <= upper + SLACK


def test_rows_do_not_influence_each_other() -> None:
    rng = np.random.default_rng(8)
    logits = rng.normal(size=(40, 2600)) * rng.choice([0.01, 1, 6], size=(40, 1))
    u = rng.random(40)
    for more in ({}, {"top_p": 0.9}, {"top_k": 50, "top_p": 0.8}):
        together = choose(logits, u, temperature=1.0, **more)
        alone = [
            choose(logits[i : i + 1], u[i : i + 1], temperature=1.0, **more)[0] for i in range(40)
        ]
        assert together == alone


@pytest.mark.parametrize("u", [0.0, 0.9999999, 1 - 1e-8, 1 - 1e-12, LAST])
@pytest.mark.parametrize("tail", [-np.inf, -2000.0])
def test_a_token_without_probability_is_never_chosen(u: float, tail: float) -> None:
    # 70 tokens share all the mass, in places 30 to 99; float32 sums may fall short of 1.
    rng = np.random.default_rng(9)
    for _ in range(40):
        logits = np.full((1, 400), tail)
        logits[0, 30:100] = rng.normal(size=70)
        assert 30 <= choose(logits, [u], temperature=1.0)[0] < 100
        logits[0, 50:100] = tail  # fewer than are sorted
        assert 30 <= choose(logits, [u], temperature=1.0)[0] < 50


def test_half_precision_logits() -> None:
    logits = torch.randn(8, 500, generator=torch.Generator().manual_seed(1)).bfloat16()
    u = torch.rand(8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    decoding = Decoding(temperature=0.7)
    assert pick(logits, u, decoding).tolist() == pick(logits.float(), u, decoding).tolist()
