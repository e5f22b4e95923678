"""What a cumulative link mixed model says, as estimates.

Takes a fit (or the reason why there is none) and the names of columns and
factors, gives effects, thresholds, variances and the effect of every level.

    python -c "from mores.stats.clm_result import CumulativeLinkMixed as C; print(
    C({}, {}, {}, {}, None, converged=False, reason='no ratings'))"
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

from msgspec.structs import replace

from mores.records import Estimate
from mores.stats.clm_fit import Fit
from mores.stats.distributions import normal_quantile, normal_tail
from mores.stats.inputs import not_computable

METHOD = "cumulative link mixed model (logit, Laplace)"
UNIT = "rating"


@dataclass(frozen=True)
class CumulativeLinkMixed:
    """A fitted model. Without a fit every estimate says why, and ``reason`` does too."""

    betas: dict[str, Estimate]
    """Log-odds of a higher rating for one more of each column; Wald interval and p."""
    thresholds: dict[str, Estimate]
    """``1|2`` and so on: log-odds of the lower ratings where all effects are 0."""
    variances: dict[str, Estimate]
    """Variance of each factor's effects, logits²; Wald interval on the log scale."""
    effects: dict[str, dict[Hashable, Estimate]]
    """Mode of each level's effect ± z conditional SDs, given the parameters."""
    log_likelihood: float | None
    converged: bool
    reason: str = ""

    def severities(self, factor: str = "rater") -> dict[Hashable, Estimate]:
        """Return how much harsher than the average each level rates: minus its effect.

        Raises:
            KeyError: the model has no such factor.
        """
        return {label: _negated(found) for label, found in self.effects[factor].items()}


@dataclass(frozen=True)
class Named:
    """Names of what was asked for, in the order of the fit's parameters."""

    columns: list[str]
    scale: list[float]
    """The ratings that occur, ascending."""
    levels: dict[str, dict[Hashable, int]]
    """For each factor the ratings of each level."""
    n: int
    level: float

    @property
    def cuts(self) -> list[str]:
        """Names of the thresholds."""
        pairs = zip(self.scale[:-1], self.scale[1:], strict=True)
        return [f"{a:g}|{b:g}" for a, b in pairs]


def unfitted(named: Named, reason: str) -> CumulativeLinkMixed:
    """Return a model of which every estimate says why there is none."""
    absent = not_computable(reason, n=named.n, unit=UNIT, method=METHOD, level=named.level)
    return CumulativeLinkMixed(
        betas=dict.fromkeys(named.columns, absent),
        thresholds=dict.fromkeys(named.cuts, absent),
        variances=dict.fromkeys(named.levels, absent),
        effects={name: dict.fromkeys(levels, absent) for name, levels in named.levels.items()},
        log_likelihood=None,
        converged=False,
        reason=reason,
    )


def fitted(named: Named, found: Fit) -> CumulativeLinkMixed:
    """Return the estimates of a fit."""
    z = normal_quantile((1 + named.level) / 2)
    values = [*found.parameters.thresholds.tolist(), *found.parameters.betas.tolist()]
    walds = list(zip([*named.cuts, *named.columns], values, found.errors.tolist(), strict=True))
    factors = list(zip(named.levels, found.sd.tolist(), found.log_sd_errors.tolist(), strict=True))
    zero = [name for name, sd, _ in factors if not sd]
    cuts = len(named.cuts)
    return CumulativeLinkMixed(
        betas={name: _wald(named, z, b, se, test=True) for name, b, se in walds[cuts:]},
        thresholds={name: _wald(named, z, t, se, test=False) for name, t, se in walds[:cuts]},
        variances={
            name: _variance(named, z, sd, se, len(named.levels[name])) for name, sd, se in factors
        },
        effects={
            name: _effects(named, z, name, modes.tolist(), sds.tolist())
            for name, modes, sds in zip(named.levels, found.effects, found.effects_sd, strict=True)
        },
        log_likelihood=found.log_likelihood,
        converged=True,
        reason=f"no variance between levels of {', '.join(zero)}: set to 0" if zero else "",
    )


def _wald(named: Named, z: float, value: float, se: float, *, test: bool) -> Estimate:
    return Estimate(
        value=value,
        low=value - z * se,
        high=value + z * se,
        p=2 * normal_tail(abs(value / se)) if test else None,
        n=named.n,
        unit=UNIT,
        method=f"{METHOD}, Wald",
        level=named.level,
        details={"se": se, "z": value / se},
    )


def _variance(named: Named, z: float, sd: float, log_se: float, levels: int) -> Estimate:
    if not sd:
        return not_computable(
            "estimated as 0, or so near that the likelihood cannot tell: no interval",
            n=levels, unit="level", method=METHOD, value=0.0, level=named.level,
        )  # fmt: skip
    # An interval whose upper end is beyond all sense means: the data do not say.
    reach = min(2 * z * log_se, 200.0)
    return Estimate(
        value=sd**2,
        low=sd**2 * math.exp(-reach),
        high=sd**2 * math.exp(reach),
        n=levels,
        unit="level",
        method=f"{METHOD}, Wald on the log scale",
        level=named.level,
        details={"sd": sd, "se_log_sd": log_se},
    )


def _effects(
    named: Named, z: float, factor: str, modes: list[float], sds: list[float]
) -> dict[Hashable, Estimate]:
    levels = zip(named.levels[factor].items(), modes, sds, strict=True)
    return {label: _effect(named, z, mode, sd, n) for (label, n), mode, sd in levels}


def _effect(named: Named, z: float, value: float, sd: float, ratings: int) -> Estimate:
    method = f"{METHOD}, conditional mode"
    if not sd:
        return not_computable(
            "no variance between the levels of this factor: all effects are 0",
            n=ratings, unit=UNIT, method=method, value=0.0, level=named.level,
        )  # fmt: skip
    return Estimate(
        value=value,
        low=value - z * sd,
        high=value + z * sd,
        n=ratings,
        unit=UNIT,
        method=method,
        level=named.level,
        reason="shrunk towards 0; the interval takes the fitted parameters as known",
        details={"sd": sd},
    )


def _negated(found: Estimate) -> Estimate:
    def minus(x: float | None) -> float | None:
        return None if x is None else -x

    return replace(found, value=minus(found.value), low=minus(found.high), high=minus(found.low))
