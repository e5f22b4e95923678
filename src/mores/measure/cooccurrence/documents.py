"""Completions of one arm → documents by topic, each with its group, stem and draw.

documents = arm_documents("base", completions, associations)["gender"]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mores.errors import MeasureError, did_you_mean
from mores.records import Completion
from mores.study import Associations

Key = tuple[str, int]
"""Prompt id and draw: what pairs a text with that of another arm."""


@dataclass(frozen=True)
class Documents:
    """Texts of one arm about one topic."""

    texts: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    stems: list[int] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)

    @property
    def blocks(self) -> NDArray[np.intp]:
        """Stem index of each text."""
        return np.asarray(self.stems, dtype=np.intp)

    def __getitem__(self, places: Sequence[int]) -> Documents:
        return Documents(
            texts=[self.texts[i] for i in places],
            groups=[self.groups[i] for i in places],
            stems=[self.stems[i] for i in places],
            keys=[self.keys[i] for i in places],
        )


def arm_documents(
    arm: str, completions: Sequence[Completion], associations: Associations
) -> dict[str, Documents]:
    """Sort the completions of one arm (one model, one training seed) by topic.

    Raises:
        MeasureError: another arm's completion, several models or seeds, a
            prompt id of no stem, or the same stem and draw twice.
    """
    _check_one_model(arm, completions)
    places = stem_places(associations)
    by_topic = {topic.name: Documents() for topic in associations.topics}
    seen: set[Key] = set()
    # Order of files must not matter: same inputs, same bytes.
    for completion in sorted(completions, key=lambda c: (c.prompt_id, c.draw)):
        topic, group, stem = _place(completion, places)
        key = (completion.prompt_id, completion.draw)
        if key in seen:
            raise MeasureError(
                f"stem {key[0]!r} has two completions of draw {key[1]} in arm {arm!r}",
                where=f"id {completion.id!r}",
                fix="give each stem and draw one completion",
            )
        seen.add(key)
        documents = by_topic[topic]
        documents.texts.append(completion.text)
        documents.groups.append(group)
        documents.stems.append(stem)
        documents.keys.append(key)
    return by_topic


def pair(arm: Documents, reference: Documents) -> tuple[Documents, Documents, int]:
    """Keep the stems and draws that both arms have; also return how many were left out."""
    place = {key: i for i, key in enumerate(reference.keys)}
    shared = [(i, place[key]) for i, key in enumerate(arm.keys) if key in place]
    left_out = len(arm.keys) + len(reference.keys) - 2 * len(shared)
    return arm[[i for i, _ in shared]], reference[[j for _, j in shared]], left_out


def stem_places(associations: Associations) -> dict[str, tuple[str, str, int]]:
    """Return prompt id → topic, group and index of the stem, for every stem of the file.

    Stem i of every group of a topic should be the same sentence about another group: texts are
    compared, and exchanged, within such blocks.
    """
    return {
        f"{topic.name}/{group.name}/{i}": (topic.name, group.name, i)
        for topic in associations.topics
        for group in topic.groups
        for i in range(len(group.stems))
    }


def _check_one_model(arm: str, completions: Sequence[Completion]) -> None:
    other = next((c for c in completions if c.arm != arm), None)
    if other is not None:
        raise MeasureError(
            f"expected completions of arm {arm!r}, found one of {other.arm!r}",
            where=f"id {other.id!r}",
        )
    sources = sorted({(c.model, c.seed) for c in completions})
    if len(sources) > 1:
        named = ", ".join(f"{model} seed {seed}" for model, seed in sources)
        raise MeasureError(
            f"arm {arm!r} mixes completions of {named}",
            fix="analyse each model and training seed by itself",
        )


def _place(
    completion: Completion, places: Mapping[str, tuple[str, str, int]]
) -> tuple[str, str, int]:
    name = completion.prompt_id
    if name not in places:
        raise MeasureError(
            f"no stem has the prompt id {name!r}{did_you_mean(name, list(places))}",
            where=f"id {completion.id!r}",
            fix="use the associations file that the stems were sampled from",
        )
    return places[name]
