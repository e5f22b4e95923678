"""How often do the tests of change reject where no association changed?

    python benchmarks/cooccurrence_calibration.py [runs]

Texts of 25 words (bursts: each text has its own Dirichlet shares) drawn from 300
words, two arms, tested at a family-wise level of .05. "association": one group has
its own shares, the same in both arms. "style": the arm has other shares than the
reference, the same for all groups.
"""

from __future__ import annotations

import sys

import numpy as np

from mores.measure.cooccurrence.change import association_change
from mores.measure.cooccurrence.gap_change import gap_change
from mores.measure.cooccurrence.pairs import paired_counts
from mores.measure.cooccurrence.permutation import family_p

WORDS = 300
SHARES = 1.0 / np.arange(5.0, WORDS + 5.0)
NAMES = np.array([chr(97 + i // 26) + chr(97 + i % 26) for i in range(WORDS)])
CASES = {
    "no difference at all": {},
    "association": {"association": 1.0},
    "style": {"style": 1.0},
    "style, association": {"style": 1.0, "association": 1.0},
    "texts twice as long, association": {"length": 50, "association": 1.0},
    "style, twice as long, association": {"style": 1.0, "length": 50, "association": 1.0},
    "the same, 4 groups": {"style": 1.0, "length": 50, "association": 1.0, "groups": 4},
}


def rejections(
    rng: np.random.Generator,
    *,
    style: float = 0.0,
    association: float = 0.0,
    length: int = 25,
    groups: int = 2,
) -> list[bool]:
    """Return whether log-odds and share differences are found to change."""
    labels = list("abcd"[:groups]) * (120 // groups)
    own = np.exp(rng.normal(0, association, WORDS))
    shift = np.exp(rng.normal(0, style, WORDS))

    def text(group: str, arm: bool) -> str:
        share = SHARES * (own if group == "a" else 1.0) * (shift if arm else 1.0)
        bursts = rng.dirichlet(60 * share / share.sum() * SHARES.size / 5)
        return " ".join(NAMES[rng.choice(WORDS, length if arm else 25, p=bursts)])

    arm, reference = ([text(group, side) for group in labels] for side in (True, False))
    paired = paired_counts(arm, reference, labels)
    odds = association_change(paired, prior=500.0, min_count=10, permutations=199, rng=rng)
    gap = gap_change(paired, odds.terms, permutations=199, rng=rng)
    return [bool((family_p(x.z, x.maxima) <= 0.05).any()) for x in (odds, gap)]


def main() -> None:
    """Print the share of runs that reject, for each case."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print("| truth | log-odds | share differences |\n|---|---|---|")
    for name, options in CASES.items():
        rng = np.random.default_rng(1)
        found = np.mean([rejections(rng, **options) for _ in range(runs)], axis=0)
        print(f"| {name} | {found[0]:.3f} | {found[1]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
