"""The same positions asked in several languages → what the tune changed in each.

    rows = rows_of(observed, languages, originals)
    by_language(rows, declared="en", measure="stance", model="smollm2-135m", seed=2021)

A study may be tuned in one language and asked in others: prompts and stance pairs that say which
they are in, and their translations. Every language is estimated by itself. Of a language, what asks
the same (has one original) is one cluster, so that two translations of a prompt count as one unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from mores.records import Arm, Estimate, Prompt, Record, StancePair
from mores.report.differences import METHOD, overall
from mores.report.observed import Observed
from mores.report.pairs import Pairs
from mores.stats.inputs import not_computable
from mores.study import Study
from mores.study.languages import primary

CONTRASTS: tuple[tuple[Arm, Arm], ...] = (
    ("values_targeted", "control"),
    ("values_targeted", "base"),
)
LEAST = 6
"""Units below which no difference could be shown: of five, the exact p is 2/2⁵ = .0625 at least."""
FEW = "{n} in this language, at least {least} are needed: of fewer no difference could be shown"


class LanguageRow(NamedTuple):
    """What the arms made of one prompt or pair."""

    unit: str
    """Id of the prompt, pair or variant."""
    original: str
    """Id of what it asks the same as; its own id where it is no variant."""
    language: str
    category: str
    values: Mapping[tuple[Arm, int], float]
    """Arm and training run → mean of its values; what has none is left out."""


class Tongues(NamedTuple):
    """Which language each question of a study is in."""

    of: dict[str, str]
    """Id of a test prompt or pair → its tag."""
    declared: str
    """The charter's."""
    apart: frozenset[str]
    """Ids of what is in another language than the charter's: in no other difference."""


def tongues(study: Study) -> Tongues:
    """Return the languages of a study's test prompts and pairs."""
    asked: list[Prompt | StancePair] = [*study.chosen_prompts, *study.pairs("test")]
    of, declared = {r.id: study.language_of(r) for r in asked}, study.charter.language
    apart = (name for name, tag in of.items() if language_among(tag, declared) != declared)
    return Tongues(of, declared, frozenset(apart))


class LanguageEffect(Record, frozen=True, kw_only=True):
    """One measure in one language."""

    model: str
    measure: str
    language: str
    units: int
    """Different questions that were asked, with or without a value."""
    control: Estimate
    """values-targeted - control."""
    base: Estimate
    """values-targeted - base."""


def language_among(language: str, declared: str) -> str:
    """Return the charter's tag for its varieties (``en-GB`` in a study in ``en``), else its own."""
    return declared if primary(language) == primary(declared) else language


def rows_of(
    observed: Sequence[Observed],
    languages: Mapping[str, str],
    originals: Mapping[str, str] | None = None,
) -> list[LanguageRow]:
    """Sum up values by prompt, arm and training run.

    Args:
        observed: completions or pairs with their values; those without one too.
        languages: id of the prompt or pair → its language; others are left out.
        originals: id of a variant → id of what it varies.
    """
    found: dict[str, tuple[str, dict[tuple[Arm, int], list[float]]]] = {}
    for o in observed:
        _, values = found.setdefault(o.prompt_id, (o.category, {}))
        if o.values:
            values.setdefault((o.arm, o.seed), []).append(o.mean)
    return [
        LanguageRow(
            unit,
            (originals or {}).get(unit, unit),
            languages[unit],
            category,
            {key: float(np.mean(own)) for key, own in values.items()},
        )
        for unit, (category, values) in found.items()
        if unit in languages  # a question that the study has no more is in no difference
    ]


def by_language(
    rows: Sequence[LanguageRow], *, declared: str, measure: str, model: str, seed: int, unit: str
) -> list[LanguageEffect]:
    """Estimate each language by itself, the charter's first, then by their tags; no verdicts.

    Args:
        rows: of one model and measure, at most one a prompt or pair.
        declared: the charter's language.
        measure: name that the estimates carry.
        model: base model.
        seed: of permutations.
        unit: what a row is, ``prompt`` or ``pair``.

    Returns:
        One effect a language; none where all rows are in the charter's. An estimate of fewer than
        `LEAST` units is "not computable" and says so.
    """
    of: dict[str, list[LanguageRow]] = {}
    for row in rows:
        of.setdefault(language_among(row.language, declared), []).append(row)
    if not set(of) - {declared}:
        return []
    return [
        LanguageEffect(
            model=model,
            measure=measure,
            language=language,
            units=len({row.original for row in of[language]}),
            control=_estimate(of[language], 0, measure, model, seed, unit),
            base=_estimate(of[language], 1, measure, model, seed, unit),
        )
        for language in sorted(of, key=lambda tag: (tag != declared, tag))
    ]


def _estimate(
    rows: Sequence[LanguageRow], number: int, measure: str, model: str, seed: int, unit: str
) -> Estimate:
    arm, reference = CONTRASTS[number]
    observed = [
        Observed(row.original, row.category, arm_, run, (value,))
        for row in rows
        for (arm_, run), value in row.values.items()
    ]
    pairs = Pairs.of(observed, arm, reference)
    n = len(pairs.prompts)
    if n < LEAST:
        e = not_computable(FEW.format(n=_many(n, unit), least=LEAST), n=n, unit=unit, method=METHOD)
    else:
        e = overall(pairs, np.random.default_rng([seed, number]))
    return replace(
        e,
        measure=measure,
        contrast=f"{arm} - {reference}",
        category="overall",
        unit=unit,
        p=None,
        verdict="not computable" if e.low is None else "descriptive",
        reason=e.reason or ("" if e.low is not None else "no interval"),
        details={**e.details, "model": model, "language": rows[0].language},
    )


def _many(n: int, unit: str) -> str:
    return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
