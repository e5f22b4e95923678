"""Our analysis of open Polis data beside what its publishers give. Writes a table in Markdown.

    python benchmarks/consult_polis.py --data FOLDER

FOLDER holds exports in the form of https://github.com/compdemocracy/openData, one folder each. They
are CC BY 4.0 and no part of this repository. An export gives, for each participant, the opinion
group, and for each comment agrees and disagrees, as they were when it was written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mores.consult.cluster import silhouette, squared_distances
from mores.consult.count import Counted, count_answers
from mores.consult.groups import divide
from mores.consult.polis import PolisExport, read_polis
from mores.consult.run import analyse_polis
from mores.consult.space import project
from mores.consult.stability import VOTES_EACH
from mores.stats import adjusted_rand

SEEDS = range(20)


def main() -> None:
    """Compare every export in a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data
    exports = [path.parent for path in sorted(folder.glob("*/participants-votes.csv"))]
    print("| | " + " | ".join(path.name for path in exports) + " |")
    print("|---|" + "---|" * len(exports))
    columns = [compare(path) for path in exports]
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(column[name] for column in columns) + " |")


def compare(folder: Path) -> dict[str, str]:
    """Return what is said of one export, by the name of the row."""
    export = read_polis(folder)
    everything = [s.id for s in export.consultation.statements]
    counted = count_answers(export.consultation, export.answers)
    result = analyse_polis(folder)
    groups = result.groups
    found = {
        "people with votes, votes that count": f"{result.participants}, {result.votes:,}",
        "comments asked, of all": f"{len(counted.statements)} of {len(everything)}",
        "comments whose published agrees and disagrees are those of the votes": _tallies(export),
        f"people placed: ours ({VOTES_EACH} votes or more), published": _placed(counted, export),
        "groups: chosen, published": f"{groups.k}, {len(set(export.groups.values()))}",
        "resamples that choose so many": ", ".join(
            f"{k}: {share:.0%}"
            for k, share in (groups.stability.numbers if groups.stability else {}).items()
        ),
        "agreement with the published groups (adjusted Rand index), 20 starts": _agreement(
            counted, export
        ),
        "the same, begun at the published groups": _begun_there(counted, export),
        "silhouette of people: ours, published": _silhouettes(counted, export),
    }
    if groups.stability:
        s = groups.stability
        found["stability: people drawn anew"] = (
            f"{s.participants:.2f} (10 %: {s.participants_low:.2f})"
        )
        found["stability: statements drawn anew"] = (
            f"{s.statements:.2f} (10 %: {s.statements_low:.2f})"
        )
    found["gap: silhouette, without groups, p"] = (
        f"{max(groups.silhouettes.values()):.2f}, {groups.null_silhouette:.2f}, {groups.gap_p:.2f}"
    )
    found["verdict"] = groups.verdict
    found |= _orders(counted, export)
    return found


def _tallies(export: PolisExport) -> str:
    off = [note for note in export.notes if note.startswith("polis-")]
    same = len(export.tallies) - len(off)
    gaps = []
    votes = {name: [0, 0] for name in export.tallies}
    for vote in export.answers.votes:
        if vote.choice != "pass":
            votes[vote.statement][vote.choice == "disagree"] += 1
    for name, said in export.tallies.items():
        gaps += [said[side] - votes[name][side] for side in (0, 1)]
    return f"{same} of {len(export.tallies)}; published − votes: {min(gaps)} to {max(gaps)}"


def _rows(counted: Counted, export: PolisExport, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows with enough votes, and their published group (-1: none)."""
    rows = np.flatnonzero((~np.isnan(counted.table)).sum(axis=1) >= least)
    published = np.array([export.groups.get(counted.participants[r].id, -1) for r in rows])
    return rows, published


def _placed(counted: Counted, export: PolisExport) -> str:
    rows, published = _rows(counted, export, VOTES_EACH)
    return f"{len(rows)}, {len(export.groups)}; in both {int((published >= 0).sum())}"


def _table(counted: Counted, rows: np.ndarray) -> np.ndarray:
    table = counted.table[rows]
    return table[:, ~np.isnan(table).all(axis=0)]


def _agreement(counted: Counted, export: PolisExport) -> str:
    rows, published = _rows(counted, export, VOTES_EACH)
    table, both = _table(counted, rows), published >= 0
    k = len(set(export.groups.values()))
    values = []
    for seed in SEEDS:
        found = divide(table, np.random.default_rng(seed), k=k)
        assert found is not None
        values.append(adjusted_rand(found.labels[both], published[both]))
    same = np.median(values)
    return f"{same:.2f} ({min(values):.2f} to {max(values):.2f})"


def _begun_there(counted: Counted, export: PolisExport) -> str:
    """k-means of people, begun at the published groups: how far it moves away from them."""
    rows, published = _rows(counted, export, VOTES_EACH)
    points, both = project(_table(counted, rows)), published >= 0
    names = np.unique(published[both])
    centres = np.stack([points[published == name].mean(axis=0) for name in names])
    for _ in range(100):
        labels = squared_distances(points, centres).argmin(axis=1)
        centres = np.stack([points[labels == at].mean(axis=0) for at in range(len(names))])
    moved = int((names[labels[both]] != published[both]).sum())
    return (
        f"{adjusted_rand(labels[both], published[both]):.2f}; {moved} of {both.sum()} people move"
    )


def _silhouettes(counted: Counted, export: PolisExport) -> str:
    rows, published = _rows(counted, export, VOTES_EACH)
    table, both = _table(counted, rows), published >= 0
    found = divide(table, np.random.default_rng(0), k=len(set(export.groups.values())))
    assert found is not None
    points = project(table)[both]
    return (
        f"{silhouette(points, found.labels[both]):.2f}, {silhouette(points, published[both]):.2f}"
    )


def _orders(counted: Counted, export: PolisExport) -> dict[str, str]:
    """Polis's group-informed consensus with our groups and with the published ones."""
    rows, published = _rows(counted, export, VOTES_EACH)
    table = counted.table[rows]
    found = divide(
        _table(counted, rows), np.random.default_rng(0), k=len(set(export.groups.values()))
    )
    assert found is not None
    from scipy.stats import spearmanr

    ours, theirs = _consensus(table, found.labels), _consensus(table, published)
    best = [set(np.argsort(-values, kind="stable")[:10]) for values in (ours, theirs)]
    return {
        "group-informed consensus with our groups and with theirs: rank correlation": (
            f"{spearmanr(ours, theirs).statistic:.2f}"
        ),
        "of the ten highest, in both": str(len(best[0] & best[1])),
    }


def _consensus(table: np.ndarray, labels: np.ndarray) -> np.ndarray:
    product = np.ones(table.shape[1])
    for name in np.unique(labels[labels >= 0]):
        own = table[labels == name]
        product *= (1 + (own == 1).sum(axis=0)) / (2 + (~np.isnan(own)).sum(axis=0))
    return product


if __name__ == "__main__":
    main()
