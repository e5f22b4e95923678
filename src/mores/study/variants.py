"""variants.jsonl: test prompts and stance pairs asked in other ways.

    study.variants                       all, checked
    asked(study.variants, prompt_ids)    those that are asked
    as_prompt(variant, prompt)           as what is put to an arm
    as_pair(variant, pair)

What a model wrote and nobody has read is in the file, but asked of nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mores import store
from mores.errors import DataError, did_you_mean
from mores.records import Completion, Exchange, Prompt, StancePair, Variant
from mores.study.languages import fault, primary

FILE = "variants.jsonl"
NOTHING = "..."
"""Stands for an answer that was empty."""


def read_variants(
    path: Path, prompts: Mapping[str, str], pairs: Mapping[str, str]
) -> tuple[Variant, ...]:
    """Read a study's variants; none where there is no file.

    Args:
        path: of variants.jsonl.
        prompts: id of every prompt → its language.
        pairs: id of every pair of stance → its language.

    Raises:
        DataError: a variant without its prompt or pair, or one that a pair cannot have.
    """
    if not path.exists():
        return ()
    variants = store.read_jsonl(path, Variant)
    known = {**prompts, **pairs}
    for number, one in enumerate(variants, 1):
        where = f"id {one.id!r}, record {number}"
        if one.varies not in known:
            raise DataError(
                f"varies {one.varies!r}, which is no prompt or pair"
                f"{did_you_mean(one.varies, sorted(known))}",
                path=path,
                where=where,
                fix="name the id of a record of prompts.jsonl or stance.jsonl, or remove it",
            )
        if one.id in known:
            raise DataError(
                f"{one.id!r} is the id of a prompt or pair, too",
                path=path,
                where=where,
                fix="give the variant an id of its own",
            )
        if one.language and (why := fault(one.language)):
            raise DataError(why, path=path, where=where, fix="give a tag such as es or pt-BR")
        translated = one.language and primary(one.language) != primary(known[one.varies])
        if one.varies in pairs and translated and not one.aligned:
            raise DataError(
                f"asks a pair in {one.language!r} and has no answers in it",
                path=path,
                where=where,
                fix="write aligned and opposed in that language",
            )
        if one.varies in pairs and one.own_answer:
            raise DataError(
                "goes on from an answer of the model's own, and a pair has none",
                path=path,
                where=where,
                fix="vary a prompt, or write the completion of the earlier turn",
            )
        if one.varies in prompts and one.aligned:
            raise DataError(
                "has answers (aligned, opposed), and varies a prompt",
                path=path,
                where=where,
                fix="leave the answers out, or name a pair of stance.jsonl in varies",
            )
    return tuple(variants)


def asked(
    variants: Sequence[Variant], varied: Mapping[str, str], *, prefill: bool = True
) -> list[Variant]:
    """Return the variants of these prompts or pairs that are asked, in file order.

    Left out is what nobody has read, and what was made from another wording than there is now.

    Args:
        variants: all of them.
        varied: id of each prompt or pair → its question.
        prefill: whether the beginning of an answer can be given; a service takes none.
    """
    return [
        one
        for one in variants
        if one.varies in varied
        and not one.unread
        and not outdated(one, varied[one.varies])
        and (prefill or not one.prefill)
    ]


def outdated(one: Variant, question: str) -> bool:
    """Whether a variant was made from another wording of the question than there is now."""
    return bool(one.made_from) and one.made_from != made_from(question)


def made_from(question: str) -> str:
    """Return the short digest that a made variant keeps of the question it was made from."""
    return store.digest(question).removeprefix("sha256:")[:12]


def as_prompt(one: Variant, prompt: Prompt, own: Completion | None = None) -> Prompt:
    """Return a variant as the prompt that is asked.

    Args:
        one: the variant.
        prompt: that it varies.
        own: the arm's own answer to that prompt, for a variant that goes on from it.
    """
    return Prompt(
        id=one.id,
        category=prompt.category,
        text=one.text,
        split=prompt.split,
        kind=prompt.kind,
        earlier=tuple(_filled(one, own)),
        prefill=one.prefill,
        language=one.language or prompt.language,
    )


def _filled(one: Variant, own: Completion | None) -> Iterator[Exchange]:
    for turn in one.earlier:
        if turn.completion:
            yield turn
        elif own is not None and own.text:
            yield Exchange(prompt=turn.prompt, completion=own.text)
        else:
            yield Exchange(prompt=turn.prompt, completion=NOTHING)


def as_pair(one: Variant, pair: StancePair) -> StancePair:
    """Return a variant as the pair that is scored: the pair's answers, or its own."""
    return StancePair(
        id=one.id,
        category=pair.category,
        prompt=one.text,
        aligned=one.aligned or pair.aligned,
        opposed=one.opposed or pair.opposed,
        split=pair.split,
        earlier=one.earlier,
        prefill=one.prefill,
        language=one.language,
    )
