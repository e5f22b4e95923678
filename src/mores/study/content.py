"""Digests of what a study's records say, for the steps that are made from them.

Who wrote a record, who read it, when it was taken into the set and who answers for it change no
result. So they are in none of these digests: to accept, review or hand over is no reason to train
again.

    samples_digest(study.values.examples)
    charter_digest(study.charter), records_digest(study.chosen_prompts)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mores import store
from mores.records import Charter, Example, Prompt, StancePair, Variant, to_plain

PEOPLE = ("author", "reviewer", "accepted", "made_from")
"""Fields of a record that say who had it in hand, when, and what it came from."""
ADDED = ("earlier", "prefill", "language")


def samples_digest(examples: Sequence[Example], before: Collection[str | None] = ()) -> str:
    """Digest of samples as tuning and prompting use them: id, category, question and answer.

    Args:
        examples: in the order in which they are trained on.
        before: what steps have written down. Earlier versions of mores counted every field; where
            one of these is what they would have written for these very samples, it is returned, so
            that nothing is trained again because of a new version.
    """
    every_field = store.digest([_without(example, ("accepted",)) for example in examples])
    if every_field in before:
        return every_field
    return store.digest([(e.id, e.category, e.prompt, e.completion) for e in examples])


def records_digest(records: Sequence[Prompt | StancePair | Variant]) -> str:
    """Digest of prompts, pairs or variants, people left out.

    Fields that later versions of mores added count where they say something: a study that does not
    use them keeps its digests.
    """
    return store.digest([as_before(_without(record, PEOPLE)) for record in records])


def as_before(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's fields without those that later versions added and that say nothing."""
    return {name: value for name, value in plain.items() if value or name not in ADDED}


def charter_digest(charter: Charter) -> str:
    """Digest of a charter without who answers for its positions."""
    plain = to_plain(charter)
    for position in plain["positions"]:
        del position["accountable"]
    return store.digest(plain)


def _without(record: Any, left_out: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in to_plain(record).items() if name not in left_out}
