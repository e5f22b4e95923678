import math
import subprocess
import sys

import numpy as np
import pytest

from mores import stats
from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.inputs import array, count, generator, not_computable, positions, vector

RNG = np.random.default_rng(0)
TAKE_NUMBERS = [
    stats.sign_flip,
    stats.paired_t,
    lambda x: stats.stratified_t(x, [0] * len(x)),
    lambda x: stats.paired_difference(x, rng=None),
    lambda x: stats.crossed_effect([x, x]),
    lambda x: stats.probability_of_superiority([x], [x], rng=1),
    lambda x: stats.cohens_d(x, [1, 2]),
    lambda x: stats.non_inferiority(x, 0.1),
    lambda x: stats.auc(x, [0] * len(x)),
    stats.holm,
    stats.benjamini_hochberg,
]


@pytest.mark.parametrize("call", TAKE_NUMBERS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_every_statistic_refuses_numbers_that_are_none(call, bad):
    with pytest.raises(MeasureError, match=r"found (nan|-?inf)"):
        call([0.5, bad, 0.25])


def test_message_names_argument_and_position():
    with pytest.raises(MeasureError, match=r"^scores: .*found nan at position 2"):
        vector([1.0, 2.0, math.nan], "scores")


def test_ragged_words_and_axes_are_refused():
    with pytest.raises(MeasureError, match="rows of equal length"):
        array([[1, 2], [3]], "table", dimensions=2)
    with pytest.raises(MeasureError, match="expected numbers"):
        vector(["good"], "scores")
    with pytest.raises(MeasureError, match=r"shape \(1, 2\)"):
        vector([[1, 2]], "scores")


def test_nan_stays_only_where_it_means_absent():
    table = array([[1, math.nan]], "ratings", dimensions=2, absent=True)
    assert np.isnan(table[0, 1])
    with pytest.raises(MeasureError, match="inf"):
        array([[1, math.inf]], "ratings", dimensions=2, absent=True)


def test_positions_keep_order_and_tell_1_from_its_text():
    found = positions(["b", "a", "b", 1, "1"], 5, "strata")
    assert {k: v.tolist() for k, v in found.items()} == {"b": [0, 2], "a": [1], 1: [3], "1": [4]}


@pytest.mark.parametrize(
    ("labels", "message"),
    [(["a"], "expected 2 labels"), (["a", None], "position 1"), ([math.nan, 1], "position 0")],
)
def test_labels_must_fit(labels, message):
    with pytest.raises(MeasureError, match=message):
        positions(labels, 2, "strata")


@pytest.mark.parametrize("value", [-1, 2.5, math.nan, math.inf])
def test_count_refuses(value):
    with pytest.raises(MeasureError):
        count(value, "n")


def test_generator_takes_a_seed_and_refuses_none():
    assert generator(3, "x").integers(100) == np.random.default_rng(3).integers(100)
    assert generator(RNG, "x") is RNG
    with pytest.raises(MeasureError, match="a bootstrap needs random numbers"):
        generator(None, "a bootstrap")


def test_not_computable_needs_a_reason():
    estimate = not_computable("one prompt", n=1, unit="prompt", method="paired t")
    assert isinstance(estimate, Estimate)
    assert (estimate.value, estimate.low, estimate.p) == (None, None, None)
    with pytest.raises(ValueError, match="needs a reason"):
        not_computable("", n=1, unit="prompt", method="paired t")


def test_importing_the_room_leaves_scipy_alone():
    code = "import sys, mores.stats; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, math.nan])
def test_levels_lie_between_0_and_1(level):
    with pytest.raises(MeasureError, match="level"):
        stats.power(5, 1, 1, level=level)
