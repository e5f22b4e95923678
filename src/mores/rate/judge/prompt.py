"""What a judge is asked: the published prompt, filled in with one item, in one of two orders.

The two orders differ in one thing: the scale is written from 1 to 5, or from 5 to 1. What a digit
means stays the same. Models are known to prefer the score that stands at a certain place of such a
list (arXiv 2602.02219, 2506.22316), so two orders in which little else differs show it.

    prompt = read_prompt(study)
    prompt.text(item, "descending")
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from mores import store
from mores.rate.judge.items import Item
from mores.rate.texts import read_texts
from mores.study import Study

Order = Literal["ascending", "descending"]
ORDERS: tuple[Order, Order] = ("ascending", "descending")
FILE = "prompt.toml"


@dataclass(frozen=True)
class Prompt:
    """The prompt with a study's words for the scale."""

    version: str
    template: str
    scale: dict[int, str]

    @property
    def digest(self) -> str:
        """Of every word that does not come from an item."""
        scale = {str(n): words for n, words in self.scale.items()}
        return store.digest([self.version, self.template, scale])

    def text(self, item: Item, order: Order) -> str:
        """Return all that a judge reads of one item."""
        numbers = sorted(self.scale, reverse=order == "descending")
        return self.template.format(
            title=item.title,
            statement=item.statement,
            question=item.question,
            answer=item.answer,
            mark=f"<<{item.key[:8]}>>",
            scale="\n".join(f"{n} = {self.scale[n]}" for n in numbers),
        )


def read_prompt(study: Study) -> Prompt:
    """Return the published prompt, with the study's own words for 1, 3 and 5 where it has some.

    Raises:
        DataError: rating.toml cannot be read.
    """
    data = _file()
    own = read_texts(study).scale or {}
    scale = {int(n): words for n, words in data["scale"].items()}
    return Prompt(data["version"], data["text"].strip(), {**scale, **own})


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(resources.files("mores.rate.judge").joinpath(FILE).read_text("utf-8"))
