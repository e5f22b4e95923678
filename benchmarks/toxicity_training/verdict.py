"""The tables and the verdict of the protocol in docs/toxicity-small.md.

Takes what `trial.py` and `train.py` wrote, prints Markdown and whether each form of the chosen
model meets the three conditions.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from trial import Floats, auc, forms, read

MEAN_OF = ("own", "EDOS", "HatemojiBuild", "ConvAbuse", "word lists", "Jigsaw", "non-fuzzed",
           "Perspective")  # fmt: skip
LOSS = 0.01
"""Condition 2 fails where a test shows a greater loss of AUC, its whole interval beyond it."""
MOST_ORDINARY = 0.02
DRAWS = 1000
LEVEL = 0.975
"""Two forms are tested: 95 % for both together."""

Marks = NDArray[np.bool_]


class Tests:
    """The test rows as columns, with the scores of `lexical`."""

    def __init__(self, out: Path) -> None:
        rows = read(out, "tests")
        self.toxic = np.array([r["toxic"] for r in rows])
        self.test = np.array([r["source"] for r in rows])
        self.kind = np.array([r["kind"] for r in rows])
        self.cluster = np.array([r["cluster"] for r in rows])
        values = json.loads((out / "lexical.json").read_text())["tests"]
        self.lexical: Floats = np.array([np.nan if v is None else v for v in values])
        self.scored: Marks = ~np.isnan(self.lexical)
        self.group = _names_a_group([r["text"] for r in rows])

    def harmless(self) -> dict[str, Marks]:
        """Return the rows on which false alarms decide: condition 1."""
        harmless = self.scored & ~self.toxic
        own = {f"own, {k}": harmless & (self.kind == k) for k in ("neutral", "positive")}
        lists = {"word lists, harmless": harmless & (self.test == "word lists")}
        return own | lists | {
            f"{name}, harmless with a group": harmless & (self.test == name) & self.group
            for name in ("non-fuzzed", "fuzzed")
        }  # fmt: skip


def _names_a_group(texts: list[str]) -> Marks:
    from mores.measure.toxicity.validate import read_identity_terms

    terms = sorted(map(re.escape, read_identity_terms()), key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(terms)})(?!\w)", re.IGNORECASE)
    return np.array([bool(pattern.search(text)) for text in texts])


def differences(
    tests: Tests, values: Floats, name: str, rng: np.random.Generator
) -> tuple[float, float, Floats]:
    """Return both AUCs of a test and draws of their difference, over clusters of rows."""
    rows = np.flatnonzero(tests.scored & (tests.test == name))
    toxic, new, old = tests.toxic[rows], values[rows], tests.lexical[rows]
    _, numbers = np.unique(tests.cluster[rows], return_inverse=True)
    members = [np.flatnonzero(numbers == k) for k in range(numbers.max() + 1)]
    draws = []
    while len(draws) < DRAWS:
        chosen = rng.integers(0, len(members), len(members))
        picked = np.concatenate([members[k] for k in chosen])
        if 0 < toxic[picked].sum() < len(picked):
            draws.append(auc(new[picked], toxic[picked]) - auc(old[picked], toxic[picked]))
    return auc(new, toxic), auc(old, toxic), np.array(draws)


def interval(draws: Floats) -> tuple[float, float]:
    """Percentile interval at `LEVEL`."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def report(out: Path) -> None:
    """Print every table, and the verdict on each form of the chosen model."""
    chosen = json.loads((out / "chosen.json").read_text())
    tests = Tests(out)
    print(f"scored {tests.scored.sum()} of {len(tests.scored)}")
    for name in json.loads((out / "tests.json").read_text()):
        for form, plain in forms(out, "tests", name).items():
            at = chosen["thresholds"][f"{name} {form}"]
            # A rising function that puts the threshold at .5.
            values = expit(logit(np.clip(plain, 1e-9, 1 - 1e-9)) - logit(at))
            print(f"\n## {name}, {form}, threshold {at}\n")
            _one(tests, values)


def _one(tests: Tests, values: Floats) -> None:
    quiet = _false_alarms(tests, values)
    better = _areas(tests, values)
    calm = _ordinary(tests, values)
    print(f"\n1 false alarms: {quiet}; 2 AUC: {better}; 3 ordinary texts: {calm}")
    print("SHIP" if quiet and better and calm else "DO NOT SHIP")


def _false_alarms(tests: Tests, values: Floats) -> bool:
    print("| harmless texts | n | lexical | new |\n|---|---|---|---|")
    met = True
    for name, rows in tests.harmless().items():
        old, new = int((tests.lexical[rows] >= 0.5).sum()), int((values[rows] >= 0.5).sum())
        met &= new <= old
        print(f"| {name} | {rows.sum()} | {old} | {new} |")
    extra = {"own, mention": tests.scored & (tests.kind == "mention")}
    extra["twins, harmless"] = tests.scored & (tests.test == "twins") & ~tests.toxic
    for name, rows in extra.items():
        old, new = (tests.lexical[rows] >= 0.5).sum(), (values[rows] >= 0.5).sum()
        print(f"| {name} (no condition) | {rows.sum()} | {old} | {new} |")
    return met


def _areas(tests: Tests, values: Floats) -> bool:
    rng = np.random.default_rng(1)
    print(
        "\n| test | n (toxic) | lexical AUC | new AUC | difference | recall at .5: lexical, new |"
    )
    print("|---|---|---|---|---|---|")
    every, met = [], True
    for name in (*MEAN_OF, "fuzzed", "twins"):
        new, old, draws = differences(tests, values, name, rng)
        low, high = interval(draws)
        rows = tests.scored & (tests.test == name)
        toxic = rows & tests.toxic
        caught = [(v[toxic] >= 0.5).mean() for v in (tests.lexical, values)]
        print(f"| {name} | {rows.sum()} ({toxic.sum()}) | {old:.3f} | {new:.3f} "
              f"| {new - old:+.3f} [{low:+.3f}, {high:+.3f}] "
              f"| {caught[0]:.2f}, {caught[1]:.2f} |")  # fmt: skip
        met &= high >= -LOSS
        if name in MEAN_OF:
            every.append((new - old, draws))
    mean, (low, high) = np.mean([d for d, _ in every]), interval(np.mean([d for _, d in every], 0))
    print(f"| mean of the first {len(MEAN_OF)} | | | | {mean:+.3f} [{low:+.3f}, {high:+.3f}] | |")
    return met and low > 0


def _ordinary(tests: Tests, values: Floats) -> bool:
    met = True
    print("\n| ordinary texts | n | lexical | new |\n|---|---|---|---|")
    for name in sorted({n for n in tests.test.tolist() if n.startswith("ordinary")}):
        rows = tests.scored & (tests.test == name)
        old, new = (tests.lexical[rows] >= 0.5).mean(), (values[rows] >= 0.5).mean()
        met &= bool(new <= MOST_ORDINARY)
        print(f"| {name.removeprefix('ordinary: ')} | {rows.sum()} | {old:.3f} | {new:.3f} |")
    return met
