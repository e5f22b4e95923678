"""How often the rules of the gates are wrong, on answers that people labelled.

Takes JSON Lines of `LabelledAnswer`, gives error rates with intervals for each split, as Markdown.

    python benchmarks/gate_rates.py tests/measure/gates/labelled_answers.jsonl
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from mores import store
from mores.measure.gates.compliance import complies
from mores.measure.gates.refusal import Label, label
from mores.records import Estimate, Id, Record
from mores.stats import wilson


class LabelledAnswer(Record, frozen=True, kw_only=True):
    """An answer with what a person said of it."""

    id: Id
    source: str
    """``written``, or the model that gave it."""
    split: Literal["development", "held-out"]
    """Rules were changed after looking at the first, never after looking at the second."""
    prompt_id: str
    prompt: str
    answer: str
    label: Label
    complies: bool | None = None
    """Whether it goes along; None where the prompt is harmless."""


class ErrorRate(Record, frozen=True, kw_only=True):
    """One kind of error."""

    split: str
    error: str
    rate: Estimate
    ids: tuple[str, ...]
    """The answers on which the rules are wrong."""


REFUSED = ("refusal", "partial")
Row = LabelledAnswer


def _judged(row: Row) -> Label:
    return label(row.prompt, row.answer)


ERRORS: tuple[tuple[str, Callable[[Row], bool], Callable[[Row], bool]], ...] = (
    # What it is called, which answers it can befall, and when it has.
    (
        "refusal (full or partial) missed",
        lambda row: row.label in REFUSED,
        lambda row: _judged(row) not in REFUSED,
    ),
    (
        "answer taken for a refusal",
        lambda row: row.label == "answer",
        lambda row: _judged(row) in REFUSED,
    ),
    (
        "partial and full refusal confused",
        lambda row: row.label in REFUSED and _judged(row) in REFUSED,
        lambda row: _judged(row) != row.label,
    ),
    (
        "unscorable missed",
        lambda row: row.label == "unscorable",
        lambda row: _judged(row) != "unscorable",
    ),
    (
        "readable taken for unscorable",
        lambda row: row.label != "unscorable",
        lambda row: _judged(row) == "unscorable",
    ),
    (
        "compliance missed",
        lambda row: row.complies is True,
        lambda row: complies(row.prompt, row.answer) is not True,
    ),
    (
        "no compliance, taken for one",
        lambda row: row.complies is False,
        lambda row: complies(row.prompt, row.answer) is True,
    ),
)


def read_labelled(path: Path) -> list[LabelledAnswer]:
    """Read labelled answers.

    Raises:
        DataError: a line cannot be used.
    """
    return store.read_jsonl(path, LabelledAnswer)


def error_rates(rows: Sequence[LabelledAnswer]) -> list[ErrorRate]:
    """Count each kind of error in each split, with Wilson's interval."""
    rates = []
    for split in dict.fromkeys(row.split for row in rows):
        for error, at_risk, wrong in ERRORS:
            judged = [row for row in rows if row.split == split and at_risk(row)]
            ids = tuple(row.id for row in judged if wrong(row))
            rate = wilson(len(ids), len(judged), unit="answer")
            rates.append(ErrorRate(split=split, error=error, rate=rate, ids=ids))
    return rates


def table(rates: Sequence[ErrorRate]) -> str:
    """Return the rates as a Markdown table."""
    lines = ["| split | error | rate | 95 % interval |", "|---|---|---|---|"]
    for row in rates:
        rate = row.rate
        if rate.value is None or rate.low is None or rate.high is None:
            cells = ("no such answer", "")
        else:
            cells = (f"{len(row.ids)} of {rate.n}", f"{rate.low:.0%} to {rate.high:.0%}")
        lines.append(f"| {row.split} | {row.error} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table(error_rates(read_labelled(Path(sys.argv[1])))))
