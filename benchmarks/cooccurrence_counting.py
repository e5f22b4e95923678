"""Time and memory of counting a million short texts.

    python benchmarks/cooccurrence_counting.py [texts] [permutations]

Texts are generated: 20 words each, drawn from 50,000 words with Zipf's
frequencies, two groups. Prints seconds and peak memory, with and without that
of the texts themselves.
"""

from __future__ import annotations

import platform
import resource
import sys
import time

import numpy as np

from mores.measure.cooccurrence.count import count_terms
from mores.measure.cooccurrence.permutation import dealt_chance

WORDS, LENGTH = 50_000, 20


def generate(n: int, rng: np.random.Generator) -> list[str]:
    """Return n texts of 20 words."""
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    names = sorted({"".join(rng.choice(letters, rng.integers(2, 11))) for _ in range(WORDS)})
    share = 1.0 / np.arange(1, len(names) + 1)
    ends = np.cumsum(share / share.sum())
    texts: list[str] = []
    for start in range(0, n, 50_000):
        rows = np.searchsorted(ends, rng.random((min(50_000, n - start), LENGTH)))
        rows = np.minimum(rows, len(names) - 1)
        texts += [" ".join([names[i] for i in row]) for row in rows.tolist()]
    return texts


def peak_mb() -> float:
    """Return this process's peak memory so far (Linux: kilobytes are reported)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Count, then permute, and print what it took."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    permutations = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    rng = np.random.default_rng(1)
    texts = generate(n, rng)
    groups = ["a", "b"] * (n // 2) + ["a"] * (n % 2)
    before = peak_mb()
    print(f"{platform.platform()}, Python {platform.python_version()}, {n:,} texts")
    started = time.perf_counter()
    counts = count_terms(texts, groups)
    seconds = time.perf_counter() - started
    print(f"counting: {seconds:.1f} s, {int(counts.lengths.sum()) / seconds / 1e6:.2f} M words/s")
    print(f"peak memory: {peak_mb():,.0f} MB, of which {before:,.0f} MB were there before")
    terms = counts.frequent(1000)
    started = time.perf_counter()
    observed = np.zeros((2, len(terms)))
    dealt_chance(counts, terms, observed, prior=500.0, permutations=permutations, rng=rng)
    seconds = time.perf_counter() - started
    print(f"{permutations} permutations of {len(terms):,} words: {seconds:.1f} s")
    print(f"peak memory: {peak_mb():,.0f} MB")


if __name__ == "__main__":
    main()
