"""How well do the rules of the gates agree with readers, by style of answer?

Takes JSON Lines of `StyledAnswer`, gives agreement, sensitivity and specificity with intervals by
style. Writes them into docs/gates.md, and what the gates must assume of an unknown model into the
package.

    python benchmarks/refusal_styles.py            # prints
    python benchmarks/refusal_styles.py --write
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from mores import store
from mores.measure.gates.compliance import complies
from mores.measure.gates.refusal import refuses
from mores.records import Estimate, Id, Record
from mores.stats import wilson

ROOT = Path(__file__).parents[1]
ANSWERS = ROOT / "tests" / "measure" / "gates" / "styled_answers.jsonl"
PAGE = ROOT / "docs" / "gates.md"
RATES = ROOT / "src" / "mores" / "measure" / "gates" / "data" / "rule_error.toml"
FEWEST = 10
"""Answers of a kind that a style needs, to be the worst one."""

Named = Literal["refusal", "partial", "answer"]


class StyledAnswer(Record, frozen=True, kw_only=True):
    """An answer in the manner of a kind of model, labelled in two readings."""

    id: Id
    style: str
    split: Literal["development", "held-out"]
    """Rules were changed after looking at answers of the first only."""
    prompt_id: str
    prompt: str
    answer: str
    label_1: Named
    label_2: Named
    complies_1: bool | None = None
    """Whether it goes along; None where the prompt is harmless."""
    complies_2: bool | None = None

    @property
    def refused(self) -> tuple[bool, bool]:
        """Of both readings: refused, fully or in part."""
        return self.label_1 != "answer", self.label_2 != "answer"


class Agreement(Record, frozen=True, kw_only=True):
    """A rule beside the labels on which both readings agree."""

    n: int
    kappa: float | None
    sensitivity: Estimate
    specificity: Estimate


Pairs = Sequence[tuple[bool, bool]]


def read_styled(path: Path = ANSWERS) -> list[StyledAnswer]:
    """Read the answers.

    Raises:
        DataError: a line cannot be used.
    """
    return store.read_jsonl(path, StyledAnswer)


def kappa(pairs: Pairs) -> float | None:
    """Cohen's (1960) kappa of two yes-or-no readings; None where chance alone would agree."""
    n = len(pairs)
    if not n:
        return None
    first, second = (sum(p[i] for p in pairs) / n for i in (0, 1))
    chance = first * second + (1 - first) * (1 - second)
    return None if chance == 1 else (sum(a == b for a, b in pairs) / n - chance) / (1 - chance)


def refusals(rows: Iterable[StyledAnswer]) -> Iterator[tuple[bool, bool]]:
    """Pair label and rule of answers whose readings agree. What the rule cannot score is missed."""
    for row in rows:
        if row.refused[0] == row.refused[1]:
            yield row.refused[0], bool(refuses(row.prompt, row.answer))


def compliances(rows: Iterable[StyledAnswer]) -> Iterator[tuple[bool, bool]]:
    """The same of going along, for harmful requests."""
    for row in rows:
        if row.complies_1 is not None and row.complies_1 == row.complies_2:
            yield row.complies_1, bool(complies(row.prompt, row.answer))


def agreement(pairs: Pairs) -> Agreement:
    """Compare a rule with the labels."""
    yes, no = [p for p in pairs if p[0]], [p for p in pairs if not p[0]]
    return Agreement(
        n=len(pairs),
        kappa=kappa(pairs),
        sensitivity=wilson(sum(rule for _, rule in yes), len(yes), unit="answer"),
        specificity=wilson(sum(not rule for _, rule in no), len(no), unit="answer"),
    )


def groups(rows: Sequence[StyledAnswer]) -> dict[str, list[StyledAnswer]]:
    """Development, held-out, and the held-out answers of each style; those never seen apart."""
    seen = {row.style for row in rows if row.split == "development"}
    held = [row for row in rows if row.split == "held-out"]
    parts = {
        "development": [row for row in rows if row.split == "development"],
        "held-out": held,
        "held-out, styles seen": [row for row in held if row.style in seen],
        "held-out, styles not seen": [row for row in held if row.style not in seen],
    }
    for row in held:
        name = row.style if row.style in seen else f"{row.style} (not seen)"
        parts.setdefault(name, []).append(row)
    return parts


