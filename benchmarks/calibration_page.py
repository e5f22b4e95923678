"""Rates of a calibration → the page docs/calibration.md."""

from __future__ import annotations

import math
import os
import platform
import textwrap
import time
from collections.abc import Sequence
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

    def __str__(self) -> str:
        return f"{100 * self.share:.1f} % ± {100 * self.error:.1f}"


@dataclass(frozen=True)
class Row:
    """One design of one section."""

    section: str
    name: str
    rates: list[Rate]
    predicted: float | None = None

    def __getitem__(self, what: str) -> str:
        return next((str(r) for r in self.rates if r.what == what), "")

    @property
    def of_method(self) -> bool:
        """Three training runs or more, by the number at the start of the name."""
        return self.name.split(",")[0].split()[0] in ("3", "5")

    def rate(self, what: str) -> Rate | None:
        """The rate of one thing, where it was computed."""
        return next((r for r in self.rates if r.what == what), None)


HEAD = """\
# Calibration

Do the report's verdicts err as rarely as they say, and do its intervals hold the truth as often
as they claim? {studies:,} simulated studies a design (fewer of what takes long), each through the
functions that the report itself calls. Made by `make calibration` on {date}
({machine}, {minutes} minutes).
± is the 95 % error of the simulation itself.

The ratings are drawn from a latent scale with assumed spreads (prompt 0.6, prompt by arm 0.5,
draw 0.5, rater 0.3, rest 0.7; three of six raters an answer) and cut into 1 to 5. Training runs
differ by the SD given, on the same scale: no study has published it, and it decides what one run
is worth. With other spreads power changes; the error rates should not.

**In short.**
{short}

"""
INTRO = {
    "null": """\
## No effect: what is claimed?

A claim is "shown" or "worse". *Of the method* is one that is printed without "in this run", "in
these runs" or "by these raters"; it is to be wrong in at most 5 % ± 1. *Of these* is one that
says so: it is about the weights or raters at hand, which do differ where runs or raters differ,
and says nothing of others. The interval is the overall difference's; of one or two runs it is
about these runs. The t test takes every rating as if it stood alone, as a reader does who puts
ratings into a spreadsheet.
""",
    "wrong": """\
## No effect, and something wrong with the ratings

8 × 15 prompts and one run where no other number is given. Where answers are missing for what
they say, the interval is of what was rated, and the report prints bounds beside it. Drift with
control answers first: raters become milder or harsher between the arms, which nothing in the
ratings tells from the arms. The rating app draws the order at random; imported ratings are as
good as theirs.
""",
    "many": """\
## Many contrasts

Five arms without any difference: five contrasts, each overall and in eight categories. *Any
claim* is one in at least one of them.
""",
    "disasters": """\
## Rare disasters

Equal mean toxicity, but 2 % of the values answers are far worse (+0.6) and the rest a little
better, one run: "shown" means that the rest hides them.
""",
    "effect": """\
## An effect: how often is it shown?

Beside it, what `mores plan` predicts (claims "in this run" included).
""",
    "sizes": """\
## Three model sizes with the same effect

Number of training runs a size. A trend or slope that is claimed is wrong here.
""",
    "capability": """\
## Capability

2,000 items, 12 % answered differently, margin .02; runs whose losses differ by the SD given. At
the margin, *non-inferior* is to be claimed in at most 5 %; with one or two runs it says "in this
run".
""",
    "gates": """\
## Gates

200 prompts, 20 % answered differently, harm at the margin of .10: *pass* is to be said in at
most 5 % (with one or two runs "in this run").
""",
    "judges": """\
## A judge beside people

People rate 40 of 120 prompts, a judge all, no difference between arms: how often is p of the
sharpened difference below .05? With one or two runs it says "in this run only".
""",
    "agreement": """\
## Agreement

Alpha's interval is for these raters and other prompts. It is no interval for other raters.
""",
    "shares": "## Shares\n",
}
COLUMNS = {
    "null": (
        "claimed",
        "claimed of these",
        "interval holds",
        "superiority's holds",
        "category's holds",
        "t test on ratings",
    ),
    "wrong": ("claimed", "claimed of these", "interval holds", "t test on ratings"),
    "many": ("any claim", "any claim of these"),
    "effect": ("shown", "interval holds", "category's holds"),
}
"""Section → rates in this order; other sections show all that they have."""
OTHERS = (
    ("sizes", "a trend is claimed", "a trend over sizes that is none is claimed"),
    ("sizes", "a slope is claimed", "a slope over sizes that is none is claimed"),
    ("capability", "non-inferior", "a loss of the margin's size is non-inferior"),
    ("gates", "pass", "a harm of the margin's size passes a gate"),
    ("judges", "p < .05", "a judge's sharpened difference that is none has p below .05"),
)
"""Section, rate and words of what stands in short beside ratings."""
TITLES = {
    "claimed": "claimed of the method",
    "claimed of these": "claimed of these runs or raters",
    "t test on ratings": "t test on all ratings",
    "any claim": "any claim of the method",
    "any claim of these": "any claim at all",
}


def page_text(rows: Sequence[Row], studies: int, seconds: float, cores: int) -> str:
    """Return the page.

    Args:
        rows: all designs.
        studies: simulated studies a design.
        seconds: how long it took.
        cores: on how many.
    """
    of = f"{cores} of {os.cpu_count()} cores"
    head = HEAD.format(
        studies=studies,
        date=time.strftime("%Y-%m-%d"),
        machine=f"{of}, {platform.machine()}, Python {platform.python_version()}",
        minutes=round(seconds / 60),
        short=in_short(rows),
    )
    return head + "\n".join(
        INTRO[section] + "\n" + _table([r for r in rows if r.section == section], section)
        for section in dict.fromkeys(row.section for row in rows)
    )


def in_short(rows: Sequence[Row]) -> str:
    """The figures that the README may quote: the worst row of each kind."""
    said = []
    of_ratings = [r for r in rows if r.section in ("null", "wrong")]
    if worst := _worst(of_ratings, "claimed"):
        said.append(
            "Without an effect, a claim of the method came in at most "
            f"{worst[1]} of studies ({worst[0].name})"
        )
    if worst := _worst([r for r in rows if r.section == "null"], "claimed of these"):
        said.append(f'a claim "in this run" in up to {worst[1]} ({worst[0].name})')
    if worst := _worst(of_ratings, "t test on ratings"):
        said.append(f"a t test on all ratings claims in up to {worst[1]} ({worst[0].name})")
    for section, what, words in OTHERS:
        own = [r for r in rows if r.section == section and r.of_method and "loss 0 " not in r.name]
        if worst := _worst(own, what):
            said.append(f"with three runs or more, {words} in at most {worst[1]}")
    return "\n".join(textwrap.wrap("; ".join(said) + ".", 97))


def _worst(rows: Sequence[Row], what: str) -> tuple[Row, Rate] | None:
    found = [(row, rate) for row in rows if (rate := row.rate(what)) is not None]
    return max(found, key=lambda pair: pair[1].share, default=None)


def _table(rows: Sequence[Row], section: str) -> str:
    every = dict.fromkeys(r.what for row in rows for r in row.rates)
    columns = COLUMNS.get(section, tuple(every))
    plan = any(row.predicted is not None for row in rows)
    titles = ["", *(TITLES.get(c, c) for c in columns), *(["predicted"] if plan else [])]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for row in rows:
        last = [] if row.predicted is None else [f"{100 * row.predicted:.0f} %"]
        lines.append("| " + " | ".join([row.name, *(row[c] for c in columns), *last]) + " |")
    return "\n".join(lines) + "\n"
