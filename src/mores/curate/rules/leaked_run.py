"""M211: eight words in a row that a sample shares with an evaluation prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mores.curate.lint.rule import found
from mores.curate.lint.subject import Item, Subject
from mores.curate.text import Run, runs
from mores.records import Finding, Severity

LENGTH = 8
SHORTEST = 5
"""A prompt of 5 to 7 words counts as a run of its own; a shorter one says too little."""


class LeakedRun:
    """No sample holds eight words in a row of an evaluation prompt, in question or answer.

    A prompt of 5 to 7 words must not occur whole. A sample whose question is
    the prompt itself is M210's.
    """

    id = "M211"
    name = "leaked-run"
    severity: Severity = "error"
    of_words = True

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding for every sample and prompt that share a run."""
        known = _known_runs(subject)
        for item in subject.samples:
            for prompt, run in _shared(item, known).values():
                yield found(
                    self,
                    item,
                    f"shares {len(run)} words in a row with the evaluation prompt "
                    f'{prompt.id} ({prompt.place}): "{" ".join(run)}"',
                    fix="reword the sample, or take another evaluation prompt",
                    others=[prompt],
                )


def _known_runs(subject: Subject) -> dict[Run, list[Item]]:
    """Return which prompts hold a run."""
    known: dict[Run, list[Item]] = {}
    for prompt in subject.prompts:
        length = min(LENGTH, len(prompt.question_words))
        if length >= SHORTEST:
            for run in dict.fromkeys(runs(prompt.question_words, length)):
                known.setdefault(run, []).append(prompt)
    return known


def _shared(item: Item, known: Mapping[Run, list[Item]]) -> dict[str, tuple[Item, Run]]:
    """Return prompt id → (prompt, first shared run) of one sample."""
    shared: dict[str, tuple[Item, Run]] = {}
    for text in (item.question_words, item.answer_words):
        for length in range(LENGTH, SHORTEST - 1, -1):
            for run in runs(text, length):
                for prompt in known.get(run, ()):
                    if prompt.question_words != item.question_words:
                        shared.setdefault(prompt.id, (prompt, run))
    return shared
