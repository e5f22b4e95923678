import random

import numpy as np

from mores.stats import rating_table

RATINGS = [("bea", "i2", 4), ("ann", "i1", 1), ("bea", "i1", 2), ("cem", "i3", 5)]


def test_by_hand():
    found = rating_table(RATINGS)
    assert (found.raters, found.items) == (("ann", "bea", "cem"), ("i1", "i2", "i3"))
    absent = np.nan
    expected = [[1, absent, absent], [2, 4, absent], [absent, absent, 5]]
    np.testing.assert_array_equal(found.values, expected)


def test_the_last_rating_of_a_pair_counts():
    assert rating_table([*RATINGS, ("ann", "i1", 3)]).values[0, 0] == 3


def test_the_order_of_ratings_changes_nothing():
    shuffled = random.Random(1).sample(RATINGS, len(RATINGS))
    assert shuffled != RATINGS
    np.testing.assert_array_equal(rating_table(shuffled).values, rating_table(RATINGS).values)


def test_no_ratings_make_an_empty_table():
    assert rating_table([]).values.shape == (0, 0)
