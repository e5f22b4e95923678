"""Recall and false alarms of every rule of `mores check` on the seeded corpus.

python benchmarks/check_rates.py > docs/check-rates.md
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from check_corpus import Draft, Row, clean_study
from check_faults import FAULTS, Plant, paraphrases
from mores.curate.foreign import Foreign, Loss, Text, as_foreign, losses_of, neutral_answers
from mores.curate.lint.rule import Rule
from mores.curate.lint.subject import Subject
from mores.curate.rules import RULES
from mores.curate.similarity import QUESTION_THRESHOLD, question_similarity
from mores.curate.text import words
from mores.records import Finding
from mores.stats import wilson
from mores.store import read_rows

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

SEED = 2026
TRIALS = 20
"""Studies with a planted fault, for each kind of fault."""
CLEAN = 40
"""Studies without a planted fault."""
GRADES = ("light", "reworded", "free")
THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65)
INFORMATION = ("M407",)
"""Rules that report a number and never a fault."""
EXACT = ("M213", "M506", "M507", "M508", "M509", "M510", "M511")
"""Rules that compare words or digests, look whether somebody is named, or ask another rule (M511:
M503): they have no rate of their own."""
ASKED, MODEL, FORM = "M408", "smollm2-135m", "chat"
"""The rule that asks a model, and which one is asked."""
ASKED_STUDIES, ASKED_ANSWERS = 10, 5
"""Studies whose answers the model reads, and answers of each set in them: reading takes long."""
EXAMPLE = Path(__file__).parents[1] / "examples" / "wellbeing"
"""Prose: the templates are foreign to a model as they are."""
PAIRED = "M409"
"""The rule that looks at stance pairs. Others see none: their rates are of samples and prompts."""
UNITS = {ASKED: ("texts", "studies"), PAIRED: ("pairs", "studies")}
"""Rules about records and about whole files, which are counted apart."""

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
- Each study has 40 values samples, 40 control samples of the same lengths, 36 prompts and 20 stance
  pairs (which M409 alone is shown) on four neutral subjects, filled templates with numbers, dates,
  times, accents and short abbreviations in them as hard cases.

What this does not show: templates are not prose. Questions made from the same template look more
alike than people's questions do, so M202 and M212 fire here more often than on written samples (in
our own example study all 51,200 pairs of a sample with a prompt or a stance pair are under 0.47,
where 0.50 is the threshold, and no rule of this page fires on it). And recall is that of *these*
faults, which were thought up by the people who wrote the rules: a leak in entirely other words is
missed, as the table says, and so is what nobody thought of. Only a reader finds it.
"""

