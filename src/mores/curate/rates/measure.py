"""Recall and false alarms of every rule on the seeded corpus.

Takes a seed, gives counts; `page` turns them into docs/check-rates.md.

    rates = measure_rates(seed=2026)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mores.curate.lint.rule import Rule
from mores.curate.lint.subject import Subject
from mores.curate.rates.corpus import Draft, clean_study
from mores.curate.rates.faults import FAULTS, Plant, paraphrases
from mores.curate.rules import RULES
from mores.curate.similarity import question_similarity
from mores.curate.text import words

SEED = 2026
TRIALS = 20
"""Studies with a planted fault, for each kind of fault."""
CLEAN = 40
"""Studies without a planted fault."""
GRADES = ("light", "reworded", "free")
THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65)
INFORMATION = ("M407",)
"""Rules that report a number and never a fault."""


@dataclass(frozen=True)
class Recall:
    """How often one rule found one kind of fault."""

    rule: str
    fault: str
    planted: int
    found: int


@dataclass(frozen=True)
class FalseAlarms:
    """How often one rule fired where nothing was planted."""

    rule: str
    unit: str
    """``texts`` for rules about a record, ``studies`` for rules about a file."""
    checked: int
    fired: int


@dataclass(frozen=True)
class Threshold:
    """What M212 would find and name in vain at another threshold."""

    threshold: float
    recall: dict[str, float]
    """Grade of paraphrase → share of pairs at or above the threshold."""
    samples: float
    """Share of clean samples that are as similar to some prompt."""


@dataclass(frozen=True)
class Rates:
    """The result of `measure_rates`."""

    seed: int
    trials: int
    clean: int
    recall: tuple[Recall, ...]
    false_alarms: tuple[FalseAlarms, ...]
    thresholds: tuple[Threshold, ...]


def measure_rates(
    *,
    seed: int = SEED,
    trials: int = TRIALS,
    clean: int = CLEAN,
    rules: Collection[str] | None = None,
) -> Rates:
    """Plant every kind of fault in `trials` studies and check `clean` studies without one.

    Args:
        seed: seed of the corpus.
        trials: studies for each kind of fault.
        clean: studies without a fault.
        rules: ids of the rules to measure, None for all; the others' numbers
            do not depend on it.
    """
    return Rates(
        seed=seed,
        trials=trials,
        clean=clean,
        recall=tuple(_recalls(seed, trials, rules)),
        false_alarms=tuple(_false_alarms(seed, clean, rules)),
        thresholds=_thresholds(seed, clean),
    )


def measured_rules(only: Collection[str] | None = None) -> tuple[Rule, ...]:
    """Return the built-in rules that can be right or wrong, all or those named."""
    can = tuple(rule for rule in RULES if rule.id not in INFORMATION)
    return tuple(rule for rule in can if only is None or rule.id in only)


def _recalls(seed: int, trials: int, only: Collection[str] | None) -> Iterator[Recall]:
    for rule in measured_rules(only):
        number = int(rule.id[1:])
        for kind, (fault, plant) in enumerate(FAULTS[rule.id].items()):
            found = sum(
                _is_found(
                    rule,
                    plant,
                    _clean(seed, trial).copy(),
                    np.random.default_rng([seed, 1, number, kind, trial]),
                )
                for trial in range(trials)
            )
            yield Recall(rule.id, fault, trials, found)


@lru_cache(maxsize=CLEAN)
def _clean(seed: int, trial: int) -> Draft:
    """Return one of the clean studies, in which faults are planted too (in a copy)."""
    return clean_study(np.random.default_rng([seed, 0, trial]))


def _is_found(rule: Rule, plant: Plant, draft: Draft, rng: np.random.Generator) -> bool:
    """Plant one fault and say whether the rule names every record that holds it."""
    ids = plant(draft, rng)
    return any(ids <= set(finding.ids) for finding in rule.find(draft.subject()))


def _false_alarms(seed: int, clean: int, only: Collection[str] | None) -> Iterator[FalseAlarms]:
    rules = measured_rules(only)
    fired = dict.fromkeys((rule.id for rule in rules), 0)
    checked = dict(fired)
    for trial in range(clean):
        subject = _clean(seed, trial).subject()
        for rule in rules:
            n, total = _fired(rule, subject)
            fired[rule.id] += n
            checked[rule.id] += total
    for rule in rules:
        yield FalseAlarms(rule.id, _unit(rule), checked[rule.id], fired[rule.id])


def _fired(rule: Rule, subject: Subject) -> tuple[int, int]:
    """Return (units that the rule names, units that it looks at)."""
    findings = list(rule.find(subject))
    if _unit(rule) == "studies":
        return int(bool(findings)), 1
    # The first id is the record that the finding stands at.
    return len({finding.ids[0] for finding in findings}), len(_looked_at(rule, subject))


def _looked_at(rule: Rule, subject: Subject) -> tuple[object, ...]:
    with_prompts = rule.id in ("M102", "M201", "M202", "M503")
    return subject.items if with_prompts else subject.samples


def _unit(rule: Rule) -> str:
    whole = rule.id[1] in "34" or rule.id == "M502"
    return "studies" if whole else "texts"


# M212 at other thresholds ------------------------------------------------------------------------


def _thresholds(seed: int, clean: int) -> tuple[Threshold, ...]:
    """Compare every paraphrase with its question, and clean samples with clean prompts.

    All stand in one study, since a stem's weight depends on the whole study.
    """
    alike: dict[str, list[float]] = {grade: [] for grade in GRADES}
    others: list[float] = []
    for trial in range(clean):
        subject = _clean(seed, trial).subject()
        asked = [item.question_words for item in subject.samples]
        prompts = [item.question_words for item in subject.prompts]
        others += question_similarity(asked, prompts).max(axis=1).tolist()
        for grade, values in alike.items():
            pairs = [(words(a), words(b)) for a, b in paraphrases(grade)]
            table = question_similarity(
                [*asked, *(a for a, _ in pairs)], [*prompts, *(b for _, b in pairs)]
            )
            values += np.diagonal(table[len(asked) :, len(prompts) :]).tolist()
    return tuple(
        Threshold(t, {grade: _share(alike[grade], t) for grade in GRADES}, _share(others, t))
        for t in THRESHOLDS
    )


def _share(values: list[float], threshold: float) -> float:
    return sum(value >= threshold for value in values) / len(values)
