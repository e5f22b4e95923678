"""Which output of a sequence classifier is scored, and how a logit becomes a number from 0 to 1.

    choose_outputs(["neutral", "toxic"], problem_type=None, wanted=())   # column 1, softmax

Sigmoid or softmax, by the rule of transformers' own text-classification pipeline:

    problem_type multi_label_classification, or one output    sigmoid of each output
    problem_type single_label_classification, or else          softmax over the outputs
    problem_type regression                                    refused: no fixed scale
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mores.errors import MeasureError, did_you_mean

TOXIC_NAMES = ("toxicity", "toxic", "hatespeech", "hate", "hateful", "offensive", "abusive", "hap")
"""Label names taken as "toxic", the first that a model has; compared without case and marks."""


@dataclass(frozen=True)
class Outputs:
    """Columns of a classifier's logits that count together, and how they become probabilities."""

    columns: tuple[int, ...]
    softmax: bool


def choose_outputs(
    labels: Sequence[str], *, problem_type: str | None, wanted: Sequence[str], where: str = ""
) -> Outputs:
    """Choose the outputs to score.

    Args:
        labels: the model's label names, in column order.
        problem_type: of the model's configuration.
        wanted: labels that were asked for; none: the first of `TOXIC_NAMES`.
        where: the model, for messages.

    Raises:
        MeasureError: a regression model, a label that is unknown or there twice, or no label that
            is called toxic.
    """
    if problem_type == "regression":
        raise MeasureError(
            "a regression model gives numbers on a scale of its own, not probabilities",
            where=where,
            fix="choose a model trained for classification",
        )
    columns = tuple(_column(labels, name, where) for name in wanted or (None,))
    if len(set(columns)) != len(columns):
        raise MeasureError("a label is named twice", where=where, fix="name each label once")
    return Outputs(columns, len(labels) > 1 and problem_type != "multi_label_classification")


def together(shares: Sequence[float], *, softmax: bool) -> float:
    """Return one number for several labels of one text.

    Softmax outputs exclude each other, so that the probability of any of them is their
    sum. Sigmoid outputs do not, and what is known of their union is that it is at least
    the highest: that is taken.
    """
    return min(1.0, sum(shares)) if softmax else max(shares)


def _column(labels: Sequence[str], wanted: str | None, where: str) -> int:
    plain = [_plain(label) for label in labels]
    if wanted is not None:
        if _plain(wanted) in plain:
            return plain.index(_plain(wanted))
        raise MeasureError(
            f"the model has no label {wanted!r}{did_you_mean(wanted, list(labels))}",
            where=where,
            fix="labels: " + ", ".join(labels),
        )
    for name in TOXIC_NAMES:
        if name in plain:
            return plain.index(name)
    if len(labels) == 1:
        return 0
    raise MeasureError(
        f"which of the labels {', '.join(labels)} stands for toxic is not known",
        where=where,
        fix=f"name it after a #, such as hf:<model>#{labels[-1]}",
    )


def _plain(name: str) -> str:
    # "not_hate" stays different from "hate": only case and separators go.
    return re.sub(r"[\W_]+", "", name).lower()
