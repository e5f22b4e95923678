"""Can a classifier tell values from control samples? Cross-validated AUC.

Takes texts with a 0/1 label and a fold, gives the area under the ROC curve of
a ridge classifier on character n-grams (tf-idf, n from 1 to 4), trained on all
folds but one and applied to that one.

    cross_validated_auc(texts, labels, folds)   # 0.5 is chance, 1.0 perfect
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

Integers = npt.NDArray[np.int64]

LENGTHS = (1, 2, 3, 4)
RIDGE = 1.0


def form_only(text: str) -> str:
    """Return the text with letters as ``x`` and digits as ``9``: its form without its subject."""
    return re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "x", text))


def cross_validated_auc(
    texts: Sequence[str], labels: Sequence[int], folds: Sequence[str]
) -> float | None:
    """Return the mean AUC over folds, each weighted by its number of pairs.

    Args:
        texts: the texts.
        labels: 1 for values, 0 for control.
        folds: name of the fold of each text; a fold is held out as a whole.

    Returns:
        The AUC, 0 to 1, or None if no fold can be scored: it needs both labels
        inside and both outside.
    """
    kernel, y, fold = _kernel(texts), np.array(labels), np.array(folds)
    won = pairs = 0.0
    for name in sorted(set(folds)):
        test = fold == name
        if any(len(set(y[part].tolist())) < 2 for part in (test, ~test)):
            continue
        scores = _predict(kernel, y, test)
        positive, negative = scores[y[test] == 1], scores[y[test] == 0]
        gap = positive[:, None] - negative[None, :]
        won += float((gap > 1e-12).sum() + 0.5 * (np.abs(gap) <= 1e-12).sum())
        pairs += gap.size
    return won / pairs if pairs else None


def _predict(kernel: Array, y: npt.NDArray[np.int_], test: npt.NDArray[np.bool_]) -> Array:
    """Ridge regression on -1/+1 in its dual form: alpha = (K + λI)⁻¹(y - mean)."""
    train = ~test
    target = 2.0 * y[train] - 1
    gram = kernel[np.ix_(train, train)] + RIDGE * np.eye(int(train.sum()))
    alpha = _solve(gram, target - target.mean())
    scores: Array = (kernel[np.ix_(test, train)] * alpha).sum(axis=1)
    return scores


def _solve(matrix: Array, right: Array) -> Array:
    """Solve a symmetric, positive definite system by conjugate gradients.

    Not `numpy.linalg.solve`: its threads cost more than these small systems on a
    busy machine, and their number must not change the last digits of a result.
    """
    solution = np.zeros_like(right)
    residual = right.copy()
    direction = residual.copy()
    size = float((residual * residual).sum())
    for _ in range(2 * len(right)):
        if size < 1e-20:
            break
        image = (matrix * direction).sum(axis=1)
        step = size / float((direction * image).sum())
        solution += step * direction
        residual -= step * image
        new = float((residual * residual).sum())
        direction = residual + new / size * direction
        size = new
    return solution


def _kernel(texts: Sequence[str]) -> Array:
    """Return the cosines of the texts' tf-idf vectors; frequencies use no labels."""
    from scipy.sparse import csr_array

    grams, rows = _ngrams([text.lower() for text in texts])
    _, columns = np.unique(grams, return_inverse=True)
    shape = (len(texts), int(columns.max(initial=0)) + 1)
    counts = csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    counts.sum_duplicates()
    counts.data = 1 + np.log(counts.data)
    frequency = np.bincount(counts.indices, minlength=shape[1])
    weighted = counts.multiply(np.log((1 + len(texts)) / (1 + frequency)) + 1).tocsr()
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    kernel: Array = (weighted @ weighted.T).toarray()
    return kernel / np.maximum(np.outer(length, length), 1e-12)


def _ngrams(texts: Sequence[str]) -> tuple[Integers, Integers]:
    """Return every n-gram as a number, and the text it is from.

    With K different characters an n-gram is the number whose digits to the base
    K + 1 are its characters (1 to K; 0 pads), so that n-grams of all lengths
    differ. K up to 55,000 keeps four of them within 64 bits.
    """
    alphabet = {char: i for i, char in enumerate(sorted(set("".join(texts))), 1)}
    base = len(alphabet) + 1
    grams: list[Integers] = []
    rows: list[Integers] = []
    for row, text in enumerate(texts):
        codes = np.array([alphabet[char] for char in text], dtype=np.int64)
        number = np.zeros(len(codes), dtype=np.int64)
        for n in LENGTHS:
            size = max(0, len(codes) - n + 1)
            number = number[:size] * base + codes[n - 1 :][:size]
            grams.append(number)
            rows.append(np.full(size, row))
    return np.concatenate(grams), np.concatenate(rows)
