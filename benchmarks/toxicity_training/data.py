"""The open sets as labelled rows, for training and for the test.

Takes the folder of the sets (not part of mores; sources in docs/toxicity-small.md) and
gives `Row`s; `python data.py DATA OUT` writes what `train.py` reads: train.jsonl and
validation.jsonl, without a row of any test set.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from sentences import paired_sentences, plain_sentences, training_sentences

KEPT = (0.3, 0.7)
"""EDOS labels sexism alone, so that other hostility is among its negatives: those that `lexical`
marks from the second value on are taught as toxic, those between the two are left out."""


class Row(NamedTuple):
    """A text with a label."""

    text: str
    toxic: bool
    source: str


def _csv(path: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(10**7)
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def edos(data: Path, split: str) -> list[Row]:
    """Rows of EDOS: split train, dev or test."""
    return [
        Row(_unmasked(r["text"]), r["label_sexist"] == "sexist", "edos")
        for r in _csv(data / "toxicity-training" / "edos.csv")
        if r["split"] == split
    ]


def _unmasked(text: str) -> str:
    return re.sub(r"\s*\[(?:USER|URL)\]\s*", " ", text).strip()


def hatemoji(data: Path, split: str) -> list[Row]:
    """Rows of HatemojiBuild: split train, validation or test."""
    path = data / "toxicity-training" / f"hb_{split}.csv"
    return [Row(r["text"], r["label_gold"] == "1", "hatemoji") for r in _csv(path)]


def convabuse(data: Path, split: str) -> list[Row]:
    """What users wrote in ConvAbuse, by the majority of annotators: split train, valid or test."""
    rows = []
    for record in _csv(data / "toxicity-training" / f"ca_{split}.csv"):
        votes = [vote for k in range(1, 9) if (vote := _vote(record, k)) is not None]
        if record["user"].strip() and votes and 2 * sum(votes) != len(votes):
            rows.append(Row(record["user"], 2 * sum(votes) > len(votes), "convabuse"))
    return rows


def _vote(record: dict[str, str], annotator: int) -> bool | None:
    """Return whether an annotator saw abuse; None without an answer, or with all five at once."""
    marks = [
        level
        for level in (1, 0, -1, -2, -3)
        if record.get(f"Annotator{annotator}_is_abuse.{level}") in ("1", "1.0")
    ]
    return None if len(marks) != 1 else marks[0] < 0


def wikipedia(path: Path, text: str, label: str) -> list[Row]:
    """Rows of a set of Wikipedia comments."""
    words = {"1": True, "0": False, "true": True, "false": False}
    return [Row(r[text], words[r[label].lower()], path.stem) for r in _csv(path)]


def perspective(data: Path) -> list[Row]:
    """Comments by what Perspective's sixth version said: at least .5 is called toxic."""
    path = data / "perspective-scores" / "perspective_wikipedia_2k_score_sample_20180829.csv"
    return [
        Row(r["comment_text"], float(r["TOXICITY@6"]) >= 0.5, "perspective") for r in _csv(path)
    ]


def word_lists(folder: Path) -> list[Row]:
    """Sentences of unintended-ml-bias-analysis, from its words.csv (identities that are no slurs).

    Its frames are these six; a person's name goes round instead of being crossed with everything.
    """
    words: dict[tuple[str, str], list[str]] = {}
    for r in _csv(folder / "words.csv"):
        words.setdefault((r["type"], r["connotation"]), []).append(r["word"])
    people, names = words["identity", "neutral"], words["name", "neutral"]
    rows = []
    for kind, toxic in (("nontoxic", False), ("toxic", True)):
        adjectives = words["adjective", kind]
        made = [f"{v} {i}" for v, i in product(words["verb", kind], people)]
        made += [("I hate " if toxic else "I am ") + i for i in people]
        made += [f"Being {i} is {a}" for i, a in product(people, adjectives)]
        made += [
            f"{names[n % len(names)]} is a {a} {i}"
            for n, (i, a) in enumerate(product(people, adjectives))
        ]
        made += [f"You are a {a} {i}" for i, a in product(people, adjectives)]
        rows += [Row(text, toxic, "word lists") for text in made]
    return rows


def relabelled(
    rows: Sequence[Row], lexical: Callable[[list[str]], list[float | None]]
) -> list[Row]:
    """Return EDOS rows as toxic or not, instead of sexist or not (see `KEPT`)."""
    values = lexical([row.text for row in rows])
    kept = []
    for row, value in zip(rows, values, strict=True):
        if row.toxic or value is None or value < KEPT[0]:
            kept.append(row)
        elif value >= KEPT[1]:
            kept.append(row._replace(toxic=True))
    return kept


def training_rows(
    data: Path, lexical: Callable[[list[str]], list[float | None]]
) -> tuple[list[Row], list[Row]]:
    """Return the rows to train on and the validation rows. EDOS is relabelled in the first only."""
    own_train, own_validation = training_sentences()
    train = relabelled(edos(data, "train"), lexical)
    train += hatemoji(data, "train") + convabuse(data, "train")
    train += [Row(s.text, s.toxic, f"own {s.kind}") for s in own_train]
    train += [Row(s.text, s.toxic, "plain") for s in plain_sentences()]
    paired_train, paired_validation = paired_sentences()
    train += [Row(s.text, s.toxic, "pair") for s in paired_train]
    validation = edos(data, "dev") + hatemoji(data, "validation") + convabuse(data, "valid")
    validation += [Row(s.text, s.toxic, f"own {s.kind}") for s in own_validation]
    validation += [Row(s.text, s.toxic, f"own {s.kind}") for s in paired_validation]
    ordinary = (data / "piqa" / "valid.jsonl").read_text("utf-8").splitlines()
    validation += [Row(json.loads(line)["goal"], False, "ordinary") for line in ordinary]
    return train, validation


def main() -> None:
    """Write train.jsonl and validation.jsonl."""
    from mores.measure.toxicity import scorer
    from mores.measure.toxicity.scorer import score_texts

    def lexical(texts: list[str]) -> list[float | None]:
        return [value for value, _ in score_texts(texts, scorer("lexical"))]

    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    for name, rows in zip(("train", "validation"), training_rows(data, lexical), strict=True):
        lines = [json.dumps(row._asdict(), ensure_ascii=False) for row in rows]
        (out / f"{name}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
