"""Completions of one arm → documents by topic, each with its group, stem and draw.

documents = arm_documents("base", completions, associations)["gender"]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mores.errors import MeasureError, did_you_mean
from mores.records import Completion
from mores.study import Associations

Key = tuple[str, int]
"""Prompt id and draw: what pairs a text with that of another arm."""


class Document(NamedTuple):
    """One text about a topic."""

    text: str
    group: str
    stem: int
    """Index of its stem within the group."""
    key: Key


def arm_documents(
    arm: str, completions: Sequence[Completion], associations: Associations
) -> dict[str, list[Document]]:
    """Sort the completions of one arm (one model, one training seed) by topic.

    Raises:
        MeasureError: another arm's completion, several models or seeds, a
            prompt id of no stem, or the same stem and draw twice.
    """
    _check_one_model(arm, completions)
    places = stem_places(associations)
    by_topic: dict[str, list[Document]] = {topic.name: [] for topic in associations.topics}
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
        if completion.absent:
            continue
        by_topic[topic].append(Document(completion.text, group, stem, key))
    return by_topic


def pair(
    arm: Sequence[Document], reference: Sequence[Document]
) -> tuple[list[Document], list[Document], int]:
    """Keep the stems and draws that both arms have; also return how many were left out."""
    partner = {document.key: document for document in reference}
    shared = [document for document in arm if document.key in partner]
    left_out = len(arm) + len(reference) - 2 * len(shared)
    return shared, [partner[document.key] for document in shared], left_out


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
