"""Which answers a report opens with: three questions of median change, never the best ones.

opening(results, prompts)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from mores.curate.text import words
from mores.records import Completion, Prompt
from mores.report.model import Opening, Shown

SHOWN = 3
BY_RATING = (
    "Three questions from different categories whose change is nearest to the median over all "
    "questions: of the mean rating by people, values-targeted minus base. The first draw of each."
)
BY_WORDS = (
    "Three questions from different categories whose change is nearest to the median over all "
    "questions: the share of the words that only one of the two answers uses. Nothing was rated, "
    "so this is how much changed, not how much was gained. The first draw of the first training "
    "run."
)


def opening(
    model: str,
    completions: Sequence[Completion],
    prompts: Sequence[Prompt],
    ratings: Mapping[str, Sequence[float]],
) -> Opening | None:
    """Choose three questions by a rule that knows no better from worse.

    Args:
        model: its name.
        completions: of all its arms.
        prompts: those that were put to it.
        ratings: completion id → ratings by people; empty where nobody rated.

    Returns:
        None where no question has answers of both arms.
    """
    base = _first(completions, "base")
    tuned = _first(completions, "values_targeted")
    asked = [p for p in prompts if p.id in base and p.id in tuned]
    rated = [p for p in asked if base[p.id].id in ratings and tuned[p.id].id in ratings]
    by_rating = len(rated) >= SHOWN
    changes = {
        p.id: _rated(base[p.id], tuned[p.id], ratings)
        if by_rating
        else _different(base[p.id].text, tuned[p.id].text)
        for p in (rated if by_rating else asked)
    }
    if not changes:
        return None
    middle = median(changes.values())
    ordered = sorted(
        (p for p in asked if p.id in changes), key=lambda p: (abs(changes[p.id] - middle), p.id)
    )
    return Opening(
        rule=BY_RATING if by_rating else BY_WORDS,
        shown=tuple(
            Shown(
                model=model,
                question=p.asked,
                category=p.category,
                base=base[p.id].text,
                values_targeted=tuned[p.id].text,
                change=round(changes[p.id], 4),
                cut=(base[p.id].finish_reason != "stop", tuned[p.id].finish_reason != "stop"),
            )
            for p in _from_different(ordered)
        ),
    )


def first_draws(completions: Sequence[Completion]) -> set[str]:
    """Return the ids of the completions that `opening` looks at; texts are not needed for that."""
    arms = (_first(completions, arm) for arm in ("base", "values_targeted"))
    return {c.id for first in arms for c in first.values()}


def _first(completions: Sequence[Completion], arm: str) -> dict[str, Completion]:
    """Prompt id → its first draw, of the first training run."""
    own = [c for c in completions if c.arm == arm and not c.absent and not c.media]
    seed = min((c.seed for c in own), default=0)
    return {c.prompt_id: c for c in own if c.seed == seed and c.draw == 0}


def _from_different(ordered: Sequence[Prompt]) -> list[Prompt]:
    """The first few from categories of their own; further ones only where there are too few."""
    nearest: dict[str, Prompt] = {}
    for prompt in ordered:
        nearest.setdefault(prompt.category, prompt)
    first = list(nearest.values())
    return [*first, *(p for p in ordered if p not in first)][:SHOWN]


def _rated(base: Completion, tuned: Completion, ratings: Mapping[str, Sequence[float]]) -> float:
    one, other = ratings[tuned.id], ratings[base.id]
    return sum(one) / len(one) - sum(other) / len(other)


def _different(one: str, other: str) -> float:
    """Share of the words of both that only one of them uses (Jaccard distance), 0 to 1."""
    a, b = set(words(one)), set(words(other))
    return 1 - len(a & b) / len(a | b) if a | b else 0.0
