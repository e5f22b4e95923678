"""Recall and false alarms of every rule of `mores check` on the seeded corpus.

python benchmarks/check_rates.py > docs/check-rates.md
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from check_corpus import Draft, clean_study
from check_faults import FAULTS, Plant, paraphrases
from mores.curate.lint.rule import Rule
from mores.curate.lint.subject import Subject
from mores.curate.rules import RULES
from mores.curate.similarity import QUESTION_THRESHOLD, question_similarity
from mores.curate.text import words
from mores.stats import wilson

SEED = 2026
TRIALS = 20
"""Studies with a planted fault, for each kind of fault."""
CLEAN = 40
"""Studies without a planted fault."""
GRADES = ("light", "reworded", "free")
THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65)
INFORMATION = ("M407",)
"""Rules that report a number and never a fault."""
ELSEWHERE = ("M408", "M409")
"""Rules that look at what the seeded studies do not have: a model, stance pairs."""

DATE = "2026-11-26"
COMMAND = "python benchmarks/check_rates.py"

HEAD = """# How good are the rules of `mores check`?

Measured, not promised: each rule on studies that a seeded generator makes, with and without
planted faults. This page is the output of `{command}` (seed {seed}, {date}); a
test measures part of it again and fails when a number differs.

- **Recall**: {trials} studies for each kind of fault, one fault planted in each. A fault counts as
  found if the rule names every record that holds it (both of a pair).
- **False alarms**: {clean} studies with nothing planted; the share of texts (or, for rules about a
  file, of studies) that the rule names all the same. Intervals are 95 % (Wilson).
- Each study has 40 values samples, 40 control samples of the same lengths and 36 prompts on four
  neutral subjects, filled templates with numbers, dates, times, accents and short abbreviations in
  them as hard cases.

What this does not show: templates are not prose. Questions made from the same template look more
alike than people's questions do, so M202 and M212 fire here more often than on written samples (in
our own example study all 51,200 pairs of a sample with a prompt or a stance pair are under 0.47,
where 0.50 is the threshold, and no rule of this page fires on it). And recall is that of *these*
faults, which were thought up by the people who wrote the rules: a leak in entirely other words is
missed, as the table says, and so is what nobody thought of. Only a reader finds it.
"""

TAIL = """M407 (classifier) gives a number and never a fault, so it has no rates. M408
(foreign-text) asks the study's models and M409 (pair-form) looks at stance pairs: the seeded
studies have neither, and the rates of these two have not been measured. The checks of the
suppressions (M001 to M003) are exact.
"""


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
    can = tuple(rule for rule in RULES if rule.id not in (*INFORMATION, *ELSEWHERE))
    return tuple(rule for rule in can if only is None or rule.id in only)


def _recalls(seed: int, trials: int, only: Collection[str] | None) -> Iterator[Recall]:
    for rule in measured_rules(only):
        number = int(rule.id[1:])
        for kind, (fault, plant) in enumerate(FAULTS[rule.id].items()):
            named = sum(
                _is_found(
                    rule,
                    plant,
                    _clean(seed, trial).copy(),
                    np.random.default_rng([seed, 1, number, kind, trial]),
                )
                for trial in range(trials)
            )
            yield Recall(rule.id, fault, trials, named)


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
    with_prompts = rule.id in ("M102", "M103", "M201", "M202", "M503")
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


# docs/check-rates.md -----------------------------------------------------------------------------


def page(rates: Rates, *, date: str = DATE) -> str:
    """Return the page as Markdown."""
    head = HEAD.format(
        command=COMMAND, seed=rates.seed, date=date, trials=rates.trials, clean=rates.clean
    )
    tables = (_recall_table(rates), _alarm_table(rates), _threshold_table(rates))
    return "\n".join([head, *(line for table in tables for line in (*table, "")), TAIL])


def _recall_table(rates: Rates) -> list[str]:
    names = {rule.id: rule.name for rule in measured_rules()}
    return [
        "## Recall",
        "",
        "| rule | planted fault | found | recall | 95 % interval |",
        "|---|---|---:|---:|---|",
        *(
            f"| {r.rule} {names[r.rule]} | {r.fault} | {r.found} of {r.planted} | "
            f"{r.found / r.planted:.0%} | {_interval(r.found, r.planted)} |"
            for r in rates.recall
        ),
    ]


def _alarm_table(rates: Rates) -> list[str]:
    names = {rule.id: rule.name for rule in measured_rules()}
    return [
        "## False alarms",
        "",
        "| rule | named without a fault | rate | 95 % interval |",
        "|---|---:|---:|---|",
        *(
            f"| {r.rule} {names[r.rule]} | {r.fired:,} of {r.checked:,} {r.unit} | "
            f"{r.fired / r.checked:.1%} | {_interval(r.fired, r.checked)} |"
            for r in rates.false_alarms
        ),
    ]


def _interval(successes: int, n: int) -> str:
    estimate = wilson(successes, n)
    return f"{estimate.low or 0.0:.1%} to {estimate.high or 0.0:.1%}"


def _threshold_table(rates: Rates) -> list[str]:
    return [
        "## The threshold of M212",
        "",
        "Cosine of idf-weighted word stems. Recall on 36 pairs of question and paraphrase (12 of",
        "each grade, `check_paraphrases.jsonl`); last column: clean samples that are named in",
        "vain. The threshold was chosen on this table, so its recall is no independent estimate.",
        "",
        "| threshold | lightly edited | same words, other sentence | other words | clean samples |",
        "|---:|---:|---:|---:|---:|",
        *(
            f"| {t.threshold:.2f}{' (used)' if t.threshold == QUESTION_THRESHOLD else ''} | "
            + " | ".join(f"{t.recall[grade]:.0%}" for grade in GRADES)
            + f" | {t.samples:.1%} |"
            for t in rates.thresholds
        ),
    ]


if __name__ == "__main__":
    sys.stdout.write(page(measure_rates()))
