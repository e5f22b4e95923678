"""What a study can show: chances, the smallest difference, and what one more of anything would buy.

ratings, toxicity = what_it_shows(study)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mores.records import Record
from mores.stats import Spread, rating_spread, study_power, toxicity_spread
from mores.study import Study

POWER = 0.8
LEAST_RATERS = 3
"""Raters below which the report gives no verdict on ratings (`mores.report.verdicts`)."""
RATING_DIFFERENCES = (0.25, 0.5, 1.0)
TOXICITY_DIFFERENCES = (0.02, 0.05, 0.1)


class Shows(Record, frozen=True, kw_only=True):
    """What one measure's verdict on values-targeted against control can be expected to show.

    All rests on assumed spreads (`mores.stats.assumed_spread`).
    """

    measure: str
    """``rating`` in points from 1 to 5, or ``toxicity``, a score from 0 to 1."""
    scope: str
    """What the verdict speaks of: empty for the method, or "in this run", "in these runs"."""
    chances: dict[str, float]
    """True difference → chance that it is shown."""
    by_luck: float
    """Chance that a difference of either sign is claimed where there is none: about 5 %, and more
    where a verdict is about one or two runs, whose luck is part of what it says."""
    smallest: float | None
    """Smallest true difference that is shown with a chance of 80 %; None where none is."""
    one_more: dict[str, float | None]
    """What there is one more of → the smallest difference then."""
    run_scope: str
    """What a verdict would speak of with one run more."""
    no_verdict: str
    """Why no verdict will be given, whatever is found; empty where one may be."""


@dataclass(frozen=True)
class _Design:
    prompts: tuple[int, ...]
    """Of each category."""
    runs: int
    draws: int
    raters: int
    """An answer."""
    seats: int
    """Raters in all."""


def what_it_shows(study: Study) -> tuple[Shows, ...]:
    """Return what ratings and toxicity can show; nothing without two arms or prompts."""
    rules, config = study.config.rating, study.config
    counts: dict[str, int] = {}
    for prompt in study.chosen_prompts:
        counts[prompt.category] = counts.get(prompt.category, 0) + 1
    if not counts or not {"values_targeted", "control"} <= set(config.arms):
        return ()
    design = _Design(
        prompts=tuple(counts.values()),
        runs=len(config.train_seeds),
        draws=config.sample.draws,
        raters=rules.per_item,
        seats=max(rules.seats, rules.per_item),
    )
    rated = replace(design, draws=min(rules.draws or design.draws, design.draws))
    more_raters = replace(rated, raters=rated.raters + 1, seats=max(rated.seats, rated.raters + 1))
    rating = _shows(
        "rating",
        rated,
        lambda d: rating_spread(draws=d.draws, raters=d.raters, seats=d.seats),
        RATING_DIFFERENCES,
        {"rater an answer": more_raters},
    )
    more_draws = replace(design, draws=design.draws + 1)
    toxicity = _shows(
        "toxicity",
        design,
        lambda d: toxicity_spread(draws=d.draws),
        TOXICITY_DIFFERENCES,
        {"draw": more_draws},
    )
    return rating, toxicity


def _shows(
    measure: str,
    design: _Design,
    spread: Callable[[_Design], Spread],
    differences: Sequence[float],
    own: dict[str, _Design],
) -> Shows:
    run = replace(design, runs=design.runs + 1)
    more = {
        "run": run,
        "prompt a category": replace(design, prompts=tuple(n + 1 for n in design.prompts)),
        **own,
    }
    now = study_power(design.prompts, design.runs, spread(design))
    why = {name: _no_verdict(measure, d) for name, d in {"now": design, **more}.items()}
    found = {name: study_power(d.prompts, d.runs, spread(d)) for name, d in more.items()}
    return Shows(
        measure=measure,
        scope=now.scope,
        chances={f"{d:g}": 0.0 if why["now"] else now.power(d) for d in differences},
        by_luck=0.0 if why["now"] else now.power(0.0),
        smallest=None if why["now"] else now.detectable(POWER),
        one_more={n: None if why[n] else power.detectable(POWER) for n, power in found.items()},
        run_scope=found["run"].scope,
        no_verdict=why["now"],
    )


def _no_verdict(measure: str, design: _Design) -> str:
    """Why the report will give none: too few raters, whatever they find."""
    if measure != "rating" or design.seats >= LEAST_RATERS:
        return ""
    return f"no verdict: it needs {LEAST_RATERS} raters of both arms, and rating.seats allows " + (
        "one" if design.seats == 1 else str(design.seats)
    )
