"""How often opinion groups are named where there are none, and found where there are. Markdown.

    OMP_NUM_THREADS=1 python benchmarks/consult_groups.py --studies 20

Votes are simulated: 150 people, 20 statements, 30 % of votes absent. Without groups, opinions lie
along one line, normally spread, and a statement follows it with a loading from 0 (votes have
nothing to do with each other) to .9. With groups, each agrees to each statement with a chance of
½ ± lean, at random. Seeds are 1 to the number of studies.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable

import numpy as np

from mores.consult.stability import Found, opinion_groups
from mores.stats import adjusted_rand, wilson

PEOPLE, STATEMENTS, ABSENT = 150, 20, 0.3
Table = np.ndarray
VERDICTS = ("groups", "a division, no gap", "no stable groups")


def main() -> None:
    """Print a line for each kind of votes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=20)
    studies = parser.parse_args().studies
    print(f"| votes | {' | '.join(VERDICTS)} | as planted |")
    print("|---|---|---|---|---|")
    for loading in (0.0, 0.3, 0.6, 0.9):
        row(f"no groups, loading {loading:g}", studies, lambda rng, x=loading: (line(rng, x), None))
    for groups in (2, 3, 4):
        for lean in (0.25, 0.4) if groups < 4 else (0.4,):
            name = f"{groups} groups, chance ½ ± {lean:g}"
            row(name, studies, lambda rng, k=groups, x=lean: planted(rng, k, x))


def row(
    name: str, studies: int, make: Callable[[np.random.Generator], tuple[Table, Table | None]]
) -> None:
    """Analyse simulated votes, count verdicts, and how often the groups are those planted."""
    verdicts: Counter[str] = Counter()
    right = 0
    truth: Table | None = None
    for seed in range(1, studies + 1):
        table, truth = make(np.random.default_rng(seed))
        found = opinion_groups(table, seed=seed, least=5)
        verdicts[found.groups.verdict] += 1
        right += truth is not None and as_planted(found, truth)
    cells = []
    for verdict in VERDICTS:
        e = wilson(verdicts[verdict], studies)
        cells.append(f"{100 * (e.value or 0):.0f} % ({100 * e.low:.0f} to {100 * e.high:.0f})")
    planted_ = "" if truth is None else f"{100 * right / studies:.0f} %"
    print(f"| {name} | {' | '.join(cells)} | {planted_} |", flush=True)


def as_planted(found: Found, truth: Table) -> bool:
    """Whether as many groups were found, and nine in ten people are in theirs or nearly so."""
    if found.division is None or found.groups.k != len(np.unique(truth)):
        return False
    return adjusted_rand(found.division.labels, truth[found.rows]) > 0.7


def line(rng: np.random.Generator, loading: float) -> Table:
    """Votes of people who differ without forming groups."""
    place = rng.standard_normal((PEOPLE, 1))
    noise = rng.standard_normal((PEOPLE, STATEMENTS))
    latent = loading * place + np.sqrt(1 - loading**2) * noise
    return absent(rng, (latent > 0.3).astype(float) - (latent < -0.3))


def planted(rng: np.random.Generator, groups: int, lean: float) -> tuple[Table, Table]:
    """Votes of groups, a tenth of them "pass", and the group of each person."""
    group = rng.integers(groups, size=PEOPLE)
    chance = 0.5 + lean * rng.choice([-1, 1], size=(groups, STATEMENTS))
    table = np.where(rng.random((PEOPLE, STATEMENTS)) < chance[group], 1.0, -1.0)
    table[rng.random(table.shape) < 0.1] = 0.0
    return absent(rng, table), group


def absent(rng: np.random.Generator, table: Table) -> Table:
    """Take away a share of the votes."""
    return np.where(rng.random(table.shape) < ABSENT, np.nan, table)


if __name__ == "__main__":
    main()
