"""Power of the paired design, and the prompts that it needs.

Takes prompts, spread and the true difference (and training seeds and their
spread), gives the probability that the test shows it, or the number of prompts
for a wanted power. Plans, not results: plain numbers, no `Estimate`.

    python -c "from mores.stats import power, sample_size; print(
    power(60, .5, .2), sample_size(.2, .5))"
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from mores.errors import MeasureError
from mores.stats.crossed_power import crossed_power
from mores.stats.inputs import count, share
from mores.stats.paired_power import Test, paired_power

# Imported first by the package, so that its function `power` is not replaced by this module.
from mores.stats.power import units_needed

MOST = 10_000_000
"""Prompts beyond which no design is sought."""


@dataclass(frozen=True)
class Design:
    """What is planned: spread between prompts, between seeds and of a single cell."""

    prompts: int
    sd: float
    seeds: int | None
    sd_seed: float
    sd_residual: float
    level: float
    test: Test


def power(
    n_prompts: int,
    sd: float,
    difference: float,
    *,
    seeds: int | None = None,
    sd_seed: float = 0.0,
    sd_residual: float = 0.0,
    level: float = 0.95,
    test: Test = "t",
) -> float:
    """Return the probability that a two-sided test shows a true mean difference.

    One training run: the paired t test, P(|T'| > t_crit) with T' noncentral t, n − 1
    degrees of freedom and noncentrality difference · √n / sd; with ``test="normal"``
    Miller's (2024, arXiv 2411.00640, section 5) normal approximation.

    Several seeds: `crossed_effect` on P prompts × S seeds. The variance of the mean is
    sd² / P + sd_seed² / S + sd_residual² / (PS); the test's own variance, its degrees of
    freedom and its fallbacks are averaged over the distributions of the three mean
    squares (scaled χ²) on a grid of their quantiles.

    Args:
        n_prompts: prompts, at least 2.
        sd: standard deviation of the prompts' differences, > 0. With seeds: of their
            means over all possible seeds, `crossed_effect`'s ``sd_prompt``, ≥ 0.
        difference: true mean difference, units of sd.
        seeds: training seeds, at least 2; None for one run, whose effect is then taken
            as the effect.
        sd_seed: run-to-run standard deviation of the effect, ≥ 0.
        sd_residual: standard deviation of a prompt × seed cell beyond both, ≥ 0.
        level: 1 − the two-sided error rate, in (0, 1).
        test: "t" as the report tests, or "normal" (one run only).

    Returns:
        A probability; 1 − level at a difference of 0.

    Raises:
        MeasureError: an argument is out of range.
    """
    design = _design(n_prompts, sd, seeds, sd_seed, sd_residual, level, test)
    if not math.isfinite(difference):
        raise MeasureError(f"expected a finite number, found {difference}", where="difference")
    return _power(design, abs(difference))


def sample_size(
    difference: float,
    sd: float,
    *,
    seeds: int | None = None,
    sd_seed: float = 0.0,
    sd_residual: float = 0.0,
    level: float = 0.95,
    power: float = 0.8,
    test: Test = "t",
) -> int:
    """Return the smallest number of prompts with which `power` reaches a wanted value.

    With ``test="normal"``: n = (z_{1−α/2} + z_power)² sd² / difference², rounded up
    (Miller 2024, section 5), which leaves out the far side.

    Args:
        difference: true mean difference, not 0.
        sd: see `power`.
        seeds: see `power`.
        sd_seed: see `power`.
        sd_residual: see `power`.
        level: 1 − the two-sided error rate, in (0, 1).
        power: wanted probability, above 1 − level and below 1.
        test: see `power`.

    Returns:
        Number of prompts, at least 2.

    Raises:
        MeasureError: an argument is out of range, or no number of prompts is enough
            because the seeds are too few.
    """
    design = _design(2, sd, seeds, sd_seed, sd_residual, level, test)
    share(power, "power")
    if power <= 1 - level:
        raise MeasureError(f"expected above {1 - level:g}, found {power}", where="power")
    if not (math.isfinite(difference) and difference):
        raise MeasureError(
            f"expected a finite number other than 0, found {difference}", where="difference"
        )
    wanted = abs(difference)
    if test == "normal":
        return max(2, units_needed(sd**2, wanted, level=(1 + level) / 2, power=power))
    return _smallest(design, wanted, power)


def _smallest(design: Design, difference: float, wanted: float) -> int:
    enough = 2
    while _power(replace(design, prompts=enough), difference) < wanted:
        enough *= 2
        if enough > MOST:
            limit = "; more seeds are needed, not more prompts" if design.seeds else ""
            raise MeasureError(
                f"not even {MOST} prompts reach power {wanted:g}{limit}", where="power"
            )
    short = enough // 2
    while enough - short > 1:
        middle = (enough + short) // 2
        if _power(replace(design, prompts=middle), difference) < wanted:
            short = middle
        else:
            enough = middle
    return enough


def _design(
    prompts: int,
    sd: float,
    seeds: int | None,
    sd_seed: float,
    sd_residual: float,
    level: float,
    test: Test,
) -> Design:
    count(prompts, "n_prompts", least=2)
    share(level, "level")
    for name, value in (("sd", sd), ("sd_seed", sd_seed), ("sd_residual", sd_residual)):
        if not (value >= 0 and math.isfinite(value)):
            raise MeasureError(f"expected a finite number, at least 0, found {value}", where=name)
    if test not in ("t", "normal"):
        raise MeasureError(f"expected 't' or 'normal', found {test!r}", where="test")
    if seeds is None:
        if not sd:
            raise MeasureError("expected a number above 0, found 0", where="sd")
        if sd_seed or sd_residual:
            raise MeasureError("spread of seeds was given without a number of seeds", where="seeds")
    elif count(seeds, "seeds", least=2) and not (sd or sd_seed or sd_residual):
        raise MeasureError("expected some spread, found none", where="sd")
    elif test == "normal":
        raise MeasureError("the normal approximation is for one training run", where="test")
    return Design(prompts, sd, seeds, sd_seed, sd_residual, level, test)


def _power(design: Design, difference: float) -> float:
    if design.seeds is None:
        return paired_power(
            design.prompts, difference, sd=design.sd, level=design.level, test=design.test
        )
    sds = (design.sd, design.sd_seed, design.sd_residual)
    return crossed_power(design.prompts, design.seeds, difference, sds=sds, level=design.level)
