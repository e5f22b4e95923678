"""M407: how well a classifier tells values from control samples. Information only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mores.curate.lint.rule import found_in_file
from mores.curate.lint.subject import Item, Subject
from mores.curate.style.classifier import cross_validated_auc, form_only
from mores.records import Finding, Severity

FOLDS = 5

MOST = 1000
"""Samples of each set that the classifier looks at: its time grows with their square."""


class StyleClassifier:
    """Says how well a classifier of character n-grams tells the two sets apart.

    Always information: the sets are about different subjects, so a high value
    on the letters is expected. The second value masks every letter and digit and
    keeps word lengths, punctuation and layout; that one should be near 0.5.
    Folds are the categories, so that a subject is never in training and test.
    """

    id = "M407"
    name = "style-classifier"
    severity: Severity = "info"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding with the AUC, or with the reason why there is none."""
        if not subject.samples:  # nothing is tuned
            return
        subject, drawn = _few_enough(subject)
        items = subject.samples
        labels = [int(item.part == "values") for item in items]
        folds, kind = _folds(subject)
        auc = cross_validated_auc([item.answer for item in items], labels, folds)
        form = cross_validated_auc([form_only(item.answer) for item in items], labels, folds)
        if auc is None or form is None:
            yield found_in_file(
                self, "control.jsonl", "AUC not computable: a set has fewer than two samples"
            )
            return
        yield found_in_file(
            self,
            "control.jsonl",
            f"a classifier tells values from control answers with AUC {auc:.2f} on character "
            f"n-grams (subject included) and {form:.2f} on form alone (letters masked), "
            f"{kind}{drawn}; 0.5 is chance",
            value=round(auc, 4),
        )


def _few_enough(subject: Subject) -> tuple[Subject, str]:
    """The subject with as many samples of each set as are compared pair by pair, and which."""
    sets = {"values": subject.values, "control": subject.control}
    if all(len(items) <= MOST for items in sets.values()):
        return subject, ""
    rng = np.random.default_rng(subject.seed)
    kept: dict[str, tuple[Item, ...]] = {
        name: tuple(items[i] for i in np.sort(rng.permutation(len(items))[:MOST]))
        for name, items in sets.items()
    }
    said = " and ".join(f"{len(kept[n]):,} of {len(sets[n]):,} {n} samples" for n in sets)
    fewer = replace(subject, values=kept["values"], control=kept["control"])
    return fewer, f", on {said}, drawn at random"


def _folds(subject: Subject) -> tuple[list[str], str]:
    """Return each sample's fold: its category, or one of five where categories do not do."""
    shared = {i.category for i in subject.values} & {i.category for i in subject.control}
    if len(shared) >= 2:
        return [i.category for i in subject.samples], "each category held out once"
    rng = np.random.default_rng(subject.seed)
    return [
        *_split(subject.values, rng),
        *_split(subject.control, rng),
    ], "cross-validated in up to 5 folds"


def _split(items: tuple[Item, ...], rng: np.random.Generator) -> list[str]:
    return [str(fold) for fold in rng.permutation(np.arange(len(items)) % FOLDS)]
