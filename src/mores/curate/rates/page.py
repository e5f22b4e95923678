"""docs/check-rates.md, from measured rates.

Takes `Rates`, gives Markdown.

    page(measure_rates())
"""

from __future__ import annotations

from mores.curate.rates.measure import GRADES, Rates, measured_rules
from mores.curate.similarity import QUESTION_THRESHOLD
from mores.stats import wilson

DATE = "2026-11-22"
COMMAND = "python -m mores.curate.rates"

_HEAD = """# How good are the rules of `mores check`?

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
our own example study all 25,600 pairs of sample and prompt are under 0.40, where 0.50 is the
threshold, and no rule of this page fires on it). And recall is that of *these* faults, which
were thought up by the people who wrote the rules: a leak in entirely other words is missed, as the
table says, and so is what nobody thought of. Only a reader finds it.
"""


def page(rates: Rates, *, date: str = DATE) -> str:
    """Return the page as Markdown."""
    head = _HEAD.format(
        command=COMMAND, seed=rates.seed, date=date, trials=rates.trials, clean=rates.clean
    )
    return "\n".join(
        [
            head,
            *_recall_table(rates),
            "",
            *_alarm_table(rates),
            "",
            *_threshold_table(rates),
            "",
            _TAIL,
        ]
    )


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


def _interval(found: int, n: int) -> str:
    estimate = wilson(found, n)
    return f"{estimate.low or 0.0:.1%} to {estimate.high or 0.0:.1%}"


def _threshold_table(rates: Rates) -> list[str]:
    return [
        "## The threshold of M212",
        "",
        "Cosine of idf-weighted word stems. Recall on 36 pairs of question and paraphrase (12 of",
        "each grade, `paraphrases.jsonl`); last column: clean samples that are named in vain. The",
        "threshold was chosen on this table, so its recall is no independent estimate.",
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


_TAIL = """M407 (classifier) gives a number and never a fault, so it has no rates. The checks of the
suppressions (M001 to M003) are exact.
"""