TAIL = """M407 (classifier) gives a number and never a fault, so it has no rates. M408
(foreign-text) asks SmolLM2-135M-Instruct about 10 answers of our example study at a time, 10 times:
to that model the templates are foreign, every one of 100 answers. Its thresholds were chosen on
that study's text, too, so its false alarms are no independent estimate. M408 and M409 (pair-form)
name records and whole files, which are counted apart. Every false alarm of M409 about a file comes
from its classifier of form, which calls an AUC telling from two standard errors on. The checks of
the suppressions (M001 to M003) are exact, and so are those of signatures and of who answers for a
position (M506 to M510): they compare digests and look whether a name is there. Of variants, M213
compares words and M511 looks as M503 does.
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
    """``texts`` or ``pairs`` for rules about a record, ``studies`` for rules about a file."""
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
    can = tuple(rule for rule in RULES if rule.id not in (*INFORMATION, *EXACT))
    return tuple(rule for rule in can if only is None or rule.id in only)


def _recalls(seed: int, trials: int, only: Collection[str] | None) -> Iterator[Recall]:
    for rule in measured_rules(only):
        number = int(rule.id[1:])
        trials_here = min(trials, ASKED_STUDIES) if rule.id == ASKED else trials
        for kind, (fault, plant) in enumerate(FAULTS[rule.id].items()):
            named = sum(
                _is_found(
                    rule,
                    plant,
                    _draft(rule, seed, trial),
                    np.random.default_rng([seed, 1, number, kind, trial]),
                )
                for trial in range(trials_here)
            )
            yield Recall(rule.id, fault, trials_here, named)


@lru_cache(maxsize=CLEAN)
def _clean(seed: int, trial: int) -> Draft:
    """Return one of the clean studies, in which faults are planted too (in a copy)."""
    return clean_study(np.random.default_rng([seed, 0, trial]))


def _draft(rule: Rule, seed: int, trial: int) -> Draft:
    """A copy of a clean study, with samples of our example where a model is to read them."""
    draft = _clean(seed, trial).copy()
    if rule.id == ASKED:
        own = slice(ASKED_ANSWERS * trial, ASKED_ANSWERS * (trial + 1))
        draft.values, draft.control = (
            [dict(rows[i]) for i in np.random.default_rng([seed, 2]).permutation(len(rows))[own]]
            for rows in (_example("values"), _example("control"))
        )
    return draft


@cache
def _example(name: str) -> list[Row]:
    return [row for _, row in read_rows(EXAMPLE / f"{name}.jsonl")]


def _is_found(rule: Rule, plant: Plant, draft: Draft, rng: np.random.Generator) -> bool:
    """Plant one fault and say whether the rule names every record that holds it."""
    ids = plant(draft, rng)
    findings = _faults(rule, _subject(rule, draft))
    if not ids and rule.id in UNITS:  # a fault of a file, which a finding about a record misses
        return any(not found.ids for found in findings)
    return any(ids <= set(found.ids) for found in findings)


def _subject(rule: Rule, draft: Draft) -> Subject:
    """What a rule sees of a study."""
    subject = draft.subject(pairs=rule.id == PAIRED)
    if rule.id != ASKED:
        return subject
    own = [(i.id, i.question, i.answer) for i in subject.samples]
    return replace(subject, foreign=(_foreign(own),))


def _faults(rule: Rule, subject: Subject) -> list[Finding]:
    """What a rule finds, without what M408 and M409 only measured."""
    measures = rule.id in UNITS
    return [f for f in rule.find(subject) if not (measures and f.severity == "info")]


@cache
def _model() -> LoadedModel:
    from mores.weights.load import load
    from mores.weights.resolve import resolve

    return load(resolve(MODEL))


_losses: dict[Text, Loss] = {}
"""What the model has read already."""


def _foreign(texts: Sequence[Text]) -> Foreign:
    """What the model makes of answers."""
    plain = neutral_answers()
    # By what is read: a planted fault leaves most answers of a study as they were.
    lacking = [t for t in dict.fromkeys((*plain, *texts)) if t not in _losses]
    _losses.update(zip(lacking, losses_of(_model(), FORM, lacking), strict=True))
    return as_foreign(MODEL, {t[0]: _losses[t] for t in texts}, [_losses[t] for t in plain])


def _false_alarms(seed: int, clean: int, only: Collection[str] | None) -> Iterator[FalseAlarms]:
    rules = measured_rules(only)
    for rule in rules:
        units = UNITS.get(rule.id, (_unit(rule),))
        fired, checked = dict.fromkeys(units, 0), dict.fromkeys(units, 0)
        for trial in range(min(clean, ASKED_STUDIES) if rule.id == ASKED else clean):
            subject = _subject(rule, _draft(rule, seed, trial))
            findings = _faults(rule, subject)
            for unit in units:
                n, total = _fired(rule, subject, findings, unit)
                fired[unit] += n
                checked[unit] += total
        for unit in units:
            yield FalseAlarms(rule.id, unit, checked[unit], fired[unit])


def _fired(rule: Rule, subject: Subject, findings: Sequence[Finding], unit: str) -> tuple[int, int]:
    """Return (units that the rule names, units that it looks at)."""
    if unit == "studies":
        about_files = [f for f in findings if rule.id not in UNITS or not f.ids]
        return int(bool(about_files)), 1
    # The first id is the record that the finding stands at.
    named = {finding.ids[0] for finding in findings if rule.id not in UNITS or finding.ids}
    return len(named), len(_looked_at(rule, subject))


def _looked_at(rule: Rule, subject: Subject) -> tuple[object, ...]:
    if rule.id == PAIRED:
        return subject.pairs
    with_prompts = rule.id in ("M102", "M103", "M104", "M201", "M202", "M503")
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
