import numpy as np
import pytest

from mores.stats.clm_crossed import Groups, curvature_of
from mores.stats.clm_laplace import Parameters, Problem, laplace
from mores.stats.clm_likelihood import terms

RNG = np.random.default_rng(17)
N = 120
SD = np.array([0.7, 0.9, 0.4])
GROUPS = Groups(
    (RNG.integers(0, 25, N), RNG.integers(0, 10, N), RNG.integers(0, 3, N)), (25, 10, 3)
)
WEIGHT = RNG.uniform(0.05, 0.5, N)


def dense(groups, sd):
    """A of the model, written out."""
    blocks = [s * np.eye(k)[at] for at, k, s in zip(groups.index, groups.sizes, sd, strict=True)]
    return np.hstack(blocks)


@pytest.mark.parametrize("factors", [1, 2, 3])
def test_the_factored_hessian_is_the_dense_one(factors):
    groups, sd = Groups(GROUPS.index[:factors], GROUPS.sizes[:factors]), SD[:factors]
    A = dense(groups, sd)
    H = A.T @ (WEIGHT[:, None] * A) + np.eye(A.shape[1])
    found = curvature_of(groups, sd, WEIGHT)
    inverse = np.linalg.inv(H)
    right = RNG.normal(size=len(H))
    assert found.log_determinant == pytest.approx(np.linalg.slogdet(H)[1])
    assert found.solve(right) == pytest.approx(inverse @ right)
    assert found.inverse_diagonal() == pytest.approx(np.diag(inverse))
    assert found.leverages(groups, sd) == pytest.approx(np.diag(A @ inverse @ A.T))
    assert groups.gather(WEIGHT, sd) == pytest.approx(A.T @ WEIGHT)
    assert sum(groups.spread(right, sd)) == pytest.approx(A @ right)


def flat_laplace(problem, flat):
    parameters = Parameters(flat[:2], flat[2:4], flat[4:])
    return laplace(problem, parameters, np.zeros(sum(problem.groups.sizes)))


@pytest.mark.parametrize("factors", [0, 1, 3])
def test_gradient_includes_the_movement_of_the_mode(factors):
    groups = Groups(GROUPS.index[:factors], GROUPS.sizes[:factors])
    problem = Problem(RNG.integers(0, 3, N), RNG.normal(size=(N, 2)), groups)
    flat = np.concatenate([[-0.6, 0.9], [0.5, -0.3], np.log(SD[:factors])])
    found = flat_laplace(problem, flat)
    steps = 1e-5 * np.eye(len(flat))
    numeric = [
        (flat_laplace(problem, flat + s).log_likelihood
         - flat_laplace(problem, flat - s).log_likelihood) / 2e-5
        for s in steps
    ]  # fmt: skip
    assert found.gradient == pytest.approx(numeric, abs=1e-6)


def test_the_mode_is_a_mode():
    problem = Problem(RNG.integers(0, 3, N), RNG.normal(size=(N, 2)), GROUPS)
    flat = np.concatenate([[-0.6, 0.9], [0.5, -0.3], np.log(SD)])
    found = flat_laplace(problem, flat)
    eta = problem.columns @ flat[2:4] + sum(GROUPS.spread(found.modes, SD))
    slope = terms(flat[:2], problem.category, eta).slope
    assert GROUPS.gather(slope, SD) == pytest.approx(found.modes, abs=1e-7)


def test_one_rating_by_hand():
    # y = 1 of {0, 1}, θ = 0, σ = 1: the mode solves b = 1 − F(b): b = .4010581; then
    # log F(b) − b² / 2 − ½ log(1 + F(b)(1 − F(b))).
    problem = Problem(np.array([1]), np.zeros((1, 0)), Groups((np.array([0]),), (1,)))
    found = laplace(problem, Parameters(np.zeros(1), np.zeros(0), np.zeros(1)), np.zeros(1))
    b = 0.4010581
    F = 1 / (1 + np.exp(-b))
    assert b == pytest.approx(1 - F, abs=1e-7)
    assert found.modes[0] == pytest.approx(b, abs=1e-7)
    by_hand = np.log(F) - b**2 / 2 - np.log(1 + F * (1 - F)) / 2
    assert found.log_likelihood == pytest.approx(by_hand, abs=1e-7)


def test_parameters_out_of_reach_give_none_not_nan():
    problem = Problem(RNG.integers(0, 3, N), np.zeros((N, 0)), GROUPS)
    start = np.zeros(sum(GROUPS.sizes))
    far = Parameters(np.array([0.0, 1e-320]), np.zeros(0), np.log(SD))
    assert laplace(problem, far, start) is None
