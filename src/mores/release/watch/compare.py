"""One look: each measure of the traffic against the study's, with a rate of false alarms.

    measures = compare(kinds, study_values, traffic_values, spends=0.025, paired=False)

**What is tested.** That answers of the traffic come from the distribution that the study's came
from. Shares by Fisher's exact test, numbers by the rank-sum test; where the traffic answered the
study's own prompts, both by the sign test over pairs. One answer a prompt on both sides, so that no
two values share a question.

**How often it errs.** Holm over the measures of a look; look k may spend alpha / (k (k + 1)), which
adds up to alpha over all looks that there will ever be. Both hold whatever the tests have in
common, such as the study's answers, which every look is compared with. So the chance of any false
alarm, over all measures and looks, is at most alpha.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from mores.records import Estimate
from mores.release.watch.model import Compared, Side
from mores.release.watch.scores import Kind, Values
from mores.stats import holm, rank_sum, sign_test, two_shares

LEAST = 5
"""Answers with a value on each side below which a measure is not compared."""


def spends(alpha: float, look: int) -> float:
    """Return what a look may spend of the chance of a false alarm; all looks together alpha."""
    return alpha / (look * (look + 1))


def compare(
    kinds: Mapping[str, Kind],
    study: Mapping[str, Values],
    traffic: Mapping[str, Values],
    *,
    spends: float,
    paired: bool,
) -> tuple[Compared, ...]:
    """Compare every measure.

    Args:
        kinds: measure → share or number.
        study: measure → a value for each of the study's answers, one a prompt.
        traffic: the same of the traffic; where paired, in the order of the same prompts.
        spends: chance of a false alarm that this look may have.
        paired: whether both answered the same prompts.
    """
    found = [_compared(name, kinds[name], study[name], traffic[name], paired) for name in kinds]
    adjusted = holm([one.p for one in found])
    return tuple(
        replace(one, p_adjusted=p, out=p is not None and p <= spends)
        for one, p in zip(found, adjusted, strict=True)
    )


def _compared(name: str, kind: Kind, study: Values, traffic: Values, paired: bool) -> Compared:
    pairs = [
        (a, b)
        for a, b in zip(study, traffic, strict=True)
        if a is not None and b is not None
    ] if paired else []  # fmt: skip
    own = [a for a, _ in pairs] if paired else _known(study)
    seen = [b for _, b in pairs] if paired else _known(traffic)
    few = min(len(own), len(seen)) < LEAST
    told = None if few else _tested(kind, own, seen, paired)
    above = None if told is None else told.value
    if kind == "share" and told is not None:
        above = float(np.mean(seen) - np.mean(own))
    return Compared(
        measure=name,
        kind=kind,
        study=_side(kind, study),
        traffic=_side(kind, traffic),
        above=above,
        p=None if told is None else told.p,
        p_adjusted=None,
        out=False,
        method="" if told is None else told.method,
        reason=f"fewer than {LEAST} answers with a value" if few else "",
    )


def _tested(kind: Kind, own: Sequence[float], seen: Sequence[float], paired: bool) -> Estimate:
    if paired:
        return sign_test(np.subtract(seen, own))
    if kind == "share":
        return two_shares(round(sum(seen)), len(seen), round(sum(own)), len(own))
    return rank_sum(seen, own)


def _known(values: Values) -> list[float]:
    return [value for value in values if value is not None]


def _side(kind: Kind, values: Values) -> Side:
    known = _known(values)
    low, high = (
        (float(q) for q in np.quantile(known, (0.25, 0.75)))
        if known and kind == "number"
        else (None, None)
    )
    return Side(
        answers=len(known),
        absent=len(values) - len(known),
        mean=float(np.mean(known)) if known else None,
        low=low,
        high=high,
    )
