"""Counting a million texts beside ConvoKit's FightingWords; and false positives under no effect.

    python benchmarks/cooccurrence.py                          # a million texts, mores only
    python benchmarks/cooccurrence.py --peer PATH/bin/python   # beside ConvoKit, in its environment
    python benchmarks/cooccurrence.py --null                   # random halves, about a minute

Texts are generated and seeded: about 40 words each out of 50,000 with frequencies after
Zipf's law, two groups in turn. They are written to a temporary file, which either side
reads in a fresh process of its own; memory is the peak of that process. The parent stays
small, because a child's peak can never be below its parent's.

ConvoKit is the peer because it computes the same thing (Monroe et al. 2008). It needs an
environment of its own: `python -m venv peer; peer/bin/pip install convokit`. It is given the
better end: single words instead of runs of up to three, no cleaning of texts, its reading and
the building of its corpus not timed. It turns the counts into a dense texts x words matrix, so
it gets as many texts as fit (``--peer-texts``), and rates per text are compared on these.
Both sides' counts and z must be equal, or the program ends with code 1.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import io
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

WORDS, LENGTH, GROUPS = 50_000, 40, ("men", "women")
PRIOR = 0.1
"""ConvoKit's pseudo-count of every word."""
SPLITS, CORPORA = 1000, 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print; return 1 where the two sides' numbers differ."""
    options = parse(arguments)
    if options.side:
        print(json.dumps(SIDES[options.side](options)))
        return 0
    print(machine())
    if options.null:
        print(null_table(options.splits))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return compare(options, Path(folder))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else None)
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--peer", metavar="PYTHON", help="interpreter that has ConvoKit")
    parser.add_argument("--peer-texts", type=int, default=20_000, help="texts for the peer")
    parser.add_argument("--repeats", type=int, default=3, help="of the comparison with the peer")
    parser.add_argument("--null", action="store_true", help="false positives under random halves")
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--side", choices=tuple(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


# --- the texts ---------------------------------------------------------------------------


def vocabulary(size: int, rng: Any) -> list[str]:
    """Return different words of 2 to 10 letters, the most frequent first."""
    import numpy as np

    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    found: dict[str, None] = {}
    while len(found) < size:
        found["".join(rng.choice(letters, rng.integers(2, 11)))] = None
    return list(found)


def shares(size: int) -> Any:
    """Return shares of so many words after Zipf and Mandelbrot."""
    import numpy as np

    weights = 1.0 / (np.arange(size) + 2.7)
    return weights / weights.sum()


def texts(n: int, seed: int = 1, batch: int = 10_000) -> Iterator[tuple[str, str]]:
    """Yield n pairs of a text and its group, in turn; lengths are Poisson with mean 40."""
    import numpy as np

    rng = np.random.default_rng(seed)
    names, ends = vocabulary(WORDS, rng), np.cumsum(shares(WORDS))
    for start in range(0, n, batch):
        lengths = np.maximum(rng.poisson(LENGTH, min(batch, n - start)), 1)
        drawn = np.minimum(np.searchsorted(ends, rng.random(lengths.sum())), WORDS - 1)
        for i, part in enumerate(np.split(drawn, np.cumsum(lengths)[:-1])):
            yield " ".join([names[w] for w in part.tolist()]), GROUPS[(start + i) % 2]


def read(path: Path, n: int) -> Iterator[tuple[str, str]]:
    """Yield the first n pairs of a text and its group from a file of lines."""
    with path.open(encoding="ascii") as file:
        for line, _ in zip(file, range(n), strict=False):
            group, _, text = line.rstrip("\n").partition("\t")
            yield text, group


# --- the sides, each in a process of its own ---------------------------------------------


def write_side(options: argparse.Namespace) -> dict[str, Any]:
    """Write one text a line, its group before a tab."""
    start = time.perf_counter()
    with options.file.open("w", encoding="ascii") as file:
        file.writelines(f"{group}\t{text}\n" for text, group in texts(options.texts))
    return {"seconds": time.perf_counter() - start, "megabytes": options.file.stat().st_size / 1e6}


def mores_side(options: argparse.Namespace) -> dict[str, Any]:
    """Read and count the texts as a stream, then compute every word's z."""
    import numpy as np

    from mores.measure.cooccurrence.count import count_stream
    from mores.measure.cooccurrence.log_odds import group_log_odds

    before = peak_mb()
    start = time.perf_counter()
    counts = count_stream(read(options.file, options.texts))
    counted = time.perf_counter() - start
    by_group = counts.by_group()
    group_log_odds(by_group, prior=500.0)
    seconds = time.perf_counter() - start
    if options.out:
        np.savez(options.out, words=np.array(counts.vocabulary), counts=by_group)
    return {
        "texts": len(counts.group_of),
        "words": int(by_group.sum()),
        "vocabulary": len(counts.vocabulary),
        "count_seconds": counted,
        "seconds": seconds,
        "peak_mb": peak_mb(),
        "before_mb": before,
    }


