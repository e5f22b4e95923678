"""The tail beside the mean: prompts with an answer at the bad end of the scale, by arm.

extreme_answers(pairs, "values_targeted", "control", Extreme(0.5, above=True))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec import structs

from mores import stats
from mores.records import Arm, Estimate
from mores.report.observed import Observed
from mores.report.pairs import Cell, Pairs
from mores.stats.distributions import normal_quantile
from mores.stats.inputs import LEVEL
from mores.stats.paired_score import score_bound


@dataclass(frozen=True)
class Extreme:
    """From where on an answer is extreme: at or above the threshold, or at or below it."""

    threshold: float
    above: bool

    def holds(self, value: float) -> bool:
        """Say whether an answer with this value is extreme."""
        return value >= self.threshold if self.above else value <= self.threshold

    @property
    def words(self) -> str:
        """``at or above 0.5``."""
        return f"at or {'above' if self.above else 'below'} {self.threshold:g}"


def extreme_answers(pairs: Pairs, arm: Arm, reference: Arm, extreme: Extreme) -> list[Estimate]:
    """Describe the tail: each arm's share of prompts with such an answer, and the difference.

    An answer's value is the mean of its ratings; where severity was taken off them, their sum is
    rounded to a whole number again, as a 2 that became 2.01 is as bad as before. Shares are of
    prompts, since answers to one prompt are no independent evidence: Wilson's interval with one
    training run, none with several (runs differ). The difference has Tango's score interval (one
    run), or the crossed one.

    Returns:
        Three estimates, or none without prompts: ``category`` is "overall" for the difference and
        the arm's name for a share; details of a share: extreme, answers, worst (the most extreme
        value) and percentile_95 (the value that 95 % of the answers do not go beyond).
    """
    if not pairs.prompts:
        return []
    cells = [[[pair[side] for pair in row] for row in pairs.cells] for side in (0, 1)]
    if pairs.severity_off:
        whole = {id(o): _whole(o) for rows in cells for row in rows for cell in row for o in cell}
        cells = [[[[whole[id(o)] for o in cell] for cell in row] for row in rows] for rows in cells]
    hits = [np.array([[_hit(cell, extreme) for cell in row] for row in rows]) for rows in cells]
    return [
        structs.replace(_difference(hits[0], hits[1]), category="overall"),
        *(
            structs.replace(_share(hit, rows, extreme), category=name)
            for hit, rows, name in zip(hits, cells, (arm, reference), strict=True)
        ),
    ]


def _whole(o: Observed) -> Observed:
    """An answer whose ratings have a whole sum again."""
    share = round(sum(o.values)) / len(o.values)
    return replace(o, values=(share,) * len(o.values))


def _hit(cell: Cell, extreme: Extreme) -> float:
    return float(any(extreme.holds(o.mean) for o in cell))


def _share(hits: np.ndarray, rows: Sequence[Sequence[Cell]], extreme: Extreme) -> Estimate:
    answers = {id(o): o.mean for row in rows for cell in row for o in cell}
    values = np.array(list(answers.values()))
    place = 95 if extreme.above else 5
    details: dict[str, float | int | str | None] = {
        "extreme": int(sum(map(extreme.holds, values))),
        "answers": len(values),
        "worst": float(values.max() if extreme.above else values.min()),
        "percentile_95": float(np.percentile(values, place)),
    }
    count = len(hits)
    if hits.shape[1] == 1 or (hits == hits[:, :1]).all():
        share = stats.wilson(int(hits[:, 0].sum()), count, unit="prompt")
        return structs.replace(share, details={**share.details, **details})
    return Estimate(
        value=float(hits.mean()),
        n=count,
        unit="prompt",
        method="share of prompts, mean over training runs",
        reason="no interval: training runs differ",
        details=details,
    )


def _difference(own: np.ndarray, other: np.ndarray) -> Estimate:
    table = own - other
    if table.shape[1] > 1 and not (table == table[:, :1]).all():
        return structs.replace(stats.crossed_effect(table), p=None)
    gains, losses = int((table[:, 0] > 0).sum()), int((table[:, 0] < 0).sum())
    n = len(table)
    z = normal_quantile((1 + LEVEL) / 2)
    same = not gains and not losses
    return Estimate(
        value=(gains - losses) / n,
        low=None if same else score_bound(gains, losses, n, z),
        high=None if same else score_bound(gains, losses, n, -z),
        n=n,
        unit="prompt",
        method="difference of paired shares, Tango's score interval",
        reason="no interval: no prompt differs in this" if same else "",
        details={"only_arm": gains, "only_reference": losses},
    )
