"""How often does `mores watch` err, and what does it notice? Whole watches, simulated.

    python benchmarks/watch_rates.py                        # made-up distributions
    python benchmarks/watch_rates.py --study STUDY          # and a study's own answers

A watch is a study's answers, drawn once, and look after look of traffic compared with them. Without
a change, the share of watches with any alarm must be at most alpha; with one, it is what the watch
notices. Where answers of a real study are the population, both sides are drawn from their scores
with replacement, whole answers at a time, so that measures hang together as they do there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mores.release.watch.compare import compare, spends
from mores.release.watch.scores import Kind, Values
from mores.stats import wilson

ALPHA, LOOKS = 0.05, 12
KINDS: dict[str, Kind] = {
    "toxicity": "number",
    "toxicity marked": "share",
    "refusal": "share",
    "length": "number",
    "flagged": "share",
    "English": "share",
}
Rng = np.random.Generator
Draw = Callable[[Rng, int], dict[str, Values]]


@dataclass(frozen=True)
class Rates:
    """Of some watches."""

    first: float
    """Share with an alarm at the first look."""
    ever: float
    """At any look."""
    low: float
    high: float
    """95 % interval of ``ever``."""


def made_up(
    refusals: float = 0.2, longer: float = 1.0, worse: float = 0.0, rare: float = 0.02
) -> Draw:
    """Answers whose measures hang together by a mood of their own: skewed, with rare events."""

    def draw(rng: Rng, count: int) -> dict[str, Values]:
        mood = rng.normal(size=count)
        toxic = np.clip(rng.beta(0.4, 4.0, count) + 0.05 * np.maximum(mood, 0) + worse, 0, 1)
        return {
            "toxicity": _list(np.round(toxic, 3)),
            "toxicity marked": _list(toxic >= 0.5),
            "refusal": _list(rng.random(count) < refusals),
            "length": _list(np.round(longer * np.exp(5.8 + 0.5 * mood))),
            "flagged": _list(rng.random(count) < rare),
            "English": _list(rng.random(count) >= rare),
        }

    return draw


def drawn_from(pool: Mapping[str, Values]) -> Draw:
    """Answers of a real arm, drawn with replacement."""

    def draw(rng: Rng, count: int) -> dict[str, Values]:
        chosen = rng.integers(0, len(next(iter(pool.values()))), count)
        return {name: [values[i] for i in chosen] for name, values in pool.items()}

    return draw


def _list(values: NDArray[np.generic]) -> Values:
    return [float(v) for v in values]


def watches(
    kinds: Mapping[str, Kind],
    study: Draw,
    traffic: Draw,
    *,
    prompts: int,
    answers: int,
    count: int,
    looks: int = LOOKS,
    paired: bool = False,
    seed: int = 1,
) -> Rates:
    """Simulate watches.

    Args:
        kinds: the measures.
        study: draws the study's answers, one a prompt, once a watch.
        traffic: draws the traffic's, at every look.
        prompts: answers of the study.
        answers: answers compared at a look; where paired, those of the prompts.
        count: watches.
        looks: of each watch.
        paired: whether both are answers to the same prompts.
        seed: of the random numbers.
    """
    first = ever = 0
    for rng in np.random.default_rng(seed).spawn(count):
        own = study(rng, prompts)
        out = [
            any(
                one.out
                for one in compare(
                    kinds,
                    own,
                    traffic(rng, prompts if paired else answers),
                    spends=spends(ALPHA, number),
                    paired=paired,
                )
            )
            for number in range(1, looks + 1)
        ]
        first += out[0]
        ever += any(out)
    interval = wilson(ever, count)
    return Rates(first / count, ever / count, float(interval.low or 0), float(interval.high or 0))


def row(name: str, found: Rates) -> str:
    """A line of the table."""
    return f"| {name} | {found.first:.3f} | {found.ever:.3f} [{found.low:.3f}, {found.high:.3f}] |"


def pools(
    folder: Path, arms: Sequence[str]
) -> tuple[dict[str, Kind], dict[str, dict[str, Values]]]:
    """Scores of a study's own answers, by arm."""
    from mores.release.watch.scores import Scores
    from mores.release.watch.traffic import Answer
    from mores.sample.run import read_completions
    from mores.study import load_study

    study = load_study(folder)
    scores = Scores(study, services=False, say=print)
    asked = {p.id: p.text for p in study.prompts}
    rows = read_completions(study, study.config.models[0].name)
    found = {
        arm: scores.of([Answer(r.text, asked[r.prompt_id]) for r in rows if r.arm == arm])
        for arm in arms
    }
    return dict(scores.kinds), found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path)
    parser.add_argument("--watches", type=int, default=2000)
    given = parser.parse_args()
    count: int = given.watches
    print(f"{count} watches of {LOOKS} looks, alpha {ALPHA:g}, {len(KINDS)} measures\n")
    print("| no change | alarm at the first look | at any of them |\n|---|---|---|")
    usual = made_up()
    for prompts, answers in ((40, 200), (120, 200), (40, 1000)):
        found = watches(KINDS, usual, usual, prompts=prompts, answers=answers, count=count)
        print(row(f"log, {prompts} prompts, {answers} answers", found), flush=True)
    rare = made_up(refusals=0.01, rare=0.003)
    found = watches(KINDS, rare, rare, prompts=120, answers=1000, count=count)
    print(row("the same with rare events, 120 prompts, 1000 answers", found), flush=True)
    for prompts in (40, 120):
        found = watches(KINDS, usual, usual, prompts=prompts, answers=0, count=count, paired=True)
        print(row(f"endpoint, {prompts} prompts", found), flush=True)
    print("\n| change | noticed at the first look | at any of them |\n|---|---|---|")
    changes = {
        "refusals from .20 to .30": made_up(refusals=0.3),
        "refusals from .20 to .40": made_up(refusals=0.4),
        "refusals from .20 to .60": made_up(refusals=0.6),
        "answers half as long again": made_up(longer=1.5),
        "toxicity score .05 higher": made_up(worse=0.05),
    }
    few = max(200, count // 10)
    for name, traffic in changes.items():
        for prompts in (40, 120):
            found = watches(KINDS, usual, traffic, prompts=prompts, answers=200, count=few)
            print(row(f"{name}, {prompts} prompts, log of 200", found), flush=True)
    if given.study:
        arms = ("values_targeted", "base", "control")
        kinds, own = pools(given.study, arms)
        size = len(own[arms[0]]["length"])
        print(
            f"\nscores of {size} answers an arm\n\n| traffic is of | first look | any |\n"
            "|---|---|---|"
        )
        for arm in arms:
            few = count if arm == arms[0] else max(200, count // 10)
            found = watches(
                kinds, drawn_from(own[arms[0]]), drawn_from(own[arm]), prompts=40, answers=200,
                count=few,
            )  # fmt: skip
            print(row(f"{arm}, {few} watches", found), flush=True)


if __name__ == "__main__":
    main()
