"""Values of completions → prompts that two arms answered, side by side.

pairs = Pairs.of(observed, "values_targeted", "control")
pairs.table          # differences, prompts × training runs
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mores import stats
from mores.records import Arm
from mores.report.observed import Observed, mean
from mores.stats.rater_adjustment import RaterAdjustment

Cell = list[Observed]
"""The completions of a prompt by an arm under a training run."""
Cells = tuple[tuple[tuple[Cell, Cell], ...], ...]
"""For each prompt and training run those of the arm and of the reference."""


@dataclass(frozen=True)
class Pairs:
    """Prompts that both arms answered, with all values of both."""

    prompts: tuple[str, ...]
    categories: tuple[str, ...]
    table: np.ndarray
    """Differences, shape (prompts, training seeds)."""
    own: tuple[tuple[np.ndarray, ...], ...]
    """Values of each prompt under each training seed."""
    other: tuple[tuple[np.ndarray, ...], ...]
    asked: Mapping[str, int]
    """Category → prompts, those without a value too."""
    cells: Cells = field(repr=False)
    """For each prompt and seed the completions with values, of the arm and of the reference."""
    raters: RaterAdjustment | None = None
    """How severity was taken off; None where raters are not known."""
    shifts: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    """Prompt → what taking severity off added to its differences, by training seed."""
    severity_off: bool = False
    """Whether values are without the severity of who gave them."""

    @classmethod
    def of(cls, observed: Sequence[Observed], arm: Arm, reference: Arm) -> Pairs:
        """Pair the arms by prompt, and by training seed where the reference is trained too."""
        by: dict[tuple[str, Arm, int], Cell] = {}
        category: dict[str, str] = {}
        for o in observed:
            category[o.prompt_id] = o.category
            if o.values:
                by.setdefault((o.prompt_id, o.arm, o.seed), []).append(o)
        seeds = sorted({o.seed for o in observed if o.arm == arm and o.values})
        kept: dict[str, tuple[tuple[Cell, Cell], ...]] = {}
        for prompt in category:
            left = [by.get((prompt, arm, s)) for s in seeds]
            right = [_reference(by, prompt, reference, s) for s in seeds]
            pair = tuple((a, b) for a, b in zip(left, right, strict=True) if a and b)
            if len(pair) == len(seeds) > 0:
                kept[prompt] = pair
        rows = [[_mean(a) - _mean(b) for a, b in pair] for pair in kept.values()]
        cells = tuple(kept.values())
        return cls(
            tuple(kept),
            tuple(category[p] for p in kept),
            np.array(rows, dtype=float).reshape(len(rows), len(seeds)),
            _side(cells, 0),
            _side(cells, 1),
            Counter(category.values()),
            cells,
        )

    @property
    def runs(self) -> int:
        """Training runs of the arm."""
        return int(self.table.shape[1])

    @property
    def differences(self) -> np.ndarray:
        """Mean difference of each prompt over training seeds."""
        return self.table.mean(axis=1) if self.table.size else np.zeros(0)

    @property
    def weights(self) -> np.ndarray:
        """Weight of each prompt: every category the same, and every prompt in it; sum 1."""
        sizes = Counter(self.categories)
        return np.array([1.0 / (len(sizes) * sizes[c]) for c in self.categories])

    def left_out(self, category: str = "overall") -> int:
        """Prompts that lack a value in one of the arms."""
        if category == "overall":
            return sum(self.asked.values()) - len(self.prompts)
        return self.asked.get(category, 0) - self.categories.count(category)

    def adjusted(self) -> Pairs:
        """Take the severity of raters off differences and values (`mores.stats.rater_adjustment`).

        Where all raters rated both arms alike, this changes nothing. As it is where raters are not
        known.
        """
        rated = _Rated.of(self)
        if rated is None:
            return self
        found = rated.fit()
        share = np.abs(rated.weights)
        share /= share.sum(axis=1, keepdims=True)
        parts = share * found.score[:, None] - rated.weights * found.severity[:, None]
        added = np.zeros_like(self.table)
        np.add.at(added, rated.prompts, parts * (self.runs / self.weights)[rated.prompts, None])
        shifts = dict(zip(self.prompts, added, strict=True))
        pairs = replace(self.shifted(shifts), raters=found, shifts=shifts)
        if not found.severity.any():
            return pairs
        cells = rated.without(found.severity, self.cells)
        return replace(
            pairs, own=_side(cells, 0), other=_side(cells, 1), cells=cells, severity_off=True
        )

    def within(self, category: str) -> Pairs:
        """The prompts of one category with its own raters; severity stays as it was taken off."""
        at = [i for i, name in enumerate(self.categories) if name == category]
        part = replace(
            self,
            prompts=tuple(self.prompts[i] for i in at),
            categories=(category,) * len(at),
            table=self.table[at],
            own=tuple(self.own[i] for i in at),
            other=tuple(self.other[i] for i in at),
            asked={category: self.asked[category]},
            cells=tuple(self.cells[i] for i in at),
        )
        rated = None if self.raters is None else _Rated.of(part)
        return replace(part, raters=rated.fit() if rated else None)

    def shifted(self, shifts: Mapping[str, np.ndarray]) -> Pairs:
        """Add to the differences of prompts, by training seed."""
        none = np.zeros(self.runs)
        added = [shifts.get(prompt, none) for prompt in self.prompts]
        return replace(self, table=self.table + np.array(added).reshape(self.table.shape))


@dataclass(frozen=True)
class _Rated:
    """Every rating of the pairs, with its weight in the mean difference under each seed."""

    values: np.ndarray
    weights: np.ndarray
    """Shape (ratings, seeds)."""
    arms: np.ndarray
    raters: list[str]
    items: list[int]
    prompts: np.ndarray
    keys: list[tuple[int, int]]
    """Of each rating its completion (by identity, as one may stand for all seeds) and its place."""

    def without(self, severity: np.ndarray, cells: Cells) -> Cells:
        """The same completions, each value less the severity of its rater."""
        off = dict(zip(self.keys, severity.tolist(), strict=True))
        every = {id(o): o for row in cells for pair in row for cell in pair for o in cell}
        new = {
            key: replace(o, values=tuple(v - off[key, i] for i, v in enumerate(o.values)))
            for key, o in every.items()
        }
        return tuple(
            tuple(([new[id(o)] for o in a], [new[id(o)] for o in b]) for a, b in row)
            for row in cells
        )

    def fit(self) -> RaterAdjustment:
        return stats.rater_adjustment(
            self.values, self.weights.sum(axis=1), self.arms, self.raters, self.items, self.prompts
        )

    @classmethod
    def of(cls, pairs: Pairs) -> _Rated | None:
        weights: dict[tuple[int, int], np.ndarray] = {}
        about: dict[tuple[int, int], tuple[float, float, str, int]] = {}
        of_prompt = pairs.weights / max(1, pairs.runs)
        for p, row in enumerate(pairs.cells):
            for s, pair in enumerate(row):
                for sign, cell in zip((1.0, -1.0), pair, strict=True):
                    for o in cell:
                        if len(o.raters) != len(o.values):
                            return None
                        part = sign * of_prompt[p] / (len(cell) * len(o.values))
                        for i, (value, who) in enumerate(zip(o.values, o.raters, strict=True)):
                            key = (id(o), i)
                            weights.setdefault(key, np.zeros(pairs.runs))[s] += part
                            about[key] = (value, sign, who, p)
        if not about:
            return None
        rows = list(about.values())
        return cls(
            np.array([r[0] for r in rows]),
            np.array([weights[key] for key in about]),
            np.array([float(r[1] > 0) for r in rows]),
            [r[2] for r in rows],
            [key[0] for key in about],
            np.array([r[3] for r in rows]),
            list(about),
        )


def _side(cells: Cells, side: int) -> tuple[tuple[np.ndarray, ...], ...]:
    """The values of the arm (0) or of the reference (1)."""
    return tuple(tuple(_flat(pair[side]) for pair in row) for row in cells)


def _reference(
    by: Mapping[tuple[str, Arm, int], Cell], prompt: str, arm: Arm, seed: int
) -> Cell | None:
    """A tuned reference is paired with the same seed; an untrained one has seed 0."""
    return by.get((prompt, arm, seed)) or by.get((prompt, arm, 0))


def _mean(cell: Cell) -> float:
    return mean([o.mean for o in cell])


def _flat(cell: Cell) -> np.ndarray:
    return np.array([v for o in cell for v in o.values])
