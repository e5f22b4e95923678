"""Questions that are meant to be like a training sample: reported apart.

near_training(observed, {"t-care-12"}, "rating", "smollm2-135m", seed=2021)
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from mores.records import Estimate
from mores.report.contrasts import compare
from mores.report.observed import Observed
from mores.report.verdicts import better_of

WHY = "few questions, each like a training sample: what was learned by heart shows here first"


def near_training(
    observed: Sequence[Observed], near: Collection[str], measure: str, model: str, seed: int
) -> list[Estimate]:
    """Return the overall difference of each contrast on these questions alone, without a verdict.

    Args:
        observed: values of all completions.
        near: ids of the questions.
        measure: its name.
        model: base model.
        seed: of permutations.
    """
    own = [o for o in observed if o.prompt_id in near]
    if not own:
        return []
    found = compare(own, measure=measure, model=model, better=better_of(measure), seed=seed)
    return [
        replace(
            e,
            measure=f"{measure}/near-training questions",
            verdict=e.verdict if e.verdict == "not computable" else "descriptive",
            scope="",
            p=None,
            reason=e.reason if e.verdict == "not computable" else WHY,
        )
        for e in found
        if e.category == "overall" and e.measure == measure
    ]
