"""Sentences about groups of people, for training and for the test, with no group or frame in both.

Takes identities.txt and the templates beside this file, gives labelled sentences.

    test = test_sentences()         # groups and frames that no training sentence has
    train, validation = training_sentences(rng)

Half of the groups of each kind, drawn by `SEED`, are the test's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
SEED = 20261127
SHARE_VALIDATION = 0.2
"""Of the training's groups, and of its frames of each kind."""


class Group(NamedTuple):
    """A group of people and how to name it."""

    kind: str
    plural: str
    person: str
    adjective: str

    @property
    def noun(self) -> str:
        """One of them, without the article."""
        return self.person.split(" ", 1)[1]


class Frame(NamedTuple):
    """A sentence with places for a group; harmless unless its kind is "hostile"."""

    kind: str
    text: str


class Sentence(NamedTuple):
    """A sentence about a group, or about none."""

    text: str
    kind: str
    group: str
    frame: str

    @property
    def toxic(self) -> bool:
        """Whether it is hostile."""
        return self.kind == "hostile"


def _lines(name: str) -> Iterator[list[str]]:
    for line in (HERE / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            yield [part.strip() for part in line.split(" | ")]


def groups() -> tuple[list[Group], list[Group]]:
    """Return the groups for training and those for the test."""
    rng = random.Random(SEED)
    by_kind: dict[str, list[Group]] = {}
    for parts in _lines("identities.txt"):
        by_kind.setdefault(parts[0], []).append(Group(*parts))
    train: list[Group] = []
    test: list[Group] = []
    for members in by_kind.values():
        rng.shuffle(members)
        half = len(members) // 2
        train += members[half:]
        test += members[:half]
    return train, test


def frames(name: str) -> list[Frame]:
    """Return the frames of a file beside this one."""
    return [Frame(*parts) for parts in _lines(name)]


def fill(frame: Frame, group: Group, other: Group) -> Sentence | None:
    """Return the sentence, or None where the group has no adjective and the frame asks for one."""
    if "{adj}" in frame.text and group.adjective == "-":
        return None
    text = frame.text
    if group.adjective[:1].lower() in "aeio":  # not "u": a Uyghur, a Ukrainian
        text = text.replace("a {adj}", "an {adj}").replace("A {adj}", "An {adj}")
    text = text.format(
        plural=group.plural,
        person=group.person,
        person2=group.noun,
        adj=group.adjective,
        plural2=other.plural,
    )
    return Sentence(text[0].upper() + text[1:], frame.kind, group.plural, frame.text)


def _product(frames: Sequence[Frame], groups: Sequence[Group], seed: int) -> list[Sentence]:
    rng = random.Random(seed)
    made = (
        fill(frame, group, rng.choice([g for g in groups if g != group]))
        for frame in frames
        for group in groups
    )
    return [sentence for sentence in made if sentence is not None]


def test_sentences() -> list[Sentence]:
    """Return each test frame with each test group."""
    return _product(frames("templates_test.txt"), groups()[1], SEED)


def training_groups() -> tuple[list[Group], list[Group]]:
    """Return the groups to train on and those of the validation sentences."""
    known = groups()[0]
    random.Random(SEED + 1).shuffle(known)
    m = round(SHARE_VALIDATION * len(known))
    return known[m:], known[:m]


def training_sentences() -> tuple[list[Sentence], list[Sentence]]:
    """Return those to train on, and validation sentences of other frames and other groups."""
    rng = random.Random(SEED + 1)
    train, validation = training_groups()
    listed: dict[str, list[Frame]] = {}
    for frame in frames("templates_train.txt"):
        listed.setdefault(frame.kind, []).append(frame)
    kept: list[Frame] = []
    held: list[Frame] = []
    for of_kind in listed.values():
        rng.shuffle(of_kind)
        n = round(SHARE_VALIDATION * len(of_kind))
        held += of_kind[:n]
        kept += of_kind[n:]
    return _product(kept, train, SEED), _product(held, validation, SEED)


def paired_sentences(each: int = 16) -> tuple[list[Sentence], list[Sentence]]:
    """Return hostile and harmless sentences that share most words, to train on and to validate.

    Args:
        each: how many sentences a phrase gives in training, each with a group, an opener and a
            closer drawn at random (both sides of a pair with the same draw).
    """
    rng = random.Random(SEED + 2)
    around = list(_lines("openers.txt"))
    pairs = list(_lines("phrases_train.txt"))
    train, validation = training_groups()
    rng.shuffle(pairs)
    n = round(SHARE_VALIDATION * len(pairs))
    kept: list[Sentence] = []
    held: list[Sentence] = []
    for k, pair in enumerate(pairs):
        known, to = (validation, held) if k < n else (train, kept)
        for _ in range(each):
            group, (opener, closer) = rng.choice(known), rng.choice(around)
            for kind, phrase in zip(("hostile", "positive"), pair, strict=True):
                text = f"{opener} {phrase}{closer}".replace("- ", "", 1).removesuffix("-")
                if (made := fill(Frame(kind, text), group, group)) is not None:
                    to.append(made._replace(frame=phrase))
    return kept, held


def plain_sentences() -> list[Sentence]:
    """Return hostile sentences without a group, and their harmless twins."""
    return [Sentence(text, kind, "", text) for kind, text in frames("plain_train.txt")]
