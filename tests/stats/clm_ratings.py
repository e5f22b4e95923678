"""Ratings drawn from the proportional-odds model with known parameters."""

import numpy as np

CUTS = np.array([-1.6, -0.4, 0.9, 2.0])


def drawn(rng, eta):
    """Ratings 1 to 5 of the proportional-odds model."""
    return 1 + (eta + rng.logistic(size=eta.shape) > CUTS[:, None]).sum(axis=0)


def design(prompts, raters):
    """Two arms: every rater rates every prompt in both."""
    grid = np.meshgrid(np.arange(prompts), [0, 1], np.arange(raters), indexing="ij")
    return [a.ravel() for a in grid]


def simulated(seed, prompts=40, raters=8, sds=(0.9, 0.6, 0.5), beta=0.8):
    rng = np.random.default_rng(seed)
    prompt, arm, rater = design(prompts, raters)
    severity = rng.normal(0, sds[1], raters)
    eta = beta * arm + rng.normal(0, sds[0], prompts)[prompt] - severity[rater]
    eta = eta + rng.normal(0, sds[2], (prompts, 2))[prompt, arm]
    pair = prompt * 2 + arm
    return (
        drawn(rng, eta),
        {"arm": arm},
        {"prompt": prompt, "rater": rater, "prompt × arm": pair},
        severity,
    )
