"""Coherence items → how each arm's answers read, and whether a loss of it can be excluded.

summary, estimates = coherence_results("smollm2-135m", completions, items, margin=0.1)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from mores import stats
from mores.measure.coherence.item import CoherenceItem
from mores.records import TUNED_ARMS, Completion, Estimate
from mores.report.model import CoherenceArm, CoherenceSummary
from mores.study import ArmKey

ONE_RUN = "one training run"


def coherence_results(
    model: str,
    completions: Sequence[Completion],
    items: Mapping[str, CoherenceItem],
    *,
    margin: float,
) -> tuple[CoherenceSummary, list[Estimate]]:
    """Sum up the arms, and compare each tuned one with base.

    The unit is the prompt: the share of its answers that can be read, arm minus base, crossed with
    training runs; non-inferior where a loss of ``margin`` is excluded.

    Args:
        model: its name.
        completions: of all its arms.
        items: completion id → its mark and loss; of every completion.
        margin: largest acceptable rise of the share of marked answers.
    """
    keys = dict.fromkeys(ArmKey(c.arm, c.seed) for c in completions)
    arms = tuple(_arm(key, _of(completions, key), items) for key in keys)
    estimates = [
        _change(model, completions, items, arm, margin)
        for arm in TUNED_ARMS
        if any(c.arm == arm for c in completions)
    ]
    return CoherenceSummary(model=model, margin=margin, arms=arms), estimates


def _of(completions: Sequence[Completion], key: ArmKey) -> list[Completion]:
    return [c for c in completions if (c.arm, c.seed) == (key.arm, key.seed)]


def _arm(
    key: ArmKey, answers: Sequence[Completion], items: Mapping[str, CoherenceItem]
) -> CoherenceArm:
    own = [items[c.id] for c in answers]
    losses = [i.base_loss for i in own if i.base_loss is not None]
    return CoherenceArm(
        arm=key.name,
        answers=len(own),
        marks=dict(sorted(Counter(i.mark for i in own if i.mark).items())),
        base_loss=float(np.mean(losses)) if losses else None,
    )


def _change(
    model: str,
    completions: Sequence[Completion],
    items: Mapping[str, CoherenceItem],
    arm: str,
    margin: float,
) -> Estimate:
    readable: dict[tuple[str, str, int], list[float]] = {}
    for c in completions:
        readable.setdefault((c.prompt_id, c.arm, c.seed), []).append(float(not items[c.id].mark))
    shares = {cell: float(np.mean(values)) for cell, values in readable.items()}
    seeds = sorted({c.seed for c in completions if c.arm == arm})
    prompts = [
        p for p in dict.fromkeys(c.prompt_id for c in completions) if (p, "base", 0) in shares
    ]
    table = [
        [shares[p, arm, s] - shares[p, "base", 0] for s in seeds]
        for p in prompts
        if all((p, arm, s) in shares for s in seeds)
    ]
    found = stats.non_inferiority(
        np.array(table, dtype=float).reshape(len(table), len(seeds)), margin, unit="prompt"
    )
    reasons = (found.reason, ONE_RUN if len(seeds) == 1 else "")
    return replace(
        found,
        measure="coherence",
        contrast=f"{arm} - base",
        category="overall",
        reason="; ".join(filter(None, reasons)),
        details={**found.details, "model": model, "seeds": len(seeds)},
    )