def peer_side(options: argparse.Namespace) -> dict[str, Any]:
    """Fit ConvoKit's FightingWords on the same texts."""
    import numpy as np
    from convokit import Corpus, Speaker, Utterance
    from convokit.fighting_words import FightingWords
    from sklearn.feature_extraction.text import CountVectorizer

    speaker = Speaker(id="model")
    with contextlib.redirect_stdout(io.StringIO()):
        corpus = Corpus(
            utterances=[
                Utterance(
                    id=str(i), conversation_id=str(i), speaker=speaker, text=text, meta={"g": g}
                )
                for i, (text, g) in enumerate(read(options.file, options.peer_texts))
            ]
        )
        before = peak_mb()
        # Its own defaults, but for single words instead of runs of one to three.
        vectorizer = CountVectorizer(min_df=10, max_df=0.5, max_features=15_000)
        model = FightingWords(cv=vectorizer, text_func=lambda u: u.text, prior=PRIOR)
        start = time.perf_counter()
        model.fit(corpus, *(lambda u, g=g: u.meta["g"] == g for g in GROUPS))
        seconds = time.perf_counter() - start
    words = vectorizer.get_feature_names_out()
    z = np.array([model.get_zscore(word) for word in words])
    np.savez(options.out, words=words.astype(str), counts=model._count_matrix, z=z)  # noqa: SLF001
    return {
        "texts": options.peer_texts,
        "vocabulary": len(words),
        "seconds": seconds,
        "peak_mb": peak_mb(),
        "before_mb": before,
    }


def peak_mb() -> float:
    """Return this process's peak memory so far (Linux reports kilobytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


SIDES: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "write": write_side,
    "mores": mores_side,
    "peer": peer_side,
}


# --- the comparison ----------------------------------------------------------------------


def compare(options: argparse.Namespace, folder: Path) -> int:
    """Count all texts, then as many as the peer can hold with both sides in turn."""
    file = folder / "texts.tsv"
    n = max(options.texts, options.peer_texts if options.peer else 0)
    _child(sys.executable, "write", file=file, texts=n)
    print(describe(_child(sys.executable, "mores", file=file, texts=options.texts)), flush=True)
    if not options.peer:
        print(
            "No peer. For one: python -m venv peer; peer/bin/pip install convokit; "
            "then --peer peer/bin/python"
        )
        return 0
    ours, theirs, n = [], [], min(options.texts, options.peer_texts)
    for _ in range(options.repeats):
        out = folder / "mores.npz"
        ours.append(_child(sys.executable, "mores", file=file, texts=n, out=out))
        out = folder / "peer.npz"
        theirs.append(_child(options.peer, "peer", file=file, peer_texts=n, out=out))
    print(table(ours, theirs))
    print(dense(theirs[0], options.texts))
    wrong = disagreement(folder / "mores.npz", folder / "peer.npz")
    print(wrong or f"Counts and z of all {theirs[0]['vocabulary']:,} words of the peer are equal.")
    return 1 if wrong else 0


def describe(found: dict[str, Any]) -> str:
    """Return what counting all texts took, in a sentence."""
    return (
        f"mores: {found['texts']:,} texts, {found['words']:,} words ({found['vocabulary']:,} "
        f"different): counted in {found['count_seconds']:.1f} s, with every word's z in "
        f"{found['seconds']:.1f} s, peak {found['peak_mb']:,.0f} MB; one process."
    )


def table(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> str:
    """Return medians, ranges and ratios of the two sides on the same texts."""
    rows = [f"| {ours[0]['texts']:,} texts | mores | ConvoKit | ratio |", "|---|---|---|---|"]
    for name, key, form in (("seconds", "seconds", ",.2f"), ("peak, MB", "peak_mb", ",.0f")):
        own, other = ([run[key] for run in side] for side in (ours, theirs))
        ratio = middle(other) / middle(own)
        rows.append(f"| {name} | {spread(own, form)} | {spread(other, form)} | {ratio:.1f} |")
    rates = [middle([run["texts"] / run["seconds"] for run in side]) for side in (ours, theirs)]
    ratio = rates[0] / rates[1]
    rows.append(f"| texts a second | {rates[0]:,.0f} | {rates[1]:,.0f} | {ratio:.1f} |")
    return "\n".join(rows)


def middle(values: Sequence[float]) -> float:
    """Return the median (the lower of two middle ones)."""
    return sorted(values)[(len(values) - 1) // 2]


def spread(values: Sequence[float], form: str) -> str:
    """Return the median with the least and greatest, where there are several."""
    text = format(middle(values), form)
    if len(values) == 1:
        return text
    return f"{text} ({format(min(values), form)}-{format(max(values), form)})"


def dense(peer: dict[str, Any], wanted: int) -> str:
    """Say why the peer does not get all texts."""
    bytes_a_text = 8 * peer["vocabulary"]
    return (
        f"ConvoKit's matrix is dense: {peer['vocabulary']:,} words x 8 bytes a text, "
        f"{bytes_a_text * wanted / 1e9:,.0f} GB for {wanted:,} texts."
    )


def disagreement(ours: Path, theirs: Path) -> str:
    """Return how the two sides' counts or z differ, or nothing where they do not."""
    import numpy as np

    from mores.measure.cooccurrence.log_odds import log_odds_ratio, wald_variance

    own, other = np.load(ours), np.load(theirs)
    place = {word: i for i, word in enumerate(own["words"].tolist())}
    lacking = [word for word in other["words"].tolist() if word not in place]
    if lacking:
        return f"{len(lacking)} words of the peer were not counted, such as {lacking[0]!r}"
    y = own["counts"][:, [place[word] for word in other["words"].tolist()]].astype(float)
    if not np.array_equal(y, other["counts"]):
        return f"{int((y != other['counts']).any(axis=0).sum())} words have other counts"
    n, width = y.sum(axis=1), y.shape[1]
    alpha = np.full(width, PRIOR)
    delta = log_odds_ratio(y[0], n[0], y[1], n[1], alpha, PRIOR * width).delta
    z = delta / np.sqrt(wald_variance(y[0], y[1], alpha))
    # The peer computes in single precision.
    off = float(np.abs(z - other["z"]).max())
    return "" if off < 1e-3 else f"z differs by up to {off:.2g}"


