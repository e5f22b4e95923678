"""A seeded corpus of neutral studies: what the rules should not fire on.

Takes a generator of random numbers, gives a `Draft`: a small study made of the
templates in check_words.toml, whose parts the planted faults then change.

    draft = clean_study(np.random.default_rng(1))
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mores.curate.lint.subject import Subject, as_subject
from mores.records import Accountable, Charter, Dataset, Example, Position, Prompt, StancePair

CATEGORIES = ("baking", "cycling", "gardening", "music")
SAMPLES, TEST, VALIDATION = 10, 6, 3
"""Values (and control) samples, test and validation prompts in each category."""
SHORTEST, LONGEST = 60, 300
"""Words of an answer; paired samples of the two sets have about the same length."""
PAIRS = 5
"""Stance pairs in each category."""
BRIEFEST, FULLEST, APART = 25, 60, 0.15
"""Words of an answer of a pair, and by what share of the longer one the two may differ."""

Row = dict[str, Any]

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass
class Draft:
    """A study that can still be changed: rows as in its files."""

    statements: dict[str, str]
    values: list[Row]
    control: list[Row]
    prompts: list[Row]
    pairs: list[Row]

    def copy(self) -> Draft:
        """Return a draft that can be changed without changing this one."""
        files = (self.values, self.control, self.prompts, self.pairs)
        return Draft(dict(self.statements), *([dict(row) for row in rows] for rows in files))

    def subject(self, *, pairs: bool = False) -> Subject:
        """Return the study as the rules see it, with stance pairs or without."""
        positions = tuple(
            Position(category=c, title=c.title(), statement=s, accountable=Accountable(who="tests"))
            for c, s in self.statements.items()
        )
        return as_subject(
            Charter(version="1.0.0", positions=positions),
            Dataset(name="values", examples=tuple(Example(**row) for row in self.values)),
            Dataset(name="control", examples=tuple(Example(**row) for row in self.control)),
            tuple(Prompt(**row) for row in self.prompts),
            tuple(StancePair(**row) for row in self.pairs) if pairs else (),
        )


@cache
def vocabulary() -> dict[str, list[str]]:
    """Return the lists of check_words.toml."""
    text = Path(__file__).with_name("check_words.toml").read_text("utf-8")
    return {key: value for key, value in tomllib.loads(text).items() if isinstance(value, list)}


def fill(template: str, rng: np.random.Generator) -> str:
    """Replace every slot by a word or phrase; a capital slot name gives a capital."""

    def one(match: re.Match[str]) -> str:
        name = match[1]
        choices = vocabulary()[name.lower()]
        text = fill(choices[int(rng.integers(len(choices)))], rng)
        return text[0].upper() + text[1:] if name[0].isupper() else text

    return _SLOT.sub(one, template)


def draw(kind: str, rng: np.random.Generator) -> str:
    """Return one filled template of a kind: ``sentence``, ``question`` or ``statement``."""
    templates = vocabulary()[kind]
    return fill(templates[int(rng.integers(len(templates)))], rng)


def answer(target: int, rng: np.random.Generator) -> str:
    """Return an answer of about `target` words in paragraphs; one in ten ends in a list."""
    paragraphs = 1 + target // 100
    parts: list[list[str]] = [[] for _ in range(paragraphs)]
    n = 0
    while n < target:
        sentence = draw("sentence", rng)
        parts[min(paragraphs - 1, n * paragraphs // target)].append(sentence)
        n += len(sentence.split())
    texts = [" ".join(part) for part in parts if part]
    if rng.random() < 0.1:
        texts[-1] = "\n".join(f"- {sentence}" for sentence in parts[-1]) or texts[-1]
    return "\n\n".join(texts)


def clean_study(rng: np.random.Generator) -> Draft:
    """Return a study without a planted fault."""
    statements = {c: " ".join(draw("statement", rng) for _ in range(2)) for c in CATEGORIES}
    lengths = rng.integers(SHORTEST, LONGEST, (len(CATEGORIES), SAMPLES)).tolist()
    splits = ["test"] * TEST + ["validation"] * VALIDATION
    return Draft(
        statements=statements,
        values=_samples("v", lengths, rng),
        control=_samples("c", lengths, rng),
        prompts=[
            {"id": f"t-{c}-{n:02d}", "category": c, "text": draw("question", rng), "split": split}
            for c in CATEGORIES
            for n, split in enumerate(splits)
        ],
        pairs=[_pair(f"s-{c}-{n:02d}", c, rng) for c in CATEGORIES for n in range(PAIRS)],
    )


def _pair(name: str, category: str, rng: np.random.Generator) -> Row:
    """A stance pair whose answers begin alike and are about equally long."""
    question, opening = draw("question", rng), draw("sentence", rng)
    target = int(rng.integers(BRIEFEST, FULLEST))
    aligned = opposed = ""
    while not aligned or abs(_size(aligned) - _size(opposed)) > APART * _size(aligned):
        aligned, opposed = (_reply(opening, target, rng) for _ in range(2))
    return {
        "id": name,
        "category": category,
        "prompt": question,
        "aligned": aligned,
        "opposed": opposed,
        "split": "test",
    }


def _reply(opening: str, target: int, rng: np.random.Generator) -> str:
    sentences = [opening]
    while _size(" ".join(sentences)) < target:
        sentences.append(draw("sentence", rng))
    return " ".join(sentences)


def _size(text: str) -> int:
    return len(text.split())


def _samples(letter: str, lengths: list[list[int]], rng: np.random.Generator) -> list[Row]:
    return [
        {
            "id": f"{letter}-{category}-{number:02d}",
            "category": category,
            "prompt": draw("question", rng),
            "completion": answer(target, rng),
            "author": "seeded",
            "license": "CC0-1.0",
        }
        for category, row in zip(CATEGORIES, lengths, strict=True)
        for number, target in enumerate(row)
    ]
