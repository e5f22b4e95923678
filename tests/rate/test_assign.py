"""Seats: exact shares, by hand, by brute force and for random unbalanced designs."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, permutations, product
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import DataError
from mores.rate.assign import Unit, _spaced, assign


def design(prompts: int, draws: int, arms: int, categories: int) -> list[Unit]:
    return [
        Unit(f"i{p:02d}{d}{a}", f"c{p % categories}", f"p{p:02d}", f"m/arm{a}/0", f"arm{a}")
        for p, d, a in product(range(prompts), range(draws), range(arms))
    ]


def check(units: list[Unit], plan: list[tuple[str, ...]], per_item: int, seats: int) -> None:
    """Every promise of `assign`, counted here without its helpers."""
    assert len(plan) == seats
    times = Counter(item for seat in plan for item in seat)
    assert times == dict.fromkeys((u.item for u in units), per_item)
    assert all(len(set(seat)) == len(seat) for seat in plan)
    by_id = {u.item: u for u in units}
    ways = (
        lambda u: "all",
        lambda u: u.category,
        lambda u: u.arm,
        lambda u: u.condition,
        lambda u: (u.category, u.condition),
    )
    for way in ways:
        for name, size in Counter(map(way, units)).items():
            low, high = floor(size * per_item / seats), ceil(size * per_item / seats)
            for seat in plan:
                assert low <= sum(way(by_id[i]) == name for i in seat) <= high, (name, seat)


def repeats(prompts: list[str]) -> int:
    return sum(a == b for a, b in pairwise(prompts))


def test_palms_design_is_even_to_the_item() -> None:
    # 40 prompts x 3 draws x 3 arms = 360 items, x 3 ratings / 6 seats = 180 a seat:
    # 60 of each arm; 8 categories of 45 items: 22 or 23; a cell of 15: 7 or 8.
    units = design(40, 3, 3, 8)
    plan = assign(units, per_item=3, seats=6, seed=2021)
    check(units, plan, 3, 6)
    by_id = {u.item: u for u in units}
    for seat in plan:
        assert Counter(by_id[i].arm for i in seat) == {"arm0": 60, "arm1": 60, "arm2": 60}
        assert repeats([by_id[i].prompt for i in seat]) == 0


def test_as_many_seats_as_ratings_gives_everybody_everything() -> None:
    units = design(2, 1, 3, 2)
    plan = assign(units, per_item=2, seats=2, seed=0)
    everything = sorted(u.item for u in units)
    assert [sorted(seat) for seat in plan] == [everything, everything]
    assert plan[0] != plan[1]


def test_one_rating_each_makes_disjoint_halves() -> None:
    # 2 categories x 2 arms x 2 items, 1 rating, 2 seats: each seat one item of every cell.
    units = design(4, 1, 2, 2)
    plan = assign(units, per_item=1, seats=2, seed=5)
    assert set(plan[0]).isdisjoint(plan[1])
    cell = {u.item: (u.category, u.condition) for u in units}
    assert [len({cell[item] for item in seat}) for seat in plan] == [4, 4]


def test_more_seats_than_ratings_leaves_seats_empty() -> None:
    plan = assign([Unit("a", "c", "p", "m", "base")], per_item=1, seats=3, seed=1)
    assert sorted(len(seat) for seat in plan) == [0, 0, 1]


@st.composite
def designs(draw: st.DrawFn) -> tuple[list[Unit], int, int, int]:
    conditions = draw(st.lists(st.integers(0, 2), min_size=1, max_size=6))  # arm of each
    drawn = draw(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, len(conditions) - 1)),
            min_size=1,
            max_size=45,
        )
    )
    units = [
        Unit(f"i{n}", f"c{c}", f"p{c}{p}", f"k{k}", f"arm{conditions[k]}")
        for n, (c, p, k) in enumerate(drawn)
    ]
    per_item = draw(st.integers(1, 5))
    seats = draw(st.integers(per_item, per_item + 9))
    return units, per_item, seats, draw(st.integers(0, 2**40))


@given(designs())
def test_every_bound_holds_in_unbalanced_designs(case: tuple[list[Unit], int, int, int]) -> None:
    units, per_item, seats, seed = case
    plan = assign(units, per_item=per_item, seats=seats, seed=seed)
    check(units, plan, per_item, seats)
    prompt = {u.item: u.prompt for u in units}
    for seat in plan:
        prompts = [prompt[item] for item in seat]
        most = max(Counter(prompts).values(), default=0)
        # n items with one prompt m times: the n - m others part at most n - m + 1 of them.
        assert repeats(prompts) == max(0, most - (len(prompts) - most) - 1)
    assert assign(units[::-1], per_item=per_item, seats=seats, seed=seed) == plan


@pytest.mark.parametrize("prompts", ["", "a", "aab", "aabb", "abcaab", "aaaab", "aaabbb", "abccc"])
def test_spacing_has_fewest_repeats_by_brute_force(prompts: str) -> None:
    fewest = min(repeats(list(p)) for p in permutations(prompts))
    for order in set(permutations(prompts)):
        items = [(str(n), p) for n, p in enumerate(order)]
        done = _spaced(items)
        assert sorted(done) == [n for n, _ in items]
        assert repeats([order[int(n)] for n in done]) == fewest


def test_spacing_leaves_a_good_order_alone() -> None:
    items = [("1", "a"), ("2", "b"), ("3", "a"), ("4", "c")]
    assert _spaced(items) == ["1", "2", "3", "4"]
    assert _spaced([("1", ""), ("2", ""), ("3", "b")]) == ["1", "3", "2"]


def test_order_does_not_depend_on_arm_or_condition() -> None:
    # Every seat has all items, so only the labels differ between the two studies.
    units = design(6, 2, 3, 2)
    other = [Unit(u.item, u.category, u.prompt, "one", "one") for u in units]
    assert assign(units, per_item=3, seats=3, seed=9) == assign(other, per_item=3, seats=3, seed=9)


def test_arms_are_spread_over_the_places_of_the_order() -> None:
    # Mean place of an arm's 50 of 100 items under shuffling: 49.5; over 40 seats its standard
    # error is sqrt((101 * 50 / 12) / 50 / 40) = 0.46, so 2 is more than four of them.
    units = design(50, 1, 2, 5)
    plan = assign(units, per_item=40, seats=40, seed=3)
    places = [n for seat in plan for n, item in enumerate(seat) if item.endswith("1")]
    assert sum(places) / len(places) == pytest.approx(49.5, abs=2)


def test_extra_items_go_to_arms_without_favour() -> None:
    # 4 arms of 1 item, 1 rating, 4 seats -> one item a seat; over 400 seeds the first seat gets
    # each arm 100 times on average, with a standard deviation of sqrt(400 * 3/16) = 8.7.
    units = design(1, 1, 4, 1)
    first = Counter(assign(units, per_item=1, seats=4, seed=s)[0][0] for s in range(400))
    assert len(first) == 4
    assert all(abs(n - 100) < 40 for n in first.values()), first


def test_prompts_of_a_cell_are_spread_over_seats() -> None:
    # One cell, 4 prompts x 3 draws, 1 rating, 3 seats of 4 items: each prompt once in each seat.
    units = design(4, 3, 1, 1)
    prompt = {u.item: u.prompt for u in units}
    for seat in assign(units, per_item=1, seats=3, seed=7):
        assert len({prompt[item] for item in seat}) == 4


def test_the_seed_decides() -> None:
    units = design(10, 1, 3, 2)
    plans = [assign(units, per_item=2, seats=5, seed=seed) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]


def test_fewer_seats_than_ratings_are_refused() -> None:
    with pytest.raises(DataError, match="plan at least 3 seats"):
        assign([Unit("a", "c", "p", "m/base/0", "base")], per_item=3, seats=2, seed=0)
