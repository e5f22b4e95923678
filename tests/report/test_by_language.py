"""Effects by language: which questions count where, and the numbers by hand."""

from __future__ import annotations

import math

import pytest
from scipy import stats as scipy_stats

from mores.report.by_language import LEAST, LanguageRow, by_language, language_among, rows_of
from mores.report.language_tables import language_tables
from mores.report.observed import Observed

GAINS = (0.1, 0.4, 0.3, 0.2, 0.6, 0.2)
"""Mean .3, standard deviation √.032 = .17889 (n - 1)."""


def row(unit, language, gain, *, original="", category="care", base=0.0):
    """A unit on which control has 1, values-targeted 1 + gain, base 1 - base."""
    values = {
        ("values_targeted", 1): 1 + gain,
        ("control", 1): 1.0,
        ("base", 0): 1 - base,
    }
    return LanguageRow(unit, original or unit, language, category, values)


def effects(rows, declared="en"):
    return by_language(rows, declared=declared, measure="stance", model="m", seed=1, unit="pair")


def english():
    return [row(f"e{i}", "en", gain) for i, gain in enumerate(GAINS)]


def spanish():
    return [row(f"s{i}", "es", -gain, base=0.5) for i, gain in enumerate(GAINS)]


def test_each_language_has_its_own_paired_difference():
    en, es = effects([*english(), *spanish()])
    half = scipy_stats.t.ppf(0.975, 5) * math.sqrt(0.032) / math.sqrt(6)
    assert (en.language, en.units, es.language, es.units) == ("en", 6, "es", 6)
    assert (en.control.value, en.control.low, en.control.high) == pytest.approx(
        (0.3, 0.3 - half, 0.3 + half)
    )
    assert en.base.value == pytest.approx(0.3)
    assert (es.control.value, es.control.high) == pytest.approx((-0.3, -0.3 + half))
    assert es.base.value == pytest.approx(0.2)  # -.3 + .5
    for e in (en.control, en.base, es.control, es.base):
        assert (e.verdict, e.p, e.n, e.unit) == ("descriptive", None, 6, "pair")
    assert es.control.contrast == "values_targeted - control"
    assert es.base.details["language"] == "es"


def test_translations_of_one_question_are_one_unit():
    rows = [row(f"s{i}", "es", gain, original=f"e{i}") for i, gain in enumerate(GAINS)]
    # A second translation of the first: its unit is their mean, (.1 + .5) / 2 = .3.
    rows.append(row("s0b", "es", 0.5, original="e0"))
    en, es = effects([*english(), *rows])
    assert (es.units, es.control.n) == (6, 6)
    assert es.control.value == pytest.approx((0.3 + 0.4 + 0.3 + 0.2 + 0.6 + 0.2) / 6)
    assert en.control.value == pytest.approx(0.3)  # the other language's translations are elsewhere


def test_a_language_with_too_few_units_says_so():
    (_, es) = effects([*english(), *spanish()[: LEAST - 1]])
    assert (es.control.value, es.control.verdict) == (None, "not computable")
    assert es.control.reason == (
        "5 pairs in this language, at least 6 are needed: of fewer no difference could be shown"
    )
    assert 2 / 2**LEAST < 0.05 < 2 / 2 ** (LEAST - 1)  # the exact sign-flip p at its smallest


def test_units_without_a_value_in_an_arm_count_as_asked_only():
    rows = [*spanish(), LanguageRow("s9", "s9", "es", "care", {("base", 0): 1.0})]
    (_, es) = effects([*english(), *rows])
    assert (es.units, es.control.n) == (7, 6)


def test_one_language_gives_nothing_and_varieties_are_the_charters():
    assert effects(english()) == []
    assert effects([*english(), row("g", "en-GB", 0.3)]) == []
    assert language_among("pt-BR", "pt") == "pt"
    assert language_among("pt-BR", "en") == "pt-BR"


def test_the_charters_language_comes_first_then_the_tags():
    rows = [row(f"{tag}{i}", tag, g) for tag in ("zh", "ar", "es") for i, g in enumerate(GAINS)]
    assert [e.language for e in effects(rows, "es")] == ["es", "ar", "zh"]


def test_rows_are_means_over_draws_and_know_their_originals():
    observed = [
        Observed("p1", "care", "base", 0, (0.2,)),
        Observed("p1", "care", "base", 0, (0.4,)),
        Observed("p1", "care", "control", 3, (1.0, 2.0)),
        Observed("p1", "care", "values_targeted", 3, ()),
        Observed("gone", "care", "base", 0, (9.0,)),
    ]
    (one,) = rows_of(observed, {"p1": "es"}, {"p1": "t-1"})
    assert (one.unit, one.original, one.language, one.category) == ("p1", "t-1", "es", "care")
    assert one.values == pytest.approx({("base", 0): 0.3, ("control", 3): 1.5})


def test_the_table_shows_both_contrasts_and_why_there_is_none():
    ((title, rows),) = language_tables(effects([*english(), *spanish()[:2]]))
    assert title == "Stance"
    assert rows[0][:4] == ("en", "6", "+0.30", "[0.11, 0.49]")
    assert rows[0][6] == "descriptive"
    assert rows[1][:2] == ("es", "2")
    assert rows[1][6] == "not computable"
    assert rows[1][7].startswith("2 pairs in this language")
