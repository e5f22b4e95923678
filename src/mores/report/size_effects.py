"""Values of every size → the differences of one contrast, prompts × sizes × training runs.

effects = size_effects([observed_of_small, observed_of_large], "values_targeted", "control")
effects.values        # severity of raters taken off where they are known
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mores.records import TUNED_ARMS, Arm
from mores.report.observed import Observed
from mores.report.pairs import Pairs


@dataclass(frozen=True)
class SizeEffects:
    """Differences of one contrast: prompts that have one at every size and run."""

    arm: Arm
    reference: Arm
    values: np.ndarray
    """Shape (prompts, sizes, training runs)."""
    categories: tuple[str, ...]
    left_out: int
    seeds: tuple[int, ...]
    """Training runs that all sizes have."""
    pairs: tuple[Pairs, ...]
    """Of each size, with what is known of its raters."""

    @property
    def contrast(self) -> str:
        """As estimates name it."""
        return f"{self.arm} - {self.reference}"

    @property
    def runs(self) -> int:
        """Training runs a size."""
        return int(self.values.shape[2])


def size_effects(
    observed: Sequence[Sequence[Observed]], arm: Arm, reference: Arm
) -> SizeEffects | None:
    """Return the differences, or None where no model has both arms."""
    of_models = [seeds_of([values], arm) for values in observed]
    seeds = sorted(set.intersection(*(s for s in of_models if s))) if any(of_models) else []
    pairs = [
        Pairs.of(
            [o for o in values if _of_run(o, arm, reference, seeds)], arm, reference
        ).adjusted()
        for values in observed
    ]
    if not seeds or not any(one.prompts for one in pairs):
        return None
    return _joined(observed, pairs, arm, reference, tuple(seeds))


def at_worst(
    effects: SizeEffects,
    observed: Sequence[Sequence[Observed]],
    pushes: Sequence[float],
    scale: tuple[float, float],
) -> SizeEffects | None:
    """Return the differences with what is missing at the end of the scale; None if nothing is.

    Args:
        effects: as `size_effects` gives them.
        observed: what they were made from.
        pushes: of each size, below zero where its effect is to be as low as it can be.
        scale: lowest and highest value.
    """
    filled = []
    for values, push in zip(observed, pushes, strict=True):
        ends = scale if push < 0 else scale[::-1]
        end = {effects.arm: ends[0], effects.reference: ends[1]}
        filled.append([_filled(o, end[o.arm]) for o in values if o.arm in end])
    if not any(_lacks(o) for v in observed for o in v if o.arm in (effects.arm, effects.reference)):
        return None
    pairs = [
        Pairs.of(
            [o for o in values if _of_run(o, effects.arm, effects.reference, effects.seeds)],
            effects.arm,
            effects.reference,
        ).shifted(known.shifts)
        for values, known in zip(filled, effects.pairs, strict=True)
    ]
    return _joined(filled, pairs, effects.arm, effects.reference, effects.seeds)


def seeds_of(observed: Iterable[Sequence[Observed]], arm: Arm) -> set[int]:
    """Training runs of an arm that have values."""
    return {o.seed for values in observed for o in values if o.arm == arm and o.values}


def _of_run(o: Observed, arm: Arm, reference: Arm, seeds: Sequence[int]) -> bool:
    """Whether a completion is of the contrast and of a run that all sizes have."""
    return o.arm in (arm, reference) and (o.arm not in TUNED_ARMS or o.seed in seeds)


def _lacks(o: Observed) -> bool:
    return bool(o.cannot) or (o.asked and not o.values)


def _filled(o: Observed, end: float) -> Observed:
    """Each "cannot be rated" becomes a rating at the end of the scale, and so does no value."""
    if not _lacks(o):
        return o
    return replace(o, values=(*o.values, *(end,) * max(o.cannot, int(not o.values))), raters=())


def _joined(
    observed: Sequence[Sequence[Observed]],
    pairs: Sequence[Pairs],
    arm: Arm,
    reference: Arm,
    seeds: tuple[int, ...],
) -> SizeEffects:
    columns = [dict(zip(one.prompts, one.table, strict=True)) for one in pairs]
    category = {o.prompt_id: o.category for values in observed for o in values}
    prompts = [p for p in category if all(p in column for column in columns)]
    values = np.array([[column[p] for column in columns] for p in prompts])
    return SizeEffects(
        arm,
        reference,
        # Rounded, so that equal effects are ties for the ranks and not what arithmetic leaves.
        values.reshape(len(prompts), len(columns), len(seeds)).round(12),
        tuple(category[p] for p in prompts),
        len(category) - len(prompts),
        seeds,
        tuple(pairs),
    )
