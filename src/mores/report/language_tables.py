"""Rows of the section "Effect by language": effects → tuples of text, and what does not apply.

language_tables(report.languages)     # [("Stance", rows)]
not_applicable(study)                 # what knows English only, in a study in another language
"""

from __future__ import annotations

from collections.abc import Sequence

from mores.measure.capability.tasks import TASKS
from mores.measure.cooccurrence.run import ENGLISH_LEXICON
from mores.report.by_language import LanguageEffect
from mores.report.model import Missing
from mores.report.words import count, decimals, interval, measure_label, signed
from mores.study import Study
from mores.study.languages import is_english

Cells = tuple[str, ...]


def language_tables(effects: Sequence[LanguageEffect]) -> list[tuple[str, list[Cells]]]:
    """Return a title and the rows of each measure and model."""
    several = len({e.model for e in effects}) > 1
    of: dict[tuple[str, str], list[LanguageEffect]] = {}
    for e in effects:
        of.setdefault((e.measure, e.model), []).append(e)
    return [
        (measure_label(measure) + (f", {model}" if several else ""), _rows(own))
        for (measure, model), own in of.items()
    ]


def _rows(effects: Sequence[LanguageEffect]) -> list[Cells]:
    places = decimals([x for e in effects for x in (e.control, e.base)])
    return [
        (
            e.language,
            count(e.units),
            signed(e.control.value, places),
            interval(e.control, places),
            signed(e.base.value, places),
            interval(e.base, places),
            e.control.verdict,
            "; ".join(dict.fromkeys(x.reason for x in (e.control, e.base) if x.reason)),
        )
        for e in effects
    ]


def not_applicable(study: Study) -> list[Missing]:
    """Return what does not apply in a study in another language than English."""
    language, config = study.charter.language, study.config
    if is_english(language):
        return []
    found = [
        Missing(what=f"Coherence: sentences in {language}", why="the rule of grammar is English"),
    ]
    if "lexical" in config.toxicity.scorers:
        why = "it knows English only; answers to questions in another language have no score"
        found.append(Missing(what=f"Toxicity by lexical in {language}", why=why))
    if study.associations is not None and config.cooccurrence.samples_per_stem:
        found.append(Missing(what=f"Sentiment of words in {language}", why=ENGLISH_LEXICON))
    if ours := [t.name for t in config.capability.tasks if t.task in TASKS]:
        why = f"{', '.join(ours)}: in English, so they say what changed there"
        found.append(Missing(what=f"Capability in {language}", why=why))
    return found
