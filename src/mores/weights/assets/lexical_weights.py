"""Two scikit-learn pipelines as plain arrays: `weights.npz` and `vocabulary.json`.

Takes the pickles of `alt-profanity-check` and `toxicityclassifier` (through the
restricted reader), gives for each a folder with

    vocabulary.json   the terms (words, or runs of 2 to 4 characters), a JSON list;
                      a term's place is its column
    weights.npz       idf (V), and for the linear models: coef (K, V), intercept (K);
                      alt-profanity-check also slope (K), offset (K): the sigmoids
                      of its K = 5 calibrated members

No array holds objects, so they load with ``allow_pickle=False``.

    convert_alt_profanity_check([Path("vectorizer.joblib"), Path("model.joblib")], target)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mores import store
from mores.errors import AssetError
from mores.weights.assets.unpickle import read_pickle

Floats = NDArray[np.float64]

# Settings under which `lexical.py` gives the packages' own scores. Another value
# in a file means that the file is not the one that was studied.
_COMMON = {
    "binary": False,
    "lowercase": True,
    "preprocessor": None,
    "strip_accents": None,
    "tokenizer": None,
}
# Stop words need no list here: they were left out of the vocabulary when it was fitted.
_WORDS = {
    **_COMMON,
    "analyzer": "word",
    "ngram_range": (1, 1),
    "stop_words": "english",
    "token_pattern": r"(?u)\b\w\w+\b",
}
_CHARACTERS = {**_COMMON, "analyzer": "char_wb", "ngram_range": (2, 4), "stop_words": None}


def convert_alt_profanity_check(members: Sequence[Path], target: Path) -> None:
    """Convert the vectorizer and the five calibrated linear SVMs.

    Raises:
        AssetError: the pickles do not hold what was expected.
    """
    vectorizer, model = (read_pickle(path) for path in members)
    words, idf = _tfidf(vectorizer, _WORDS, members[0])
    folds = [_fold(fold, len(words), members[1]) for fold in model.calibrated_classifiers_]
    coef, intercept, slope, offset = (np.stack(part) for part in zip(*folds, strict=True))
    _write(target, words, idf=idf, coef=coef, intercept=intercept, slope=slope, offset=offset)


def _fold(fold: Any, size: int, path: Path) -> tuple[Floats, ...]:
    """Return coefficients, intercept and the two numbers of the sigmoid of one member."""
    if fold.method != "sigmoid" or len(fold.calibrators) != 1:
        raise AssetError("expected one sigmoid calibrator a member", path=path.name)
    coef, intercept = _linear(fold.estimator, size, path)
    sigmoid = fold.calibrators[0]
    return coef, intercept, _scalar(sigmoid.a_), _scalar(sigmoid.b_)


def convert_toxicityclassifier(members: Sequence[Path], target: Path) -> None:
    """Convert the English vectorizer and its logistic regression.

    Raises:
        AssetError: the pickles do not hold what was expected.
    """
    vectorizer, model = (read_pickle(path) for path in members)
    words, idf = _tfidf(vectorizer, _CHARACTERS, members[0])
    coef, intercept = _linear(model, len(words), members[1])
    _write(target, words, idf=idf, coef=coef[None, :], intercept=intercept[None])


def _tfidf(vectorizer: Any, expected: dict[str, Any], path: Path) -> tuple[list[str], Floats]:
    """Return the terms in column order and their inverse document frequencies."""
    transformer = vectorizer._tfidf  # noqa: SLF001 (scikit-learn's name for it)
    settings = {name: getattr(vectorizer, name, None) for name in expected}
    if settings != expected:
        raise AssetError(f"other vectorizer settings than expected: {settings}", path=path.name)
    if (transformer.norm, transformer.sublinear_tf, transformer.use_idf) != ("l2", False, True):
        raise AssetError("other weighting than tf-idf with the l2 norm", path=path.name)
    columns = {str(word): int(column) for word, column in vectorizer.vocabulary_.items()}
    words = sorted(columns, key=columns.__getitem__)
    idf = _idf(transformer)
    if sorted(columns.values()) != list(range(len(words))) or idf.shape != (len(words),):
        raise AssetError("vocabulary and idf weights do not match", path=path.name)
    return words, idf


def _idf(transformer: Any) -> Floats:
    """Return the idf weights, also of an object that an old scikit-learn wrote.

    They used to be the diagonal of a sparse matrix. Newer versions load such a
    pickle and then leave the weights out without a word, which changes every score.
    """
    if hasattr(transformer, "idf_"):
        return np.asarray(transformer.idf_, dtype=np.float64)
    diagonal = transformer._idf_diag  # noqa: SLF001
    idf = np.asarray(diagonal.data, dtype=np.float64)
    if not np.array_equal(diagonal.indices, np.arange(len(idf))):
        return np.empty(0)  # not a diagonal: refused by the caller as not matching
    return idf


def _linear(model: Any, size: int, path: Path) -> tuple[Floats, Floats]:
    coef = np.asarray(model.coef_, dtype=np.float64)
    if coef.shape != (1, size) or [int(c) for c in model.classes_] != [0, 1]:
        raise AssetError(f"expected a two-class model of {size} terms", path=path.name)
    return coef[0], _scalar(model.intercept_)


def _scalar(value: Any) -> Floats:
    return np.asarray(value, dtype=np.float64).reshape(())


def _write(target: Path, words: list[str], **arrays: Floats) -> None:
    store.write_json(target / "vocabulary.json", words)
    with store.replacing(target / "weights.npz") as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
