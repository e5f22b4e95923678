"""Log-likelihood of ordered ratings given their linear predictor, with derivatives.

Takes thresholds, categories and linear predictors of the proportional-odds model,
gives what a Newton step, the Laplace approximation and its gradient need.

    python -c "import numpy as np; from mores.stats.clm_likelihood import terms; print(
    np.exp(terms(np.array([-1.0, 1.0]), np.array([0, 1, 2]), np.zeros(3)).log_p))"
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mores.stats.inputs import Vector

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Edge:
    """One end of a rating's category, upper or lower: derivatives by its threshold."""

    slope: Vector
    """Of the log-probability."""
    density: Vector
    """Of the slope by the linear predictor (``Terms.slope``)."""
    bend: Vector
    """Of the weight (``Terms.weight``)."""


@dataclass(frozen=True)
class Terms:
    """Log-probability of each rating and its derivatives by the linear predictor."""

    log_p: Vector
    slope: Vector
    weight: Vector
    """Minus the second derivative; > 0, as the logistic density is log-concave."""
    bend: Vector
    """Derivative of the weight."""
    upper: Edge
    lower: Edge


def terms(thresholds: Vector, category: Index, eta: Vector) -> Terms:
    """Return log P(Y = k) and derivatives, P(Y ≤ k) = F(θ_k − η), F logistic (McCullagh 1980).

    With u = θ_k − η, l = θ_{k−1} − η and the density f = F (1 − F): P = F(u) − F(l) =
    F(u) F(−l) (1 − e^{l−u}), which keeps its digits in the tails; d log P / dη =
    F(u) + F(l) − 1; minus its derivative is f(u) + f(l).

    Args:
        thresholds: shape (K − 1,), ascending.
        category: shape (n,), 0 to K − 1.
        eta: shape (n,), linear predictors.
    """
    from scipy.special import expit, log_expit

    ends = np.concatenate([[-np.inf], thresholds, [np.inf]])
    u, low = ends[category + 1] - eta, ends[category] - eta
    gap = -np.expm1(low - u)
    below_u, above_u, below_l, above_l = expit(u), expit(-u), expit(low), expit(-low)
    f_u, f_l = below_u * above_u, below_l * above_l
    bend_u, bend_l = f_u * (above_u - below_u), f_l * (above_l - below_l)
    return Terms(
        log_p=log_expit(u) + log_expit(-low) + np.log(gap),
        slope=below_u - above_l,
        weight=f_u + f_l,
        bend=-(bend_u + bend_l),
        upper=Edge(above_u / (above_l * gap), f_u, bend_u),
        lower=Edge(-below_l / (below_u * gap), f_l, bend_l),
    )
