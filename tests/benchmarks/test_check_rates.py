"""docs/check-rates.md says what the rules of `mores check` find now."""

from pathlib import Path

import pytest

from check_faults import FAULTS
from check_rates import EXACT, UNITS, measure_rates, measured_rules, page
from mores.curate.rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "check-rates.md"
MEASURED = ("M101", "M103", "M201", "M405", "M409", "M501", "M505")
"""Rules measured again here; the others take longer."""


def test_every_rule_is_measured():
    assert set(FAULTS) == {rule.id for rule in measured_rules()}
    assert {rule.id for rule in RULES} - set(FAULTS) == {"M407", *EXACT}


@pytest.mark.long
def test_the_published_rates_are_what_is_measured():
    published = PAGE.read_text("utf-8").splitlines()
    rows = page(measure_rates(rules=MEASURED)).splitlines()
    again = [row for row in rows if row.startswith("| M")]
    assert len(again) == sum(len(FAULTS[rule]) + len(UNITS.get(rule, (1,))) for rule in MEASURED)
    assert [row for row in rows if row not in published] == []
    measured = {row.split(" ")[1] for row in published if row.startswith("| M")}
    assert measured == set(FAULTS)
