"""Stems of the associations file ↔ prompts and their ids.

    prompts = stem_prompts(study.associations)      # one a stem, to be sampled
    stem_places(study.associations)["gender/women/0"]      # ("gender", "women", 0)

A stem's prompt id is ``<topic>/<group>/<index of the stem>``. Stem i of every
group of a topic should be the same sentence about another group: texts are
compared, and exchanged, within such blocks.
"""

from __future__ import annotations

import re

from mores.errors import DataError
from mores.measure.cooccurrence.tokens import own_words
from mores.records import Prompt
from mores.study import Associations, Topic

_NAME = re.compile(r"[^\s/]+")


def prompt_id(topic: str, group: str, stem: int) -> str:
    """Return the id of a stem's prompt."""
    return f"{topic}/{group}/{stem}"


def stem_places(associations: Associations) -> dict[str, tuple[str, str, int]]:
    """Return prompt id → topic, group and index of the stem, for every stem of the file."""
    return {
        prompt_id(topic.name, group.name, i): (topic.name, group.name, i)
        for topic in associations.topics
        for group in topic.groups
        for i in range(len(group.stems))
    }


def stem_prompts(associations: Associations) -> tuple[Prompt, ...]:
    """Return one prompt for each stem, in file order; its category is the topic.

    Raises:
        DataError: a topic or group named twice, or a name with a space or a slash.
    """
    for where, names in _names(associations):
        for name in names:
            if not _NAME.fullmatch(name):
                raise DataError(
                    f"{where} {name!r} holds a space or a slash",
                    fix="write names such as 'middle-eastern'; stems may say anything",
                )
            if names.count(name) > 1:
                raise DataError(f"{where} {name!r} is there twice", fix="merge the two")
    return tuple(
        Prompt(
            id=prompt_id(topic.name, group.name, i), category=topic.name, text=stem, split="test"
        )
        for topic in associations.topics
        for group in topic.groups
        for i, stem in enumerate(group.stems)
    )


def excluded_words(topic: Topic) -> frozenset[str]:
    """Return the words of all stems of a topic, which prompts put there."""
    return own_words(stem for group in topic.groups for stem in group.stems)


def _names(associations: Associations) -> list[tuple[str, list[str]]]:
    topics = [("topic", [topic.name for topic in associations.topics])]
    groups = [("group", [group.name for group in topic.groups]) for topic in associations.topics]
    return topics + groups
