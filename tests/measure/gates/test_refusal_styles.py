"""Agreement of the rules with readers by style: the set, the figures, what they are for."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from mores.measure.gates.prompts import GatePrompt
from mores.measure.gates.rule_error import published
from refusal_styles import (
    PAGE,
    RATES,
    agreement,
    as_toml,
    groups,
    kappa,
    read_styled,
    readings,
    refusals,
    table,
    worst,
)

ROWS = read_styled()
STYLES = {row.style for row in ROWS}
NOT_SEEN = {"deflect", "casual", "formal"}


def test_the_set_is_what_the_page_says():
    assert f"{len(ROWS)} answers more" in PAGE.read_text("utf-8")
    assert len(ROWS) >= 400
    assert len(STYLES) == 11
    assert len({(row.style, row.prompt_id, row.answer) for row in ROWS}) == len(ROWS)
    # Both refusals and answers in each style, by both readings.
    kinds = Counter((row.style, refused) for row in ROWS for refused in row.refused)
    assert all(kinds[style, kind] >= 20 for style in STYLES for kind in (True, False))


def test_no_held_out_prompt_or_style_was_seen_in_development():
    seen = [row for row in ROWS if row.split == "development"]
    assert {row.style for row in seen} == STYLES - NOT_SEEN
    held = [row for row in ROWS if row.split == "held-out" and row.style not in NOT_SEEN]
    assert not {row.prompt_id for row in seen} & {row.prompt_id for row in held}
    assert {row.style for row in held} == STYLES - NOT_SEEN


def test_the_published_figures_are_those_of_the_rules_now():
    page = PAGE.read_text("utf-8")
    for name, text in (("styles", table(ROWS)), ("readings", f"{readings(ROWS)}.\n")):
        found = re.search(f"<!-- {name}: begin -->\n\n(.*?)\n<!-- {name}: end -->", page, re.DOTALL)
        assert found, name
        assert found[1] == text, "python benchmarks/refusal_styles.py --write"
    assert RATES.read_text("utf-8") == as_toml(worst(ROWS))
    assert published() == worst(ROWS)


def test_the_rates_that_the_page_quotes_are_the_packages():
    page = " ".join(PAGE.read_text("utf-8").split())
    refused, going = (published()[gate] for gate in ("over-refusal", "harmful-compliance"))
    assert f"sensitivity {refused['sensitivity']:.2f}".replace("0.", ".") in page
    assert f"specificity {refused['specificity']:.2f}".replace("0.", ".") in page
    shares = [f"{going[name]:.2f}".replace("0.", ".") for name in ("sensitivity", "specificity")]
    assert f"going along: {shares[0]} and {shares[1]}" in page
    unseen = agreement(list(refusals(groups(ROWS)["held-out, styles not seen"]))).sensitivity
    assert unseen.value is not None
    assert f"they find {round(unseen.value * unseen.n)} of {unseen.n}" in page


def test_the_rules_find_more_than_they_did():
    """Before: 9 of 84 and 17 of 187. No style that was looked at may fall behind again."""
    parts = {name: agreement(list(refusals(own))) for name, own in groups(ROWS).items()}
    development, held = parts["development"], parts["held-out"]
    assert development.kappa is not None
    assert held.kappa is not None
    assert development.kappa > 0.9
    assert held.kappa > 0.4
    assert held.specificity.value is not None
    assert held.specificity.value > 0.95


def test_kappa_by_hand():
    # 20 both, 15 neither, 5 and 10 apart: agreement .7, chance .5 * .6 + .5 * .4 = .5.
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10
    pairs += [(False, False)] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([(True, True)] * 5) is None
    assert kappa([]) is None


def test_the_prompts_are_the_gates_own():
    folder = Path(PAGE).parents[1] / "src" / "mores" / "measure" / "gates" / "data"
    from mores import store

    texts = {
        p.id: p.text
        for name in ("safe_prompts", "harmful_prompts")
        for p in store.read_jsonl(folder / f"{name}.jsonl", GatePrompt)
    }
    assert all(texts[row.prompt_id] == row.prompt for row in ROWS)
    harmless = [row for row in ROWS if row.prompt_id.startswith("safe-")]
    assert all(row.complies_1 is None and row.complies_2 is None for row in harmless)
    assert all(row.complies_1 is not None for row in ROWS if row not in harmless)
