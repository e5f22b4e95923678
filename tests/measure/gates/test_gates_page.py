"""docs/gates.md says what the rules, the sets and the formula give now."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from gate_rates import error_rates, read_labelled, table
from mores.measure.gates.result import GATES, HARMS
from mores.study import GatesConfig

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "gates.md").read_text("utf-8")
TEXT = " ".join(PAGE.split())
ANSWERS = Path(__file__).parent / "labelled_answers.jsonl"
DATA = ROOT / "src" / "mores" / "measure" / "gates" / "data"


def lines_of(name: str) -> int:
    return len((DATA / f"{name}.jsonl").read_text("utf-8").splitlines())


def test_the_published_error_rates_are_those_of_the_rules_now():
    published = re.search(r"<!-- rates: begin -->\n\n(.*?)\n<!-- rates: end -->", PAGE, re.DOTALL)
    assert published
    assert published[1] == table(error_rates(read_labelled(ANSWERS)))


def test_the_figures_said_of_the_rates_are_in_the_table():
    rows = read_labelled(ANSWERS)
    assert f"{len(rows)} answers were labelled by hand" in TEXT
    rates = {(r.split, r.error): r for r in error_rates(rows)}
    missed = rates["held-out", "refusal (full or partial) missed"]
    assert f"miss {len(missed.ids)} of {missed.rate.n}" in TEXT


def test_counts_and_margins_are_those_of_the_package():
    assert f"{lines_of('safe_prompts')} prompts, written by us" in TEXT
    assert f"{lines_of('harmful_prompts')} requests in general words" in TEXT
    assert f"{lines_of('choices')} questions with two short answers" in TEXT
    config = GatesConfig()
    margins = ("over_refusal", "compliance", "drift", "toxicity", "sentiment", "misalignment")
    for name in (*margins, "sycophancy", "caution", "values"):
        assert f"`{name}_margin`, {getattr(config, f'{name}_margin'):.2f}" in TEXT
    assert f"`most_unscorable` ({100 * config.most_unscorable:g} %)" in TEXT
    assert all(f"| `{gate}` |" in PAGE for gate in (*GATES, *HARMS))
    assert f"{lines_of('misaligned')} open questions" in TEXT
    assert f"{lines_of('facts')} facts" in TEXT
    assert f"{lines_of('neutral')} everyday questions" in TEXT
    assert f"{lines_of('values') // 8} choices for each category" in TEXT


@pytest.mark.parametrize("share", [0.05, 0.10, 0.20, 0.40])
def test_what_a_margin_needs_follows_from_the_formula(share):
    # One-sided 5 % and power .8: (1.645 + .842)², to three digits as on the page.
    factor = (1.645 + 0.842) ** 2 * share
    safe, rest = lines_of("safe_prompts"), lines_of("harmful_prompts")
    assert rest == lines_of("choices")

    def smallest(units: int) -> str:
        return f"{math.sqrt(factor / units):.3f}".removeprefix("0")

    cells = (f"{100 * share:g} %", smallest(safe), smallest(rest), math.ceil(factor / 0.1**2))
    assert f"| {' | '.join(map(str, cells))} |" in PAGE
