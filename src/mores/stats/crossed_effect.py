"""A mean difference over prompts and training seeds, both drawn at random.

Takes a table of differences, prompts × seeds, gives the mean with an interval
that would hold for other prompts and other training runs.

    python -c "from mores.stats import crossed_effect as c; print(c([[1, 2], [2, 5], [4, 5]]))"
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mores.errors import MeasureError
from mores.records import Estimate
from mores.stats.distributions import t_estimate
from mores.stats.inputs import Vector, array, no_spread, not_computable

METHOD = "crossed prompts × seeds, cautious Satterthwaite df"


@dataclass(frozen=True)
class Parts:
    """Contributions to the variance of the mean, and its degrees of freedom."""

    prompt: float
    seed: float
    residual: float
    total: float
    df: float
    fallback: str


def crossed_effect(table: ArrayLike, *, strata: Sequence[str] | None = None) -> Estimate:
    """Return the mean of a prompts × seeds table with a t interval for new prompts and seeds.

    Two-way random effects without replication (Searle, Casella & McCulloch 1992,
    ch. 4). With P prompts and S seeds, the variance of the mean is
    V = V_prompt + V_seed − V_resid, where V_prompt = MS_prompt / PS (the variance of
    the row means over P), V_seed = MS_seed / PS and V_resid = MS_resid / PS;
    Satterthwaite's df = V² / (V_prompt² / (P−1) + V_seed² / (S−1) + V_resid² / ((P−1)(S−1))).

    With few seeds that formula overrates the df where V_seed happens to come out small: 7.4 %
    false at .05 with three seeds. So df (not V) are taken where V_seed is larger by one of its own
    standard errors, by the factor `caution` = 1 + √(2 / (S−1)).

    A component that comes out negative (V_prompt or V_seed below V_resid) would make
    V too small, even negative. It is taken as zero: V is at least the larger of
    V_prompt and V_seed, df at least min(P, S) − 1 (or d), and the method says so.
    Simulated false positives at .05, 40 or 120 prompts, run SD 0 to .6 of ratings' spread: 1.7 to
    5.8 % with three seeds, 3.2 to 5 % with five; with two up to 8.5 %, so two cannot carry a test.

    With strata of unequal size (a prompt without an answer leaves its category smaller), prompt p
    of a stratum of n among K weighs w_p = 1 / (K n). A heavy prompt pulls the mean towards itself
    and so hides its own deviation: squares are divided by what is left of it, h_p = 1 − 2 w_p +
    Σ w² (HC2; MacKinnon & White 1985). V_prompt = Σ w_p² (r_p − m)² / h_p, V_seed from the weighted
    column means, V_resid = Σ w_p² / h_p Σ_s e_ps² / ((S−1) S). Few heavy prompts carry few degrees
    of freedom: Bell & McCaffrey's (2002) d = (tr A)² / tr A² take the place of P−1, A the matrix of
    V_prompt as a quadratic form. With equal strata all is as above. Simulated false positives at
    .05, strata of 30 and 2, 30 and 1, 60 and 5, 7 × 15 and 1, 2 or 14, one stratum's spread .3 to 3
    times the others': 0 to 6 %; a variance by stratum with Satterthwaite's df gives up to 12 %.

    Args:
        table: shape (P, S), difference of each prompt under each training seed.
        strata: shape (P,), the category of each prompt; every category then weighs the same.

    Returns:
        value, low, high, p, n = P; details: se, df, t, seeds, v_prompt, v_seed, v_resid,
        sd_seed (run-to-run standard deviation of the effect) and sd_prompt. Not
        computable (value kept) with one seed, one prompt or no variance.

    Raises:
        MeasureError: not two axes, NaN or infinite input, labels that do not fit.
    """
    values = array(table, "table", dimensions=2)
    prompts, seeds = values.shape
    weights = _weights(prompts, strata)
    mean = float(weights @ values.mean(axis=1)) if values.size else None
    reason = _too_small(prompts, seeds)
    if not reason and no_spread(float(values.std()), values):
        reason = "all differences are equal: no variance"
    if reason:
        return not_computable(
            reason,
            n=prompts,
            unit="prompt",
            method=METHOD,
            value=mean,
            details={"seeds": seeds},
        )
    assert mean is not None
    parts = _parts(values, weights)
    return t_estimate(
        mean,
        parts.total**0.5,
        parts.df,
        n=prompts,
        unit="prompt",
        method=METHOD + (f"; {parts.fallback}" if parts.fallback else ""),
        reason=parts.fallback,
        details={
            "seeds": seeds,
            "v_prompt": parts.prompt,
            "v_seed": parts.seed,
            "v_resid": parts.residual,
            "sd_prompt": (max(0.0, parts.prompt - parts.residual) * prompts) ** 0.5,
            "sd_seed": (max(0.0, parts.seed - parts.residual) * seeds) ** 0.5,
        },
    )


def _too_small(prompts: int, seeds: int) -> str:
    if not prompts or not seeds:
        return "no differences"
    if seeds == 1:
        return "one seed: one training run cannot tell the effect from run-to-run variation"
    if prompts == 1:
        return "one prompt: it cannot tell the effect from variation between prompts"
    return ""


def _weights(prompts: int, strata: Sequence[str] | None) -> Vector:
    """Shape (P,), sum 1: every stratum the same, and every prompt in it."""
    if strata is None:
        return np.full(prompts, 1.0 / max(1, prompts))
    if len(strata) != prompts:
        raise MeasureError(f"expected {prompts} labels of strata, found {len(strata)}")
    sizes = Counter(strata)
    return np.array([1.0 / (len(sizes) * sizes[name]) for name in strata])


def _parts(values: Vector, weights: Vector) -> Parts:
    """Variance components of the mean; values has at least two rows and two columns."""
    seeds = values.shape[1]
    rows, columns = values.mean(axis=1), weights @ values
    mean = float(weights @ rows)
    rest = values - rows[:, None] - columns[None, :] + mean
    squares, df_prompt = _corrected(weights)
    prompt = float(squares @ (rows - mean) ** 2)
    seed = float(columns.var(ddof=1)) / seeds
    residual = float(squares @ (rest**2).sum(axis=1)) / ((seeds - 1) * seeds)
    plain = prompt + seed - residual
    total = max(plain, prompt, seed)
    if total <= 0:  # only the interaction varies: rows and columns all have the same mean
        total = residual
    most = seed * caution(seeds - 1)
    terms = np.array([prompt, most, residual]) / max(prompt + most - residual, prompt, most, total)
    of_terms = np.array([df_prompt, seeds - 1.0, df_prompt * (seeds - 1.0)])
    df = 1.0 / float((terms**2 / of_terms).sum())
    df = max(df, min(df_prompt, seeds - 1.0))
    return Parts(prompt, seed, residual, total, df, _fallback(prompt, seed, residual))


def _corrected(weights: Vector) -> tuple[Vector, float]:
    """Return what a prompt's squared deviation counts, w² / h, and Bell & McCaffrey's df."""
    w = weights
    q = float(w @ w)
    a = w**2 / (1.0 - 2.0 * w + q)
    # A = diag(a) − w a' − a w' + s w w', so that traces need no matrix of P × P.
    s, u, v = float(a.sum()), float(w @ a), float(a @ a)
    trace = s - 2.0 * u + s * q
    of_square = (
        v - 4.0 * float(w @ a**2) + 2.0 * s * float(w**2 @ a)
        + 2.0 * (u**2 + v * q) - 4.0 * s * u * q + (s * q) ** 2
    )  # fmt: skip
    return a, trace**2 / of_square


def caution(df: float) -> float:
    """How much larger a variance with these degrees of freedom may be: by one standard error."""
    return 1.0 + math.sqrt(2.0 / df)


def _fallback(prompt: float, seed: float, residual: float) -> str:
    names = [name for name, v in (("prompt", prompt), ("seed", seed)) if v < residual]
    if not names:
        return ""
    return f"{' and '.join(names)} variance estimated negative, taken as zero"