# --- no effect ---------------------------------------------------------------------------


def null_table(splits: int) -> str:
    """Return how often words are shown between random halves of one corpus, as a table."""
    rows = [
        "| random halves of 400 texts | any word: `p_family` | a word: `p_word` | a word: `p` |",
        "|---|---|---|---|",
    ]
    for name, concentration in (("words drawn independently", None), ("words in bursts", 60.0)):
        family, word, normal = null_rates(splits, concentration)
        rows.append(f"| {name} | {family} | {word} | {normal} |")
    return (
        "\n".join(rows) + f"\n\nShares at most .05; {splits:,} splits a row, ± one standard error."
    )


def null_rates(splits: int, concentration: float | None) -> list[str]:
    """Split generated corpora at random; return the three rates with standard errors."""
    import numpy as np

    from mores.measure.cooccurrence.associate import Settings, associate

    rng, found = np.random.default_rng(2), []
    settings = Settings(min_count=10, permutations=199, prior=500.0, top=10**6)
    for number in range(splits):
        if number % max(splits // CORPORA, 1) == 0:
            corpus = bursts(400, rng, concentration)
        labels = rng.permutation(["a", "b"] * 200).tolist()
        result = associate(corpus, labels, order="ab", settings=settings, rng=rng)
        p = np.array([(t.p_word, t.p) for t in result.terms], dtype=float)
        found.append(((result.shown or 0) > 0, *(p <= 0.05).mean(axis=0)))
    rates = np.array(found, dtype=float)
    errors = rates.std(axis=0) / np.sqrt(len(rates))
    return [f"{r:.3f} ± {e:.3f}" for r, e in zip(rates.mean(axis=0), errors, strict=True)]


def bursts(n: int, rng: Any, concentration: float | None, words: int = 2000) -> list[str]:
    """Return texts of about 40 words; with a concentration, each has its own Dirichlet shares."""
    names, share = vocabulary(words, rng), shares(words)
    found = []
    for _ in range(n):
        own = share if concentration is None else rng.dirichlet(concentration * share)
        found.append(" ".join([names[w] for w in rng.choice(words, rng.poisson(LENGTH), p=own)]))
    return found


def machine() -> str:
    """Return date, processor, cores and Python in a line."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = names[0] if names else platform.machine()
    today = dt.datetime.now(dt.UTC).date()
    return f"{today}, {name}, {cores} cores, Python {platform.python_version()}"


def _child(python: str, side: str, **options: Any) -> dict[str, Any]:
    """Run one side in a fresh process; return what it prints last."""
    flags = [part for k, v in options.items() for part in (f"--{k.replace('_', '-')}", str(v))]
    command = [python, str(Path(__file__).resolve()), "--side", side, *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the {side} side failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return found


if __name__ == "__main__":
    sys.exit(main())
