"""A category is claimed by its own raters: their number, and how they differ in what they see."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.stats import binom

from mores.records import Estimate
from mores.report import contrasts
from mores.report.contrasts import CONTRAST, compare
from mores.report.observed import Observed
from mores.report.pairs import Pairs
from mores.report.verdicts import NOT_ONE_OF, ZERO, with_other_raters

CUTS = (-1.2, -0.4, 0.4, 1.2)
ARMS = ("control", "values_targeted")
CATEGORIES = 8


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrasts, "sizes_of", lambda *_: [])
    monkeypatch.setattr(sys.modules["mores.stats.sign_flip"], "PERMUTATIONS", 1000)


def study(
    rng: np.random.Generator, raters: int, effects: list[float], *, taste: float, prompts: int = 30
) -> list[Observed]:
    """Raters of each category its own, who differ between the arms by ``taste``."""
    rows = []
    for k, effect in enumerate(effects):
        own, harsh = rng.normal(0, taste, raters), rng.normal(0, 0.3, raters)
        for p in range(prompts):
            mood = rng.normal(0, 0.6)
            for arm in (0, 1):
                latent = mood + rng.normal(0, 0.4) + arm * effect + harsh + arm * own
                y = latent + rng.normal(0, 0.4, raters)
                rows.append(
                    Observed(
                        f"{k}-{p}", f"c{k}", ARMS[arm], 1, tuple(1.0 + np.searchsorted(CUTS, y)),
                        tuple(f"r{k}{j}" for j in range(raters)),
                    )
                )  # fmt: skip
    return rows


def differences(rows: list[Observed], seed: int = 1) -> list[Estimate]:
    found = compare(rows, measure="rating", model="m", better="higher", seed=seed)
    return [e for e in found if (e.measure, e.contrast) == ("rating", CONTRAST)]


def test_two_raters_of_a_category_give_it_no_verdict() -> None:
    first, *rest = differences(study(np.random.default_rng(1), 2, [1.5] * CATEGORIES, taste=0.0))
    assert (first.category, first.verdict) == ("overall", "shown")  # 16 raters
    assert {e.verdict for e in rest} == {"descriptive"}
    assert "a verdict needs 3" not in first.reason
    assert all("2 raters rated both arms: a verdict needs 3" in e.reason for e in rest)
    assert all(e.p is None and e.p_adjusted is None for e in rest)


def test_a_category_without_an_effect_is_claimed_of_its_own_raters_only() -> None:
    """Three raters a category (24 in all), SD .3, four of eight without an effect: 24 %."""
    false = 0
    for seed in range(60):
        rows = study(np.random.default_rng([seed, 6]), 3, [0.0] * 4 + [0.8] * 4, taste=0.3)
        false += any(
            e.verdict in ("shown", "worse") and "by these raters" not in e.scope
            for e in differences(rows, seed)
            if e.category in ("c0", "c1", "c2", "c3")
        )
    assert false <= binom.ppf(0.999, 60, 0.05)


def test_why_it_is_by_these_raters_is_true() -> None:
    """That "the interval holds zero" was said of 26 intervals, none of which did."""
    reasons = set()
    for seed in range(6):
        rows = study(np.random.default_rng([seed, 7]), 4, [0.8] * CATEGORIES, taste=0.4)
        pairs = Pairs.of(rows, *ARMS[::-1]).adjusted()
        for e in differences(rows, seed):
            if e.category == "overall" or "by these raters" not in e.scope:
                continue
            other = with_other_raters(e, pairs.within(e.category))
            if other.low <= 0.0 <= other.high:
                assert ZERO in e.reason
                reasons.add("zero")
            else:
                assert other.p * CATEGORIES >= 0.05
                p = f"{other.p:.3f}".lstrip("0")
                assert NOT_ONE_OF.format(p=p, tests=CATEGORIES) in e.reason
                assert ZERO not in e.reason
                reasons.add("one of several")
    assert reasons == {"zero", "one of several"}


def test_a_category_keeps_the_severity_that_all_ratings_tell() -> None:
    rng = np.random.default_rng(3)
    rows = study(rng, 4, [0.5, 0.5], taste=0.0, prompts=10)
    fewer = [  # two raters leave the control arm of the first category alone, now and then
        Observed(o.prompt_id, o.category, o.arm, o.seed, o.values[2:], o.raters[2:])
        if o.arm == "control" and o.prompt_id in ("0-1", "0-2", "0-3") else o
        for o in rows
    ]  # fmt: skip
    pairs = Pairs.of(fewer, *ARMS[::-1]).adjusted()
    part = pairs.within("c0")
    assert part.prompts == tuple(f"0-{p}" for p in range(10))
    assert part.differences == pytest.approx(pairs.differences[:10])
    assert (part.raters.raters, pairs.raters.raters) == (4, 8)
    assert part.left_out("c0") == 0
