"""Rates of a calibration → the page docs/calibration.md."""

from __future__ import annotations

import math
import os
import platform
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """How often something happened."""

    what: str
    share: float
    n: int

    @property
    def error(self) -> float:
        """Half of the 95 % interval of the simulation itself."""
        return 1.96 * math.sqrt(max(self.share * (1 - self.share), 0.25 / self.n) / self.n)


HEAD = """\
# Calibration

Do the report's verdicts err as rarely as they say, and do its intervals hold the truth as often as
they claim? {runs:,} simulated studies a design, each through the functions that the report itself
calls. Made by `make calibration` on {date} ({machine},
"""

NULL_HEAD = """\

The ratings are drawn from a latent scale with assumed spreads (prompt 0.6, prompt by arm 0.5, draw
0.5, rater 0.3, rest 0.7) and cut into 1 to 5. With other spreads power changes; the error rates
should not.

## No effect: how often is one claimed?

False "shown" is to be at most 5 % ± 1. "Either" adds "worse", the claim of the other sign, as the
two tests on the right count both. "Any category" is such a claim in at least one of eight.

| design | shown | either | any category | t test on ratings | Mann-Whitney on them |
|---|---|---|---|---|---|
"""

EFFECT_HEAD = """\

The two tests on the right treat every rating as if it stood alone, which is what a reader gets who
puts the ratings into a spreadsheet. With three training runs whose results differ, claims of either
sign come somewhat more often than 5 %: the spread between runs has two degrees of freedom, and
Satterthwaite's formula overrates it when it happens to be estimated small. Five runs are better.

## An effect: how often is it shown?

| design | shown | worse (the wrong sign) | predicted by `mores plan` |
|---|---|---|---|
"""

ALPHA_NOTE = (
    "Alpha's interval is over completions, for the raters at hand; the truth that it is held",
    "against is that of new raters, too, so it holds it less often than it says.",
)
TAIL = """\

At the margin, non-inferiority may be claimed in at most 5 % of cases: that is what its one-sided
95 % bound says.
"""


def page_text(
    found: dict[str, list[Rate]],
    powers: dict[str, float],
    names: tuple[list[str], list[str]],
    runs: int,
    seconds: float,
) -> str:
    """Return the page.

    Args:
        found: rates by design.
        powers: what `mores plan` predicts for designs with an effect.
        names: designs without and with an effect.
        runs: studies a design.
        seconds: how long it took.
    """
    null, effect = names
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = HEAD.format(runs=runs, date=time.strftime("%Y-%m-%d"), machine=machine).splitlines()
    lines += [f"{seconds / 60:.0f} minutes).", *NULL_HEAD.splitlines()]
    for design in null:
        by = {rate.what: rate for rate in found[design]}
        claimed = by["shown"].share + by["worse"].share
        cells = [
            _percent(by["shown"]),
            _percent(Rate("", claimed, by["shown"].n)),
            _percent(by["category shown"]),
            _percent(by["naive t"]),
            _percent(by["naive Mann-Whitney"]),
        ]
        lines.append(f"| {design} | " + " | ".join(cells) + " |")
    lines += EFFECT_HEAD.splitlines()
    for design in effect:
        by = {rate.what: rate for rate in found[design]}
        predicted = f"{100 * powers[design]:.0f} %"
        lines.append(
            f"| {design} | {_percent(by['shown'])} | {_percent(by['worse'])} | {predicted} |"
        )
    lines += ["", "## Intervals: how often is the truth inside?", "", "Nominal: 95 %.", ""]
    lines += ["| design | interval | inside |", "|---|---|---|"]
    for design in (*null, *effect):
        for rate in found[design]:
            if rate.what.startswith("covered "):
                what = rate.what.removeprefix("covered ")
                lines.append(f"| {design} | {what} | {_percent(rate)} |")
    for rate in found["shares and agreement"]:
        lines.append(f"| | {rate.what} | {_percent(rate)} |")
    lines += [
        "",
        *ALPHA_NOTE,
        "",
        "## Capability",
        "",
        "1,500 items, 12 % answered differently, margin 2 points.",
        "",
    ]
    lines += ["| | share |", "|---|---|"]
    for rate in found["capability, 1,500 items, margin 2 points"]:
        lines.append(f"| {rate.what} | {_percent(rate)} |")
    lines += TAIL.splitlines()
    return "\n".join(lines) + "\n"


def _percent(rate: Rate) -> str:
    return f"{100 * rate.share:.1f} % ± {100 * rate.error:.1f}"
