"""Does a small encoder earn being shipped? The protocol of docs/toxicity-small.md, in three steps.

    python trial.py texts DATA WORDS OUT    # OUT/tests.jsonl.gz and lexical.json
    python trial.py choose OUT              # on validation rows only: layers and thresholds
    python trial.py test OUT                # tables and verdict

DATA holds the open sets, WORDS holds words.csv of unintended-ml-bias-analysis. Between the first
two steps `train.py` writes OUT/validation.json and OUT/tests.json.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from data import Row, convabuse, edos, hatemoji, perspective, wikipedia, word_lists
from numpy.typing import NDArray
from sentences import test_sentences

ROOT = Path(__file__).parents[2]
CANDIDATES = ("two", "three", "four", "refined")
GAIN = 0.005
"""Macro AUC on validation rows that a larger model must add to be chosen."""
MOST_OWN, MOST_ORDINARY = 0.0025, 0.005
"""False alarms on validation rows that a threshold may leave."""

Floats = NDArray[np.float64]


class Test(NamedTuple):
    """One row of a test set."""

    text: str
    toxic: bool
    test: str
    kind: str
    cluster: str


def tests(data: Path, words: Path) -> list[Test]:
    """Return the rows of all test sets."""
    rows = [Test(s.text, s.toxic, "own", s.kind, s.frame) for s in test_sentences()]
    open_sets = {
        "EDOS": edos(data, "test"),
        "HatemojiBuild": hatemoji(data, "test"),
        "ConvAbuse": convabuse(data, "test"),
        "word lists": word_lists(words),
        "Jigsaw": wikipedia(data / "jigsaw-sample" / "train.csv", "comment_text", "toxic"),
        "Perspective": perspective(data),
        "twins": _limits(),
    }
    for name, stem in (("non-fuzzed", "nonfuzzed"), ("fuzzed", "fuzzed")):
        path = data / "unintended-bias" / f"toxicity_{stem}_testset.csv"
        open_sets[name] = wikipedia(path, "comment", "toxic")
    for name, found in open_sets.items():
        rows += [Test(r.text, r.toxic, name, "", str(n)) for n, r in enumerate(found)]
    for name, texts in ordinary(data).items():
        rows += [Test(t, False, f"ordinary: {name}", "", str(n)) for n, t in enumerate(texts)]
    return rows


def _limits() -> list[Row]:
    """Return the pairs and frames that show the limits of `lexical`, written long before."""
    path = ROOT / "tests" / "measure" / "toxicity" / "test_lexical_limits.py"
    spec = importlib.util.spec_from_file_location("limits", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = [Row(t, i == 0, "twins") for pair in module.PAIRS for i, t in enumerate(pair)]
    return rows + [Row(f.format(g), False, "twins") for f in module.FRAMES for g in module.GROUPS]


def ordinary(data: Path) -> dict[str, list[str]]:
    """Return texts that nobody wrote to be hostile, without labels."""
    packed = (data / "hellaswag" / "hellaswag_val_full.txt.bz2").read_bytes()
    items = bz2.decompress(packed).decode("utf-8").splitlines()
    comments = []
    for path in sorted((data / "polis").glob("*/comments.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            comments += [row["comment-body"] for row in csv.DictReader(file)]
    answers = ROOT / "tests" / "measure" / "gates" / "styled_answers.jsonl"
    oracle = data / "genbit-oracle" / "input" / "winogender_en_50.tsv"
    return {
        "HellaSwag": items[::6][:2000],
        "winogender": oracle.read_text("utf-8").splitlines(),
        "Polis": comments,
        "answers": [json.loads(line)["answer"] for line in answers.read_text().splitlines()],
    }


def texts(data: Path, words: Path, out: Path) -> None:
    """Write the test rows, and what `lexical` says of them and of the validation rows."""
    from mores.measure.toxicity import scorer
    from mores.measure.toxicity.scorer import score_texts

    rows = tests(data, words)
    with gzip.open(out / "tests.jsonl.gz", "wt", encoding="utf-8") as file:
        for row in rows:
            kept = {"text": row.text, "toxic": row.toxic, "source": row.test}
            print(json.dumps(kept | {"kind": row.kind, "cluster": row.cluster}), file=file)
    lexical = scorer("lexical")
    values = {}
    for name, listed in (("validation", read(out, "validation")), ("tests", read(out, "tests"))):
        values[name] = [value for value, _ in score_texts([r["text"] for r in listed], lexical)]
    (out / "lexical.json").write_text(json.dumps(values))


def read(out: Path, name: str) -> list[dict[str, Any]]:
    """Return rows that were written."""
    with gzip.open(out / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def forms(out: Path, part: str, name: str) -> dict[str, Floats]:
    """Return the values of a model, alone and as mean with `lexical`; NaN where that has none."""
    logits = np.array(json.loads((out / f"{part}.json").read_text())[name])
    values = json.loads((out / "lexical.json").read_text())[part]
    lexical = np.array([np.nan if v is None else v for v in values])
    alone = 1 / (1 + np.exp(-logits))
    return {"alone": np.where(np.isnan(lexical), np.nan, alone), "mean": (alone + lexical) / 2}


def auc(values: Floats, toxic: NDArray[np.bool_]) -> float:
    """Mann-Whitney AUC, ties half."""
    from scipy.stats import rankdata

    n = int(toxic.sum())
    ranks = rankdata(values)
    return float((ranks[toxic].sum() - n * (n + 1) / 2) / (n * (len(values) - n)))


def f1(marked: NDArray[np.bool_], toxic: NDArray[np.bool_]) -> float:
    """F1 of the marked."""
    return float(2 * (marked & toxic).sum() / max(1, marked.sum() + toxic.sum()))


def choose(out: Path) -> None:
    """Choose layers and thresholds on the validation rows, and write them."""
    rows = read(out, "validation")
    toxic = np.array([r["toxic"] for r in rows])
    source = np.array([r["source"].split()[0] for r in rows])
    labelled = ("edos", "hatemoji", "convabuse")
    table, thresholds = {}, {}
    for name in json.loads((out / "validation.json").read_text()):
        for form, values in forms(out, "validation", name).items():
            known = ~np.isnan(values)
            parts = {s: known & (source == s) for s in (*labelled, "own")}
            areas = {s: auc(values[m], toxic[m]) for s, m in parts.items()}
            table[name, form] = float(np.mean(list(areas.values())))
            grid = np.arange(1, 100) / 100
            scores = [
                np.mean([f1(values[parts[s]] >= t, toxic[parts[s]]) for s in labelled])
                for t in grid
            ]
            best = float(grid[int(np.argmax(scores))])
            limits = [
                _quiet(values[known & (source == s) & ~toxic], most)
                for s, most in (("own", MOST_OWN), ("ordinary", MOST_ORDINARY))
            ]
            thresholds[f"{name} {form}"] = max(best, *limits)
            shown = ", ".join(f"{s} {a:.3f}" for s, a in areas.items())
            print(f"{name} {form}: macro {table[name, form]:.3f} ({shown}); F1 best at {best:.2f}, "
                  f"quiet from {limits[0]:.2f} (own), {limits[1]:.2f} (ordinary)")  # fmt: skip
    trained = [name for name in CANDIDATES if (name, "alone") in table]
    chosen = trained[0]
    for name in trained[1:]:
        if table[name, "alone"] > table[chosen, "alone"] + GAIN:
            chosen = name
    print(f"chosen: {chosen}")
    (out / "chosen.json").write_text(json.dumps({"model": chosen, "thresholds": thresholds}))


def _quiet(harmless: Floats, most: float) -> float:
    """Return the smallest threshold, in hundredths, that marks no more than this share."""
    for hundredths in range(1, 100):
        if (harmless >= hundredths / 100).mean() <= most:
            return hundredths / 100
    return 0.99


def main() -> None:
    """Do one step."""
    step, *rest = sys.argv[1:]
    if step == "texts":
        texts(*map(Path, rest))
    elif step == "choose":
        choose(Path(rest[0]))
    else:
        from verdict import report

        report(Path(rest[0]))


if __name__ == "__main__":
    main()
