"""Places, k-means and silhouettes: by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from people import planted
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score

from mores.consult.cluster import k_means, silhouette
from mores.consult.groups import divide
from mores.consult.space import project, share_of_variance
from mores.stats import adjusted_rand


def test_complete_votes_are_placed_as_scikit_learn_places_them():
    table, _ = planted(1, missing=0.0)
    pca = PCA(n_components=2, svd_solver="full")
    expected = pca.fit_transform(table)
    found = project(table)
    for axis in (0, 1):
        sign = np.sign(found[:, axis] @ expected[:, axis])
        np.testing.assert_allclose(found[:, axis], sign * expected[:, axis], atol=1e-9)
    assert share_of_variance(table) == pytest.approx(list(pca.explained_variance_ratio_))


def test_absent_votes_move_nobody_and_few_votes_are_stretched():
    # Two statements, alike: the axis is (1, 1) / √2. Who voted on both is at √2; who voted on one,
    # at 1 from its mean 0, is at 1/√2, and stretched by √(2/1) at 1.
    none = np.nan
    one = [[1, none], [-1, none], [none, 1], [none, -1]]
    table = np.array([[1, 1], [-1, -1], [1, 1], [-1, -1], *one], float)
    found = project(table)[:, 0]
    np.testing.assert_allclose(found[:4], [2**0.5, -(2**0.5)] * 2)
    np.testing.assert_allclose(found[4:], [1, -1, 1, -1])


@pytest.mark.parametrize("k", [2, 3])
def test_k_means_is_as_good_as_scikit_learns(k):
    rng = np.random.default_rng(k)
    points = np.concatenate([rng.normal(c, 0.6, size=(40, 2)) for c in ((0, 0), (3, 0), (0, 3))])
    weights = rng.integers(1, 5, size=len(points)).astype(float)
    labels, centres = k_means(points, weights, k, np.random.default_rng(0))
    oracle = KMeans(k, n_init=20, random_state=0).fit(points, sample_weight=weights)
    spread = (weights * ((points - centres[labels]) ** 2).sum(axis=1)).sum()
    assert spread == pytest.approx(oracle.inertia_, rel=1e-6)
    assert adjusted_rand(labels, oracle.labels_) == pytest.approx(1.0)


def test_a_weight_is_as_many_people_in_one_place():
    rng = np.random.default_rng(3)
    points, weights = rng.normal(size=(12, 2)), np.array([1, 2, 3] * 4, float)
    _, one = k_means(points, weights, 2, np.random.default_rng(0), starts=50)
    many = np.repeat(points, weights.astype(int), axis=0)
    _, other = k_means(many, np.ones(len(many)), 2, np.random.default_rng(0), starts=50)
    np.testing.assert_allclose(sorted(one.tolist()), sorted(other.tolist()))


def test_silhouette_as_scikit_learn_also_of_somebody_alone():
    rng = np.random.default_rng(4)
    points = rng.normal(size=(30, 2))
    labels = np.array([0] * 14 + [1] * 15 + [2])
    assert silhouette(points, labels) == pytest.approx(silhouette_score(points, labels))


def test_silhouette_by_hand():
    points = np.array([[0.0], [1.0], [4.0], [5.0]])
    # Of 0: a = 1, b = 4.5; of 1: a = 1, b = 3.5; the others alike by symmetry.
    expected = ((4.5 - 1) / 4.5 + (3.5 - 1) / 3.5) / 2
    assert silhouette(points, np.array([0, 0, 1, 1])) == pytest.approx(expected)


def test_the_same_seed_gives_the_same_division_and_group_0_is_the_largest():
    table, _ = planted(2)
    one, other = (divide(table, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one.labels, other.labels)
    sizes = np.bincount(one.labels)
    assert sorted(sizes, reverse=True) == sizes.tolist()


def test_nobody_differs_nobody_is_divided():
    assert divide(np.ones((120, 8)), np.random.default_rng(0)) is None


def test_a_group_that_would_be_too_small_is_not_made():
    table = np.ones((100, 8))
    table[:3] = -1.0
    assert divide(table, np.random.default_rng(0), least=5) is None
    assert np.bincount(divide(table, np.random.default_rng(0), least=3).labels).tolist() == [97, 3]
