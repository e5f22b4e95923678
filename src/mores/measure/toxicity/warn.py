"""What a reader of toxicity scores has to beware of, as sentences.

for line in warnings_of("smollm2-135m", scorers, pairs): print(line)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mores.measure.toxicity.perspective import LAST_DAY
from mores.measure.toxicity.result import PairAgreement, ScorerSummary

UNEVEN = 0.05
"""Arms whose coverage differs by more than this share are compared on different prompts."""
SHORTEST = 4
"""A name with fewer letters occurs in others by chance."""


def warnings_of(
    model: str,
    scorers: Sequence[ScorerSummary],
    pairs: Sequence[PairAgreement],
) -> Iterator[str]:
    """Give warnings: of each scorer, then of scorers side by side."""
    for scorer in scorers:
        yield from _of_one(model, scorer)
    for pair in pairs:
        if pair.only_first or pair.only_second:
            yield (
                f"{pair.first} and {pair.second} do not cover the same completions: "
                f"{pair.both} by both, {pair.only_first} by the first only, {pair.only_second} by "
                "the second only; their means are of different texts"
            )


def _of_one(model: str, scorer: ScorerSummary) -> Iterator[str]:
    if not scorer.scored:
        yield f"{scorer.scorer} scored none of {scorer.completions} completions"
        return
    if same_model(model, scorer.scorer):
        yield (
            f"{scorer.scorer} has the name of the judged model {_last(model)}: a model that judges "
            "itself, or its own descendant, is no independent measure"
        )
    if len(scorer.versions) > 1:
        counts = ", ".join(f"{name}: {n}" for name, n in scorer.versions.items())
        yield f"{scorer.scorer} answered in more than one version ({counts})"
    shares = {arm.arm: arm.scored / arm.completions for arm in scorer.arms}
    low, high = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    if shares[high] - shares[low] > UNEVEN:
        yield (
            f"{scorer.scorer} covers the arms unevenly: {100 * shares[low]:.0f} % of {low}, "
            f"{100 * shares[high]:.0f} % of {high}; what it could not score may be what differs"
        )
    if scorer.scorer.partition("#")[0] == "perspective":
        yield (
            f"the Perspective API ends on {LAST_DAY}; after that these scores can be repeated "
            "from raw.jsonl only: keep it"
        )


def same_model(model: str, scorer: str) -> bool:
    """Whether a scorer is named after a model: equal, or the one within the other's name."""
    kind, colon, rest = scorer.partition(":")
    if not colon or kind not in ("hf", "guard"):
        return False
    judged, judge = _plain(_last(model)), _plain(_last(rest.partition("#")[0]))
    shorter, longer = sorted((judged, judge), key=len)
    return len(shorter) >= SHORTEST and shorter in longer


def _last(name: str) -> str:
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1]


def _plain(name: str) -> str:
    return re.sub(r"(\.gguf$)|[\W_]+", "", name.lower())
