import pytest

from mores.measure.capability.item import TaskItem
from mores.measure.capability.sizes import near_chance


def items(values, seed=0):
    return [
        TaskItem(task="t", item_id=f"i{n}", model="m", arm="control", seed=seed, value=value)
        for n, value in enumerate(values)
    ]


def shares(right, n):
    return [1.0] * right + [0.0] * (n - right)


# Two standard errors of guessing at .25 among 48 items: 2 √(.1875 / 48) = .125, so 18 are right.
@pytest.mark.parametrize(("right", "near"), [(17, True), (18, False), (12, True), (0, True)])
def test_two_standard_errors_above_guessing(right, near):
    assert near_chance(items(shares(right, 48)), 0.25) is near


def test_further_seeds_are_no_further_items():
    # 56 of 100: 1.2 standard errors in one run; counted as 400 items it would be 2.4.
    runs = [item for seed in range(4) for item in items(shares(56, 100), seed)]
    assert near_chance(runs, 0.5)


def test_absent_values_are_not_wrong_answers():
    assert not near_chance(items([1.0] * 10 + [None] * 90), 0.5)


def test_without_chance_or_values_there_is_no_guessing():
    assert not near_chance(items([0.0]), None)
    assert not near_chance(items([None]), 0.5)
    assert not near_chance([], 0.5)
