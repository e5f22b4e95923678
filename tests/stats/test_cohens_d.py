import pytest

from mores.stats import cohens_d


def test_by_hand():
    # 2 4 6 (mean 4, SS 8) against 1 2 3 (mean 2, SS 2): s² = 10 / 4, d = 2 / √2.5.
    found = cohens_d([2, 4, 6], [1, 2, 3])
    assert found.value == pytest.approx(2 / 2.5**0.5)
    assert found.details["pooled_sd"] == pytest.approx(2.5**0.5)
    assert (found.details["mean_a"], found.details["mean_b"], found.n) == (4, 2, 6)


def test_unequal_sizes_weigh_by_degrees_of_freedom():
    # 0 2 (SS 2) and 1 1 1 5 (mean 2, SS 12): s² = 14 / 4, d = (1 − 2) / √3.5.
    assert cohens_d([0, 2], [1, 1, 1, 5]).value == pytest.approx(-1 / 3.5**0.5)


def test_has_no_interval_and_says_why():
    found = cohens_d([2, 4, 6], [1, 2, 3])
    assert (found.low, found.high, found.p, found.verdict) == (None, None, None, "descriptive")
    assert "depend on each other" in found.reason


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ([], [1, 2], "fewer than two values in an arm"),
        ([1], [1, 2], "fewer than two values in an arm"),
        ([3, 3], [3, 3], "no variance"),
        ([4, 4], [3, 3], "no variance"),
    ],
)
def test_degenerate(a, b, reason):
    found = cohens_d(a, b)
    assert (found.verdict, found.value) == ("not computable", None)
    assert reason in found.reason


def test_one_arm_that_varies_is_enough():
    # 3 3 3 against 1 3: SS 2 over 3 degrees of freedom.
    assert cohens_d([3, 3, 3], [1, 3]).value == pytest.approx(1 / (2 / 3) ** 0.5)
