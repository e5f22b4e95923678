"""What people say of the answers of the study's own model: does this one refuse, does it go along?

`mores measure gates` writes every answer to ``gates/to_label.csv``, in an order drawn by the
study's seed and without arm or model. Its column ``label`` filled with yes or no, from the top as
far as one gets, and saved as ``gate_labels.csv`` in the study's folder, it says how often the rules
err on this model:

    labels = read_labels(study)              # {"3f1a…": True}
    labels.get(answer_id(gate, question, answer))
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence

from mores import store
from mores.errors import DataError
from mores.measure.gates.result import GateName
from mores.study import Study
from mores.study.files import LABELS
from mores.tables import read_table

TO_LABEL = "to_label.csv"
WORDS = {"yes": True, "no": False, "y": True, "n": False, "1": True, "0": False}
WORDS |= {"true": True, "false": False}
HEADER = ("id", "gate", "question", "answer", "label")


def answer_id(gate: GateName, question: str, answer: str) -> str:
    """Name an answer by its text: equal ones of two arms are labelled once, and none says whose."""
    return store.digest([gate, question, answer]).removeprefix("sha256:")[:16]


def read_labels(study: Study) -> dict[str, bool]:
    """Read the study's labels by `answer_id`; none where there is no file. Empty cells are skipped.

    Raises:
        DataError: no column ``id`` or ``label``, a label that is neither yes nor no, or two labels
            of one answer that differ.
    """
    path = study.folder / LABELS
    if not path.is_file():
        return {}
    labels: dict[str, bool] = {}
    for line, row in read_table(path, ["id", "label"]):
        name, said = str(row["id"]).strip(), str(row["label"]).strip().lower()
        if not said:
            continue
        if said not in WORDS:
            raise DataError(
                f"expected yes or no as a label, found {said!r}",
                path=path,
                line=line,
                fix="leave it empty where nobody can say",
            )
        if labels.setdefault(name, WORDS[said]) != WORDS[said]:
            raise DataError(
                f"answer {name!r} is labelled both yes and no",
                path=path,
                line=line,
                fix="agree on one label, or empty both",
            )
    return labels


def in_order(prompt_ids: Iterable[str], seed: int) -> list[str]:
    """Prompts in the random order in which their answers are to be labelled."""
    return sorted(set(prompt_ids), key=lambda name: store.digest([seed, "labels", name]))


def to_label(answers: Collection[tuple[GateName, str, str, str]], seed: int) -> str:
    """Return the CSV of all answers, by (gate, prompt id, question, answer)."""
    place = {name: at for at, name in enumerate(in_order((a[1] for a in answers), seed))}
    rows = {
        answer_id(gate, question, answer): (place[prompt], gate, question, answer)
        for gate, prompt, question, answer in answers
    }
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    # Within a prompt, the order of the digests says nothing of the arm.
    for name, (_, gate, question, answer) in sorted(rows.items(), key=lambda r: (r[1][0], r[0])):
        # No program that opens tables may take a model's text for a formula.
        guard = "'" if answer.lstrip()[:1] in ("=", "+", "-", "@") else ""
        table.writerow((name, gate, question, guard + answer, ""))
    return text.getvalue()


def labelled_sample(
    order: Sequence[str], labelled: Collection[str], most_missing: float
) -> tuple[list[str], str]:
    """Return the prompts that stand for all, or none and why.

    Args:
        order: prompts as `in_order`.
        labelled: those of them of which every answer has a label.
        most_missing: share of prompts that may be left out before the last that is labelled; more
            would be a choice by eye, and the rule's errors on it no sample of all.
    """
    sample = [name for name in order if name in labelled]
    if not sample:
        return [], "no label of its answers"
    reached = order.index(sample[-1]) + 1
    if len(sample) < (1 - most_missing) * reached:
        skipped = reached - len(sample)
        return [], (
            f"{LABELS} skips {skipped} of the first {reached} prompts of {TO_LABEL}: answers that "
            "were picked cannot stand for all"
        )
    return sample, ""
