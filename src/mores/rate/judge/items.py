"""Completions → what a judge rates: no arm, no model, each text once.

items = judge_items(study)
items[0].completions     # all that say the same to the same question: one request, one rating each
"""

from __future__ import annotations

from dataclasses import dataclass

from mores import store
from mores.errors import DataError
from mores.rate.blind import rateable
from mores.sample.media import not_text
from mores.study import Study


@dataclass(frozen=True)
class Item:
    """One question with one answer, and the position that it is rated against."""

    title: str
    statement: str
    question: str
    answer: str
    """Without white space around it, as people see it; empty where the model wrote nothing."""
    completions: tuple[str, ...]
    """Ids of all that it stands for. No judge reads them."""
    apart: str = ""
    """Why no judge is asked: an image, a sound or a film."""

    @property
    def key(self) -> str:
        """Digest of what is read, 64 hexadecimal digits."""
        read = [self.title, self.statement, self.question, self.answer]
        return store.digest(read).removeprefix("sha256:")


def judge_items(study: Study) -> list[Item]:
    """Return the items of all models, in the order of their first completions.

    These are the answers that people rate too: of the arms and draws that `rating` names.

    Raises:
        DataError: nothing was sampled for them, or what was sampled is not of now.
    """
    prompts = {prompt.id: prompt.asked for prompt in study.prompts}
    same: dict[tuple[str, str, str, str], list[str]] = {}
    for spec in study.config.models:
        for row in rateable(study, spec):
            read = (row.category, prompts[row.prompt_id], row.text.strip(), not_text(row))
            same.setdefault(read, []).append(row.id)
    if not same:
        raise DataError(
            "no completions of the arms that are to be rated",
            path=study.run_folder,
            fix="run `mores sample`, or see rating.arms in `mores plan`",
        )
    items = []
    for (category, question, answer, apart), ids in same.items():
        position = study.charter.position(category)
        items.append(Item(position.title, position.statement, question, answer, tuple(ids), apart))
    return items