def table(rows: Sequence[StyledAnswer]) -> str:
    """Return both rules beside the labels as a Markdown table."""
    head = ["| answers | n | κ | found | passed over rightly |", "|---|---|---|---|---|"]
    lines = [*head, "| **refuses** | | | | |"]
    lines += [_line(name, agreement(list(refusals(own)))) for name, own in groups(rows).items()]
    lines.append("| **goes along** | | | | |")
    for name, own in list(groups(rows).items())[:4]:
        lines.append(_line(name, agreement(list(compliances(own)))))
    return "\n".join(lines) + "\n"


def readings(rows: Sequence[StyledAnswer]) -> str:
    """Say how far both readings agree."""
    both = [row.refused for row in rows]
    said = [(a, b) for a, b in ((row.complies_1, row.complies_2) for row in rows) if a is not None]
    going = [(bool(a), bool(b)) for a, b in said]
    return "; ".join(
        f"{name}: {sum(a == b for a, b in pairs)} of {len(pairs)}, κ {kappa(pairs):.2f}"
        for name, pairs in (("refused", both), ("goes along", going))
    )


def worst(rows: Sequence[StyledAnswer]) -> dict[str, dict[str, float]]:
    """What must be assumed of a model in whose manner no answer was labelled.

    Refusals: the least sensitivity and specificity of any style's held-out answers, of those with
    `FEWEST` or more of the kind. (If the next style is one more of the same lot, it is worse than
    the worst of eleven once in twelve.) Going along has too few answers a style: the lower bounds
    of all held-out answers together.
    """
    held = [row for row in rows if row.split == "held-out"]
    styles = [[row for row in held if row.style == s] for s in dict.fromkeys(r.style for r in held)]
    found = [agreement(list(refusals(own))) for own in styles]
    going = agreement(list(compliances(held)))
    return {
        "over-refusal": {
            "sensitivity": _least([one.sensitivity for one in found]),
            "specificity": _least([one.specificity for one in found]),
        },
        "harmful-compliance": {
            "sensitivity": round(going.sensitivity.low or 0.0, 4),
            "specificity": round(going.specificity.low or 0.0, 4),
        },
    }


def as_toml(rates: dict[str, dict[str, float]]) -> str:
    """Return the rates as the package's data file."""
    parts = ["# What the gates assume of a model whose answers nobody labelled: `make rates`.\n"]
    for gate, own in rates.items():
        parts += [f"\n[{gate}]\n", *(f"{name} = {value}\n" for name, value in own.items())]
    return "".join(parts)


def _least(rates: Sequence[Estimate]) -> float:
    return round(min(r.value for r in rates if r.value is not None and r.n >= FEWEST), 4)


def _line(name: str, found: Agreement) -> str:
    value = "none" if found.kappa is None else f"{found.kappa:.2f}"
    cells = (_share(found.sensitivity), _share(found.specificity))
    return f"| {name} | {found.n} | {value} | {cells[0]} | {cells[1]} |"


def _share(rate: Estimate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return "no such answer"
    return f"{round(rate.value * rate.n)} of {rate.n} ({rate.low:.0%} to {rate.high:.0%})"


def put(page: str, name: str, text: str) -> str:
    """Replace what stands between a page's marks."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    put_in: Callable[[re.Match[str]], str] = lambda _: f"{begin}\n\n{text}\n{end}"  # noqa: E731
    return re.sub(f"{begin}.*?{end}", put_in, page, flags=re.DOTALL)


def _main(arguments: Sequence[str]) -> None:
    rows = read_styled()
    sys.stdout.write(f"{table(rows)}\n{readings(rows)}\n{worst(rows)}\n")
    if "--write" in arguments:
        store.write_text(RATES, as_toml(worst(rows)))
        page = put(store.read_text(PAGE), "styles", table(rows))
        store.write_text(PAGE, put(page, "readings", f"{readings(rows)}.\n"))


if __name__ == "__main__":
    _main(sys.argv[1:])
