"""Questions that are meant to be like a training sample: reported apart.

near_training(observed, {"t-care-12"}, "rating", "smollm2-135m", seed=2021)
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from msgspec.structs import replace

from mores.records import Estimate
from mores.report.absent import missing
from mores.report.contrasts import CONTRASTS, PRIMARY, about, with_absent, without
from mores.report.differences import overall
from mores.report.observed import Observed
from mores.report.pairs import Pairs

NAME = "near-training questions"
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
    arms = {o.arm for o in own if o.values}
    found = []
    for number, (arm, reference) in enumerate(CONTRASTS):
        lacking = [a for a in (arm, reference) if a not in arms]
        if not lacking:
            pairs = Pairs.of(own, arm, reference).adjusted()
            # As in `compare`, which draws for the overall difference first.
            lacks = missing(own, arm, reference)
            e = with_absent(overall(pairs, np.random.default_rng([seed, number])), lacks)
            facts = about(model, pairs, lacks, "overall")
            contrast = f"{arm} - {reference}"
            found.append(_bare(replace(e, contrast=contrast, details={**e.details, **facts})))
        elif (arm, reference) == PRIMARY and arms:
            found.append(without(measure, model, lacking))
    return [replace(e, measure=f"{measure}/{NAME}", category="overall") for e in found]


def _bare(e: Estimate) -> Estimate:
    """Without test and verdict; what cannot be computed keeps its reason."""
    if e.verdict == "not computable":
        return e
    return replace(e, verdict="descriptive", scope="", p=None, reason=WHY)
