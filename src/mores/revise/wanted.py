"""Questions and positions → the drafts that are wanted.

for one in wanted_drafts(study, Path("questions.csv"), candidates=2): print(one.id, one.task)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mores.errors import DataError, did_you_mean
from mores.study import Study
from mores.study.languages import english_name, is_english
from mores.tables import read_table

TASK = (
    "{statement}\n\nAnswer the question in the spirit of this position, in plain everyday words "
    "and short sentences, in 60 to 200 words. Say in the first two sentences where you stand, then "
    "give reasons and concrete help. Do not mention the position itself."
)


@dataclass(frozen=True)
class Wanted:
    """One draft to be written."""

    id: str
    category: str
    question: str
    task: str
    """The position, and what to do with it."""
    number: int
    """Which candidate of its question it is, from 0."""


def wanted_drafts(study: Study, questions: Path, candidates: int) -> Iterator[Wanted]:
    """Return each question's candidates.

    Args:
        study: gives the positions.
        questions: a table with the columns prompt and category, and id where there are any.
        candidates: answers to each question.

    Raises:
        DataError: a question has no category of the charter, or the file cannot be read.
    """
    known = list(study.charter.categories)
    for number, (line, row) in enumerate(read_table(questions, ("prompt", "category")), 1):
        category = str(row["category"] or "").strip()
        if category not in known:
            raise DataError(
                f"unknown category {category!r}{did_you_mean(category, known)}",
                path=questions,
                where=f"line {line}",
                fix="categories of charter.toml: " + ", ".join(known),
            )
        name = str(row.get("id") or f"draft-{number:03d}")
        task = TASK.format(statement=study.charter.position(category).statement)
        if not is_english(study.charter.language):
            task += f" Write in {english_name(study.charter.language)}."
        for candidate in range(candidates):
            yield Wanted(f"{name}-{candidate + 1}", category, str(row["prompt"]), task, candidate)
