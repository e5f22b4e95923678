"""The benchmark's twins: our runner agrees with the harness on every form that both have."""

import importlib
from dataclasses import replace

import pytest

from mores.measure.capability import Task
from mores.measure.capability.score import score_items
from mores.measure.capability.task import Item

bench = importlib.import_module("against_harness")

SENTENCE = "what is a good way to help the friend who asks for some time and care"
WORDS = SENTENCE.split()


def text(start: int, count: int) -> str:
    return " ".join(WORDS[(start * 5 + i * 3) % len(WORDS)] for i in range(count))


def items(choices: int, *, long: bool) -> tuple[Item, ...]:
    return tuple(
        Item(
            str(n),
            text(n, 25 if long else 6 + n % 4),
            tuple(f" {text(n + 7 * k + 1, 1 + (n + k) % 5)}" for k in range(choices)),
            n % choices,
        )
        for n in range(10)
    )


# The forms of the four public tasks: choices, compared by byte or in total, or a last word.
FORMS = {
    "lambada": Task("lambada", "last_word", items(1, long=True)),
    "hellaswag": Task("hellaswag", "choice", items(4, long=True), by_length=True),
    "piqa": Task("piqa", "choice", items(2, long=False), by_length=True),
    "arc_easy": Task("arc_easy", "choice", items(4, long=False)),
}


@pytest.mark.parametrize("name", FORMS)
def test_our_runner_agrees_with_the_harness(name: str, tiny, tmp_path) -> None:
    task = FORMS[name]
    twin = bench.harness_twin(task, tmp_path)
    assert [i.context for i in twin.items] == [i.context for i in task.items]
    assert [i.choices for i in twin.items] == [i.choices for i in task.items]
    row, wrong = bench.compare(tiny, task, twin, repeats=2)
    assert wrong == []
    assert row.gap < 1e-5
    assert len(row.ours) == len(row.harness) == 2
    assert "ratio" in bench.line(row)
    assert f"| {name} | 10 |" in bench.table([row], "tiny")


def test_differences_are_told(tiny) -> None:
    task = FORMS["piqa"]
    results = score_items(tiny, task)
    assert bench.differences(task, results, results) == ([], 0.0)
    other = [replace(results[0], value=1.0 - results[0].value), *results[1:]]
    other[1] = replace(other[1], logprob=other[1].logprob - 0.1)
    other[2] = replace(other[2], logprob=None, reason="NaN")
    wrong, _ = bench.differences(task, results, other)
    assert [w.split(":")[0] for w in wrong] == ["piqa 0", "piqa 1", "piqa 2"]
