"""Rates of a calibration → the page docs/calibration.md."""

from __future__ import annotations

import math
import os
import platform
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass

from calibration_words import HEAD, INTRO


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
FALSE = {
    "null": ("claimed",),
    "wrong": ("claimed",),
    "many": ("any claim",),
    "categories": ("a null category is claimed",),
    "sizes": ("a trend is claimed", "a slope is claimed"),
    "disasters": ("shown of the method, though means are equal",),
}
"""Section → rates of claims that are false and speak of the method: no "in this run", no "by these
raters"."""
LET_THROUGH = {"capability": "non-inferior", "gates": "pass"}
"""Section → verdicts that let a loss or harm of the margin's size through, three runs or more."""
TITLES = {
    "claimed": "claimed of the method",
    "claimed of these": "claimed of these runs or raters",
    "t test on ratings": "t test on all ratings",
    "any claim": "any claim of the method",
    "a null category is claimed": "a null category is claimed of the method",
    "a null category is claimed of these": "a null category is claimed at all",
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


def false_claims(rows: Sequence[Row]) -> list[tuple[Row, Rate]]:
    """Every rate of false claims of the method."""
    return [
        (row, rate)
        for row in rows
        for what in FALSE.get(row.section, ())
        if (rate := row.rate(what)) is not None
    ]


def let_through(rows: Sequence[Row]) -> list[tuple[Row, Rate]]:
    """Every rate at which a loss or harm that is too large is let through, of the method."""
    return [
        (row, rate)
        for row in rows
        if row.of_method and "loss 0 " not in row.name
        if (rate := row.rate(LET_THROUGH.get(row.section, ""))) is not None
    ]


def in_short(rows: Sequence[Row]) -> str:
    """The figures that may be quoted: the worst row of each kind."""
    said = []
    if worst := _most(false_claims(rows)):
        said.append(
            'Without an effect, a claim of the method (no "in this run", no "by these raters") '
            f"came in at most {worst[1]} of studies of any design here ({_place(worst[0])})"
        )
    if worst := _worst([r for r in rows if r.section == "null"], "claimed of these"):
        said.append(f'a claim "in this run" in up to {worst[1]} ({worst[0].name})')
    of_ratings = [r for r in rows if r.section in ("null", "wrong")]
    if worst := _worst(of_ratings, "t test on ratings"):
        said.append(f"a t test on all ratings claims in up to {worst[1]} ({worst[0].name})")
    if worst := _most(let_through(rows)):
        said.append(
            "with three runs or more, a loss or harm as large as its margin, or larger, is let "
            f"through in at most {worst[1]} ({_place(worst[0])})"
        )
    if worst := _worst([r for r in rows if r.section == "judges" and r.of_method], "p < .05"):
        said.append(
            "with three runs or more, a judge's sharpened difference that is none has p below .05 "
            f"in at most {worst[1]}"
        )
    return "\n".join(textwrap.wrap("; ".join(said) + ".", 97))


START, END = "<!-- calibration: written by `make calibration` -->", "<!-- end -->"


def renewed(text: str, rows: Sequence[Row], date: str) -> str:
    """Return the README with the sentences between its marks made from these rows."""
    before, _, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"expected the marks {START} and {END}")
    return f"{before}{START}\n{readme_text(rows, date)}\n{END}{after}"


def readme_text(rows: Sequence[Row], date: str) -> str:
    """What the README says of the calibration: the worst of all designs."""
    claims, lost = _most(false_claims(rows)), _most(let_through(rows))
    lucky = [
        rate.share
        for row in rows
        if row.section == "null" and row.name.startswith("one run, runs differ")
        if (rate := row.rate("claimed of these")) is not None
    ]
    naive = _worst([r for r in rows if r.section in ("null", "wrong")], "t test on ratings")
    assert claims
    assert lost
    assert lucky
    assert naive
    said = (
        "Where there is no effect, one of either sign was claimed in at most "
        f"{claims[1]} of simulated studies (the worst of {len(false_claims(rows))} figures: "
        f"{_place(claims[0])}); with three runs or more a loss or harm as large as its margin was "
        f"let through in at most {lost[1]}. One run cannot know how far runs lie apart: where they "
        f"do, studies claimed an effect in {100 * min(lucky):.0f} to {100 * max(lucky):.0f} %, "
        'which is why its verdicts read "in this run". A t test that takes every rating as '
        f"independent claimed one in up to {100 * naive[1].share:.0f} % "
        f"([calibration](docs/calibration.md), {date})."
    )
    return "\n".join(textwrap.wrap(said, 105))


def _place(row: Row) -> str:
    return f"{PLACES[row.section]}: {row.name}" if row.section in PLACES else row.name


PLACES = {
    "sizes": "three sizes, training runs a size",
    "capability": "capability, runs",
    "gates": "gates, runs",
    "categories": "categories",
    "disasters": "rare disasters",
}
"""Section → what its rows are about, where their names do not say so."""


def _worst(rows: Sequence[Row], what: str) -> tuple[Row, Rate] | None:
    return _most([(row, rate) for row in rows if (rate := row.rate(what)) is not None])


def _most(found: Sequence[tuple[Row, Rate]]) -> tuple[Row, Rate] | None:
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
