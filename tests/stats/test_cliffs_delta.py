import pytest

from mores.stats import cliffs_delta, probability_of_superiority

X = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1]
Y = [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]


def test_known_answer():
    # statistics.md: δ = .577922 for the Brunner-Munzel example.
    assert cliffs_delta([Y], [X], rng=1).value == pytest.approx(0.577922, abs=5e-7)


def test_is_2p_minus_1_throughout():
    a, b = [[4, 5], [1], [3]], [[2, 4], [3], [3]]
    delta, share = (f(a, b, rng=1) for f in (cliffs_delta, probability_of_superiority))
    # .875, 0, .5 → P = 1.375 / 3, δ = −.25 / 3.
    assert delta.value == pytest.approx(-0.25 / 3)
    assert delta.low == 2 * share.low - 1
    assert delta.high == 2 * share.high - 1
    assert delta.method.startswith("Cliff's δ, mean within prompt; percentile bootstrap")


def test_all_tied():
    found = cliffs_delta([[3]], [[3]], rng=1)
    assert (found.verdict, found.value, found.low) == ("not computable", 0.0, None)
    assert found.method == "Cliff's δ, mean within prompt"
