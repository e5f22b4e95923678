"""Pairs found without a table of all pairs are those of the table, to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

from mores.curate.alike import alike_answers, alike_questions
from mores.curate.similarity import pairs_above, question_similarity, run_jaccard

WORDS = [f"w{k}" for k in range(60)]


def texts(seed: int, many: int) -> list[tuple[str, ...]]:
    """Short texts of few words, a third of them another with some words exchanged."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, len(WORDS) + 1)
    found: list[tuple[str, ...]] = [()]
    for _ in range(many):
        if len(found) > 3 and rng.random() < 0.4:
            text = list(found[int(rng.integers(1, len(found)))])
            for _ in range(int(rng.integers(0, 4))):
                if text:
                    text[int(rng.integers(len(text)))] = WORDS[int(rng.integers(len(WORDS)))]
            found.append(tuple(text))
        else:
            size = int(rng.integers(1, 25))
            found.append(tuple(rng.choice(WORDS, size, p=share / share.sum()).tolist()))
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threshold", [0.2, 0.3, 0.5, 0.9, 1.0])
def test_every_pair_of_the_table_and_no_other(seed: int, threshold: float) -> None:
    a, b = texts(seed, 300), texts(seed + 100, 280)
    table = question_similarity(a, b)
    assert alike_questions(a, b, threshold, language="en") == pairs_above(table, threshold)
    assert alike_answers(a, b, threshold) == pairs_above(run_jaccard(a, b), threshold)


@pytest.mark.parametrize("seed", range(3))
def test_beside_itself_each_pair_is_found_once(seed: int) -> None:
    a = texts(seed, 400)
    asked = pairs_above(np.tril(question_similarity(a, a), -1), 0.5)
    said = pairs_above(np.tril(run_jaccard(a, a), -1), 0.3)
    assert len(asked) > 100
    assert len(said) > 100
    assert alike_questions(a, a, 0.5, language="en", below=True) == asked
    assert alike_answers(a, a, 0.3, below=True) == said


def test_nothing_beside_nothing() -> None:
    assert alike_questions([], [("a",)], 0.5, language="en") == []
    assert alike_answers([("a", "b", "c")], [], 0.3) == []
    assert alike_questions([()], [()], 0.5, language="en") == []
